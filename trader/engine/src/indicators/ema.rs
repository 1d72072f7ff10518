//! Exponential moving average.

use super::{IndicatorError, checked_period, count, is_input};

/// The exponential average seeded by a simple one: the value at index n − 1 is the mean of the first
/// n, then `EMA_t = EMA_{t−1} + (x_t − EMA_{t−1}) · 2/(n+1)`.
///
/// Source: TA-Lib `TA_EMA`.
#[derive(Debug, Clone)]
pub struct Ema {
    period: usize,
    /// Values still missing before the first average.
    missing: usize,
    /// The weight of the newest value.
    smoothing: f64,
    /// The sum of the values so far while any is missing, then the average.
    value: f64,
}

impl Ema {
    /// An average of `period` values, 1 to [`super::LONGEST_PERIOD`]; 1 answers its input.
    ///
    /// # Errors
    /// [`IndicatorError::Period`] for any other.
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        let period = checked_period("EMA", "period", period, 1)?;
        Ok(Self { period, missing: period, smoothing: 2.0 / (count(period) + 1.0), value: 0.0 })
    }

    /// Takes the next value in and answers the average, or `None` while not ready or for an input
    /// that is no number.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if !is_input(value) {
            return None;
        }
        if self.missing == 0 {
            self.value += (value - self.value) * self.smoothing;
            return Some(self.value);
        }
        self.value += value;
        self.missing -= 1;
        if self.missing == 0 {
            self.value /= count(self.period);
        }
        self.value()
    }

    /// The average as of the last update, `None` while not ready.
    #[inline]
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        if self.missing == 0 { Some(self.value) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_of_zero_is_refused() {
        assert!(matches!(Ema::new(0), Err(IndicatorError::Period { given: 0, least: 1, .. })));
    }

    #[test]
    fn a_period_of_one_answers_its_input() {
        let mut ema = Ema::new(1).unwrap();
        for value in [2.0, 5.0, 3.25] {
            assert_eq!(ema.update(value), Some(value));
        }
    }

    #[test]
    fn the_first_average_is_the_simple_one() {
        let mut ema = Ema::new(3).unwrap();
        assert_eq!([1.0, 2.0, 6.0, 5.0].map(|x| ema.update(x)), [None, None, Some(3.0), Some(4.0)]);
    }

    #[test]
    fn what_is_no_number_changes_nothing() {
        let mut ema = Ema::new(2).unwrap();
        assert_eq!([1.0, f64::NAN, 3.0].map(|x| ema.update(x)), [None, None, Some(2.0)]);
        assert_eq!(ema.update(f64::INFINITY), None);
        assert_eq!(ema.value(), Some(2.0));
    }
}
