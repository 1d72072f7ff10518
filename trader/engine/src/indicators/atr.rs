//! Average true range.

use super::{IndicatorError, checked_period, count, is_input};

/// The true range of a bar, in the unit of price, never negative for `high >= low`:
/// `max(high − low, |high − previous close|, |low − previous close|)`.
///
/// Source: Wilder (1978); TA-Lib `TA_TRANGE`.
#[inline]
#[must_use]
pub fn true_range(high: f64, low: f64, previous_close: f64) -> f64 {
    (high - low).max((high - previous_close).abs()).max((low - previous_close).abs())
}

/// Wilder's average true range, in the unit of price. The first bar has no previous close and no true
/// range; first defined at index n, the simple mean of TR\[1..=n\], then
/// `ATR = (ATR · (n − 1) + TR) / n`.
///
/// Source: Wilder (1978); TA-Lib `TA_ATR`.
#[derive(Debug, Clone)]
pub struct Atr {
    period: f64,
    /// True ranges still missing before the first value.
    missing: usize,
    last_close: Option<f64>,
    /// The sum of true ranges while any is missing, then their average.
    range: f64,
}

impl Atr {
    /// An average over `period` true ranges, 1 to [`super::LONGEST_PERIOD`]; Wilder's is 14. With 1 it
    /// is the true range itself.
    ///
    /// # Errors
    /// [`IndicatorError::Period`] for any other.
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        let period = checked_period("ATR", "period", period, 1)?;
        Ok(Self { period: count(period), missing: period, last_close: None, range: 0.0 })
    }

    /// Takes the next bar in and answers the average, or `None` while not ready or for a bar of which
    /// any price is no number.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        if !(is_input(high) && is_input(low) && is_input(close)) {
            return None;
        }
        let range = true_range(high, low, self.last_close.replace(close)?);
        if self.missing == 0 {
            self.range = (self.range * (self.period - 1.0) + range) / self.period;
        } else {
            self.range += range;
            self.missing -= 1;
            if self.missing == 0 {
                self.range /= self.period;
            }
        }
        self.value()
    }

    /// The average as of the last update, `None` while not ready.
    #[inline]
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        if self.missing == 0 { Some(self.range) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::inside_the_bar(12.0, 10.0, 11.0, 2.0)]
    #[case::gap_up(12.0, 10.0, 7.0, 5.0)]
    #[case::gap_down(12.0, 10.0, 15.0, 5.0)]
    fn a_gap_counts_as_range(
        #[case] high: f64,
        #[case] low: f64,
        #[case] close: f64,
        #[case] range: f64,
    ) {
        assert_eq!(true_range(high, low, close), range);
    }

    #[test]
    fn a_period_of_zero_is_refused() {
        assert!(matches!(Atr::new(0), Err(IndicatorError::Period { given: 0, .. })));
    }

    #[test]
    fn a_period_of_one_is_the_true_range() {
        let mut atr = Atr::new(1).unwrap();
        assert_eq!(atr.update(2.0, 1.0, 1.0), None, "one bar has no true range");
        assert_eq!(atr.update(3.0, 2.5, 2.5), Some(2.0));
    }

    #[test]
    fn flat_prices_have_no_range() {
        let mut atr = Atr::new(3).unwrap();
        assert_eq!((0..9).filter_map(|_| atr.update(5.0, 5.0, 5.0)).last(), Some(0.0));
    }

    #[rstest]
    #[case(f64::NAN, 1.0, 1.0)]
    #[case(1.0, f64::INFINITY, 1.0)]
    #[case(1.0, 1.0, f64::NAN)]
    fn a_bar_with_what_is_no_number_changes_nothing(
        #[case] high: f64,
        #[case] low: f64,
        #[case] close: f64,
    ) {
        let mut atr = Atr::new(1).unwrap();
        atr.update(2.0, 1.0, 1.5);
        assert_eq!(atr.update(high, low, close), None);
        assert_eq!(atr.update(2.5, 2.0, 2.0), Some(1.0), "measured from the last good close");
    }
}
