//! Mean and variance over a sliding window.

use super::window::Window;
use super::{IndicatorError, checked_period, count, is_input};

/// Mean and population variance (ddof 0) of the last n values.
///
/// Sums are kept of `x − a` and `(x − a)²` around an anchor `a` that moves to the newest value each
/// time the window wraps; there both are recomputed. Around zero, as TA-Lib sums them, a price of
/// 60,000 with a spread of 0.1 loses nine of the variance's sixteen digits; around a price of the
/// window itself it loses almost none, and a market that stays flat has exactly no variance.
#[derive(Debug, Clone)]
pub struct RollingMoments {
    window: Window,
    anchor: f64,
    sum: f64,
    squares: f64,
    length: f64,
}

impl RollingMoments {
    /// Moments over `period` values, 1 to [`super::LONGEST_PERIOD`].
    ///
    /// # Errors
    /// [`IndicatorError::Period`] for any other.
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        let period = checked_period("moments", "period", period, 1)?;
        Ok(Self {
            window: Window::new(period),
            anchor: 0.0,
            sum: 0.0,
            squares: 0.0,
            length: count(period),
        })
    }

    /// Takes the next value in; false, and no change, for an input that is no number.
    #[inline]
    pub fn update(&mut self, value: f64) -> bool {
        if !is_input(value) {
            return false;
        }
        let displaced = self.window.push(value);
        if self.window.has_wrapped() {
            self.recompute(value);
        } else if self.window.is_full() {
            let (new, old) = (value - self.anchor, displaced - self.anchor);
            self.sum += new - old;
            self.squares += new * new - old * old;
        }
        true
    }

    fn recompute(&mut self, anchor: f64) {
        self.anchor = anchor;
        (self.sum, self.squares) =
            self.window.values().iter().fold((0.0, 0.0), |(sum, squares), x| {
                let d = x - anchor;
                (sum + d, squares + d * d)
            });
    }

    /// The mean, `None` while the window fills.
    #[inline]
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.window.is_full().then(|| self.anchor + self.sum / self.length)
    }

    /// The population standard deviation (divisor n), never negative; `None` while the window fills.
    #[inline]
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        self.window.is_full().then(|| {
            let mean = self.sum / self.length;
            libm::sqrt((self.squares / self.length - mean * mean).max(0.0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_flat_window_has_exactly_no_deviation() {
        let mut moments = RollingMoments::new(20).unwrap();
        for _ in 0..50 {
            moments.update(61_800.1);
        }
        assert_eq!(moments.deviation(), Some(0.0));
        assert_eq!(moments.mean(), Some(61_800.1));
    }

    #[test]
    fn a_spike_leaves_no_error_behind_after_one_window() {
        let mut moments = RollingMoments::new(4).unwrap();
        moments.update(1e60);
        for _ in 0..4 {
            moments.update(1.0);
            moments.update(3.0);
        }
        assert_eq!(moments.mean(), Some(2.0));
        assert_eq!(moments.deviation(), Some(1.0));
    }

    proptest! {
        #[test]
        fn equal_the_two_pass_moments_of_their_window(
            values in prop::collection::vec(50_000.0..70_000.0_f64, 1..200),
            period in 1_usize..40,
        ) {
            let mut moments = RollingMoments::new(period).unwrap();
            for (index, &value) in values.iter().enumerate() {
                prop_assert!(moments.update(value));
                if index + 1 < period {
                    prop_assert_eq!(moments.mean(), None);
                    prop_assert_eq!(moments.deviation(), None);
                    continue;
                }
                let window = &values[index + 1 - period..=index];
                let mean = window.iter().sum::<f64>() / count(period);
                let squares = window.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
                let deviation = moments.deviation().unwrap();
                prop_assert!((moments.mean().unwrap() - mean).abs() < 1e-8);
                prop_assert!((deviation * deviation - squares / count(period)).abs() < 1e-5);
            }
        }
    }
}
