//! Bollinger bands.

use super::{IndicatorError, RollingMoments, checked_period, checked_positive};

/// The three bands, in the unit of the input; `lower <= middle <= upper`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bands {
    /// `middle − width · σ`.
    pub lower: f64,
    /// The simple mean.
    pub middle: f64,
    /// `middle + width · σ`.
    pub upper: f64,
}

/// Bollinger bands: the simple mean of the last n values, and `width` population standard deviations
/// (divisor n) around it. First defined at index n − 1.
///
/// Source: J. Bollinger, *Bollinger on Bollinger Bands* (2001); TA-Lib `TA_BBANDS` with an SMA.
#[derive(Debug, Clone)]
pub struct Bollinger {
    moments: RollingMoments,
    width: f64,
}

impl Bollinger {
    /// Bands over `period` values (2 to [`super::LONGEST_PERIOD`]: one value has no spread), `width`
    /// deviations to each side, above 0. The customary pair is 20 and 2.
    ///
    /// # Errors
    /// [`IndicatorError::Period`] or [`IndicatorError::NotPositive`] for any other.
    pub fn new(period: usize, width: f64) -> Result<Self, IndicatorError> {
        let period = checked_period("Bollinger bands", "period", period, 2)?;
        let width = checked_positive("Bollinger bands", "width", width)?;
        Ok(Self { moments: RollingMoments::new(period)?, width })
    }

    /// Takes the next value in and answers the bands, or `None` while not ready or for an input that
    /// is no number.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<Bands> {
        if self.moments.update(value) { self.value() } else { None }
    }

    /// The bands as of the last update, `None` while not ready.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<Bands> {
        let (middle, deviation) = self.moments.mean().zip(self.moments.deviation())?;
        let half = self.width * deviation;
        Some(Bands { lower: middle - half, middle, upper: middle + half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, 2.0, "Bollinger bands: period is 0; use a whole number from 2 to 100000")]
    #[case(1, 2.0, "Bollinger bands: period is 1; use a whole number from 2 to 100000")]
    #[case(20, 0.0, "Bollinger bands: width is 0; use a number above 0 and at most 1e100")]
    #[case(20, f64::NAN, "Bollinger bands: width is NaN; use a number above 0 and at most 1e100")]
    fn bad_parameters_are_refused_by_name(
        #[case] period: usize,
        #[case] width: f64,
        #[case] says: &str,
    ) {
        assert_eq!(Bollinger::new(period, width).unwrap_err().to_string(), says);
    }

    #[test]
    fn flat_prices_have_bands_of_no_width() {
        let mut bands = Bollinger::new(3, 2.0).unwrap();
        let last = (0..9).filter_map(|_| bands.update(0.1)).last().unwrap();
        assert_eq!(last, Bands { lower: 0.1, middle: 0.1, upper: 0.1 });
    }

    #[test]
    fn what_is_no_number_changes_nothing() {
        let mut bands = Bollinger::new(2, 1.0).unwrap();
        bands.update(1.0);
        assert_eq!(bands.update(f64::NAN), None);
        assert_eq!(bands.update(3.0), Some(Bands { lower: 1.0, middle: 2.0, upper: 3.0 }));
    }
}
