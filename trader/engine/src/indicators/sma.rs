//! Simple moving average.

use super::window::Window;
use super::{IndicatorError, checked_period, count, is_input};

/// The mean of the last n values, in the unit of its input: `SMA_t = (x_t + … + x_{t-n+1}) / n`.
/// First defined at index n − 1.
///
/// Source: TA-Lib `TA_SMA`. A running sum, recomputed once in n updates.
#[derive(Debug, Clone)]
pub struct Sma {
    window: Window,
    sum: f64,
    length: f64,
}

impl Sma {
    /// An average over `period` values, 1 to [`super::LONGEST_PERIOD`]; 1 answers its input.
    ///
    /// # Errors
    /// [`IndicatorError::Period`] for any other.
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        let period = checked_period("SMA", "period", period, 1)?;
        Ok(Self { window: Window::new(period), sum: 0.0, length: count(period) })
    }

    /// Takes the next value in and answers the average, or `None` while not ready or for an input
    /// that is no number.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if !is_input(value) {
            return None;
        }
        let displaced = self.window.push(value);
        if self.window.has_wrapped() {
            self.sum = self.window.values().iter().sum();
        } else {
            self.sum += value - displaced;
        }
        self.value()
    }

    /// The average as of the last update, `None` while not ready.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.window.is_full().then(|| self.sum / self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_period_of_zero_is_refused_by_name() {
        let error = Sma::new(0).unwrap_err().to_string();
        assert_eq!(error, "SMA: period is 0; use a whole number from 1 to 100000");
        assert!(Sma::new(super::super::LONGEST_PERIOD + 1).is_err());
    }

    #[test]
    fn a_period_of_one_answers_its_input() {
        let mut sma = Sma::new(1).unwrap();
        assert_eq!(sma.update(3.5), Some(3.5));
        assert_eq!(sma.update(-1.25), Some(-1.25));
    }

    #[test]
    fn what_is_no_number_changes_nothing() {
        let mut sma = Sma::new(2).unwrap();
        assert_eq!(sma.update(1.0), None);
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e101] {
            assert_eq!(sma.update(bad), None);
        }
        assert_eq!(sma.update(2.0), Some(1.5));
    }

    #[test]
    fn a_spike_leaves_no_error_behind_after_one_window() {
        let mut sma = Sma::new(10).unwrap();
        sma.update(1e30);
        let last = (0..30).filter_map(|_| sma.update(0.1)).last().unwrap();
        assert!((last - 0.1).abs() < 1e-16, "{last}");
    }

    proptest! {
        #[test]
        fn equals_the_mean_of_its_window(
            values in prop::collection::vec(-1e6..1e6_f64, 1..200),
            period in 1_usize..40,
        ) {
            let mut sma = Sma::new(period).unwrap();
            for (index, &value) in values.iter().enumerate() {
                let got = sma.update(value);
                if index + 1 < period {
                    prop_assert_eq!(got, None);
                } else {
                    let window = &values[index + 1 - period..=index];
                    let mean = window.iter().sum::<f64>() / count(period);
                    prop_assert!((got.unwrap() - mean).abs() < 1e-7);
                }
            }
        }
    }
}
