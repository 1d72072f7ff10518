//! The plain cross of two exponential averages: for delegated use, and to compare the others with.

use sapphire_engine::indicators::{Ema, IndicatorError};
use sapphire_engine::opinion::Direction;
use sapphire_engine::snapshot::Snapshot;

use crate::config::{Check, ConfigError};
use crate::rule::{Call, Rule, Strength, toward};

pub(crate) const NAME: &str = "emaCross";

/// Parameters of [`EmaCross`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmaCrossConfig {
    /// Bars of the fast average, 2 to 1000, below `slow`.
    pub fast: u32,
    /// Bars of the slow average, 3 to 2000.
    pub slow: u32,
}

impl Default for EmaCrossConfig {
    fn default() -> Self {
        Self { fast: 10, slow: 20 }
    }
}

impl EmaCrossConfig {
    /// Checks every parameter.
    ///
    /// # Errors
    /// All faults at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::new(NAME);
        check.whole("fast", self.fast, 2..=1000);
        check.whole("slow", self.slow, 3..=2000);
        check.below("fast", self.fast, "slow", self.slow);
        check.finish()
    }
}

/// Long while the fast average is above the slow one, short while it is below; as before where they
/// are equal.
#[derive(Debug, Clone)]
pub struct EmaCross {
    fast: Ema,
    slow: Ema,
    /// Bars still missing before the slow average is ready.
    missing: u32,
    side: Option<Direction>,
}

impl EmaCross {
    /// The rule for one symbol.
    ///
    /// # Errors
    /// All faults of the configuration at once.
    pub fn new(config: &EmaCrossConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let build = || -> Result<Self, IndicatorError> {
            Ok(Self {
                fast: Ema::new(config.fast as usize)?,
                slow: Ema::new(config.slow as usize)?,
                missing: config.slow,
                side: None,
            })
        };
        build().map_err(|error| ConfigError::indicator(NAME, &error))
    }
}

impl Rule for EmaCross {
    fn observe(&mut self, snapshot: &Snapshot<'_>) -> Call {
        let (fast, slow) = (self.fast.update(snapshot.close), self.slow.update(snapshot.close));
        self.missing = self.missing.saturating_sub(1);
        let Some((fast, slow)) = fast.zip(slow) else {
            return Call::abstain("needs {0} more bars", [f64::from(self.missing), 0.0, 0.0]);
        };
        self.side = toward(fast - slow).or(self.side);
        let numbers = [fast, slow, 0.0];
        match self.side {
            Some(side @ Direction::Long) => {
                Call::claim(side, Strength::Fair, "fast average {0} above slow {1}", numbers)
            }
            Some(side) => {
                Call::claim(side, Strength::Fair, "fast average {0} below slow {1}", numbers)
            }
            None => Call::abstain("the averages have been equal so far", numbers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{bar, direction, directions_on, hours_of_bitcoin};
    use rstest::rstest;

    fn rule() -> EmaCross {
        EmaCross::new(&EmaCrossConfig::default()).unwrap()
    }

    #[test]
    fn abstains_until_the_slow_average_is_ready() {
        let mut rule = rule();
        let first =
            (0..40).position(|n| direction(&rule.observe(&bar(n, 100.0 + f64::from(n)))).is_some());
        assert_eq!(first, Some(19));
    }

    #[test]
    fn rising_prices_are_long_and_falling_ones_short() {
        let mut rule = rule();
        let mut last = |prices: &mut dyn Iterator<Item = f64>| {
            prices.map(|p| direction(&rule.observe(&bar(0, p)))).last().flatten()
        };
        assert_eq!(last(&mut (0..60).map(|n| 100.0 + f64::from(n))), Some(Direction::Long));
        assert_eq!(last(&mut (0..60).map(|n| 160.0 - f64::from(n))), Some(Direction::Short));
    }

    #[test]
    fn prices_that_never_moved_have_no_side() {
        let mut rule = rule();
        assert!((0..100).all(|n| direction(&rule.observe(&bar(n, 128.0))).is_none()));
    }

    #[test]
    fn crosses_on_real_bars_are_those_of_a_reference() {
        let said = directions_on(&mut rule(), hours_of_bitcoin());
        let crosses = said.windows(2).filter(|w| w[0] != w[1]).count();
        let closes: Vec<f64> = hours_of_bitcoin().iter().map(|b| b.close).collect();
        assert_eq!(crosses, reference_crosses(&closes));
        assert!(crosses > 500, "{crosses}");
    }

    /// Whole series at a time, each average in the other of its two forms: k·x + (1 − k)·last.
    fn reference_crosses(closes: &[f64]) -> usize {
        let average = |n: usize| -> Vec<f64> {
            let k = 2.0 / (n as f64 + 1.0);
            let mut values = vec![closes[..n].iter().sum::<f64>() / n as f64];
            for close in &closes[n..] {
                values.push(k * close + (1.0 - k) * values[values.len() - 1]);
            }
            values
        };
        let (fast, slow) = (average(10), average(20));
        let above: Vec<bool> = fast[10..].iter().zip(&slow).map(|(f, s)| f > s).collect();
        above.windows(2).filter(|w| w[0] != w[1]).count()
    }

    #[rstest]
    #[case(1, 20, "emaCross: fast is 1: use a whole number from 2 to 1000")]
    #[case(20, 20, "emaCross: fast is 20: it must be below slow, which is 20")]
    #[case(10, 2001, "emaCross: slow is 2001: use a whole number from 3 to 2000")]
    fn bad_parameters_are_refused_with_a_remedy(
        #[case] fast: u32,
        #[case] slow: u32,
        #[case] says: &str,
    ) {
        assert_eq!(EmaCross::new(&EmaCrossConfig { fast, slow }).unwrap_err().to_string(), says);
    }
}
