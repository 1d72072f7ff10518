//! Moving average convergence and divergence.

use super::{Ema, IndicatorError, checked_period, is_input};

/// MACD's three lines, in the unit of price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MacdValue {
    /// Fast average less slow average.
    pub macd: f64,
    /// The exponential average of `macd`.
    pub signal: f64,
    /// `macd − signal`.
    pub histogram: f64,
}

/// Moving average convergence and divergence. All three lines are first defined at index
/// `slow + signal − 2` (33 for 12, 26, 9).
///
/// Seeds are TA-Lib's: the slow average starts from the simple mean of the first `slow` values, the
/// fast one from the mean of the `fast` values that end at the same bar, the signal from the mean of
/// the first `signal` differences.
///
/// Source: G. Appel, *Technical Analysis: Power Tools* (2005); TA-Lib `TA_MACD`.
#[derive(Debug, Clone)]
pub struct Macd {
    /// Values to pass over before the fast average starts, so that both seeds end at one bar.
    skip: usize,
    fast: Ema,
    slow: Ema,
    signal: Ema,
}

impl Macd {
    /// Averages of `fast`, `slow` and `signal` values, each 1 to [`super::LONGEST_PERIOD`], fast below
    /// slow; the customary ones are 12, 26 and 9.
    ///
    /// # Errors
    /// [`IndicatorError::Period`], or [`IndicatorError::FastNotBelowSlow`] where TA-Lib would swap
    /// the two without a word.
    pub fn new(fast: usize, slow: usize, signal: usize) -> Result<Self, IndicatorError> {
        let fast = checked_period("MACD", "fast", fast, 1)?;
        let slow = checked_period("MACD", "slow", slow, 1)?;
        let signal = checked_period("MACD", "signal", signal, 1)?;
        if fast >= slow {
            return Err(IndicatorError::FastNotBelowSlow { indicator: "MACD", fast, slow });
        }
        Ok(Self {
            skip: slow - fast,
            fast: Ema::new(fast)?,
            slow: Ema::new(slow)?,
            signal: Ema::new(signal)?,
        })
    }

    /// Takes the next price in and answers the lines, or `None` while not ready or for an input that
    /// is no number.
    #[inline]
    pub fn update(&mut self, price: f64) -> Option<MacdValue> {
        if !is_input(price) {
            return None;
        }
        let slow = self.slow.update(price);
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        let macd = self.fast.update(price)? - slow?;
        let signal = self.signal.update(macd)?;
        Some(MacdValue { macd, signal, histogram: macd - signal })
    }

    /// The lines as of the last update, `None` while not ready.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<MacdValue> {
        let macd = self.fast.value()? - self.slow.value()?;
        let signal = self.signal.value()?;
        Some(MacdValue { macd, signal, histogram: macd - signal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, 26, 9, "MACD: fast is 0; use a whole number from 1 to 100000")]
    #[case(12, 26, 0, "MACD: signal is 0; use a whole number from 1 to 100000")]
    #[case(
        26,
        12,
        9,
        "MACD: the fast period 26 must be below the slow period 12; swap or change them"
    )]
    #[case(
        12,
        12,
        9,
        "MACD: the fast period 12 must be below the slow period 12; swap or change them"
    )]
    fn bad_periods_are_refused_by_name(
        #[case] fast: usize,
        #[case] slow: usize,
        #[case] signal: usize,
        #[case] says: &str,
    ) {
        assert_eq!(Macd::new(fast, slow, signal).unwrap_err().to_string(), says);
    }

    #[test]
    fn is_first_defined_at_index_33() {
        let mut macd = Macd::new(12, 26, 9).unwrap();
        let first = (0..60).position(|i| macd.update(f64::from(i)).is_some());
        assert_eq!(first, Some(33));
        assert_eq!(macd.value(), macd.clone().value());
    }

    #[test]
    fn flat_prices_neither_converge_nor_diverge() {
        let mut macd = Macd::new(12, 26, 9).unwrap();
        let last = (0..100).filter_map(|_| macd.update(100.0)).last().unwrap();
        assert_eq!(last, MacdValue { macd: 0.0, signal: 0.0, histogram: 0.0 });
    }

    #[test]
    fn what_is_no_number_changes_nothing() {
        let (mut clean, mut dirty) = (Macd::new(2, 3, 2).unwrap(), Macd::new(2, 3, 2).unwrap());
        for price in [1.0, 4.0, 2.0, 8.0, 5.0, 7.0] {
            assert_eq!(dirty.update(f64::NAN), None);
            assert_eq!(dirty.update(price), clean.update(price));
        }
    }
}
