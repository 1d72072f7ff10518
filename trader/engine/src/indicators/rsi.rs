//! Relative strength index.

use super::{IndicatorError, checked_period, count, is_input};

/// Wilder's relative strength index, 0 to 100: `100 · G / (G + L)`, G and L the average gain and loss.
/// First defined at index n, from the simple means of the first n changes; then
/// `avg = (avg · (n − 1) + x) / n`. No gain and no loss at all answers 0, as TA-Lib does.
///
/// Source: J. W. Wilder, *New Concepts in Technical Trading Systems* (1978); TA-Lib `TA_RSI`.
#[derive(Debug, Clone)]
pub struct Rsi {
    period: f64,
    /// Changes still missing before the first value.
    missing: usize,
    last: Option<f64>,
    /// The sums of gains and losses while any change is missing, then their averages.
    gain: f64,
    loss: f64,
}

impl Rsi {
    /// An index over `period` changes, 1 to [`super::LONGEST_PERIOD`]; Wilder's is 14. With 1 it is 100
    /// after a rise, else 0.
    ///
    /// # Errors
    /// [`IndicatorError::Period`] for any other.
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        let period = checked_period("RSI", "period", period, 1)?;
        Ok(Self { period: count(period), missing: period, last: None, gain: 0.0, loss: 0.0 })
    }

    /// Takes the next price in and answers the index, or `None` while not ready or for an input that
    /// is no number.
    #[inline]
    pub fn update(&mut self, price: f64) -> Option<f64> {
        if !is_input(price) {
            return None;
        }
        let change = price - self.last.replace(price)?;
        let (gain, loss) = (change.max(0.0), (-change).max(0.0));
        if self.missing == 0 {
            self.gain = (self.gain * (self.period - 1.0) + gain) / self.period;
            self.loss = (self.loss * (self.period - 1.0) + loss) / self.period;
        } else {
            self.gain += gain;
            self.loss += loss;
            self.missing -= 1;
            if self.missing == 0 {
                self.gain /= self.period;
                self.loss /= self.period;
            }
        }
        self.value()
    }

    /// The index as of the last update, `None` while not ready.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        if self.missing > 0 {
            return None;
        }
        let moved = self.gain + self.loss;
        Some(if moved > 0.0 { 100.0 * (self.gain / moved) } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_period_of_zero_is_refused() {
        assert!(matches!(Rsi::new(0), Err(IndicatorError::Period { given: 0, .. })));
    }

    #[test]
    fn a_period_of_one_looks_at_the_last_change_alone() {
        let mut rsi = Rsi::new(1).unwrap();
        let got = [1.0, 2.0, 1.5, 1.5].map(|x| rsi.update(x));
        assert_eq!(got, [None, Some(100.0), Some(0.0), Some(0.0)]);
    }

    #[test]
    fn flat_prices_answer_zero_as_ta_lib_does() {
        let mut rsi = Rsi::new(14).unwrap();
        let values: Vec<_> = (0..20).map(|_| rsi.update(100.0)).collect();
        assert!(values[..14].iter().all(Option::is_none));
        assert!(values[14..].iter().all(|v| *v == Some(0.0)));
    }

    #[test]
    fn one_bar_is_not_ready() {
        assert_eq!(Rsi::new(1).unwrap().update(7.0), None);
    }

    proptest! {
        #[test]
        fn stays_between_0_and_100_whatever_comes(
            values in prop::collection::vec(prop_oneof![9 => -1e6..1e6_f64, 1 => any::<f64>()], 0..200),
            period in 1_usize..20,
        ) {
            let mut rsi = Rsi::new(period).unwrap();
            for value in values {
                if let Some(index) = rsi.update(value) {
                    prop_assert!((0.0..=100.0).contains(&index), "{}", index);
                }
            }
        }
    }
}
