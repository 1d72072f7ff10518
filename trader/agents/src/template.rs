//! Long above the average price of the last bars, short below it. What `sapphire-trader new-agent`
//! starts a new strategy from: it is compiled and tested like any other, under another name.

use sapphire_engine::indicators::Ema;
use sapphire_engine::snapshot::Snapshot;

use crate::config::{Check, ConfigError};
use crate::rule::{Call, Rule, Strength, toward};

pub(crate) const NAME: &str = "template";

/// Parameters of [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateConfig {
    /// Bars of the average, 2 to 1000.
    pub period: u32,
}

impl Default for TemplateConfig {
    fn default() -> Self {
        Self { period: 20 }
    }
}

impl TemplateConfig {
    /// Checks every parameter.
    ///
    /// # Errors
    /// All faults at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::new(NAME);
        check.whole("period", self.period, 2..=1000);
        check.finish()
    }
}

/// Long above the average, short below it.
#[derive(Debug, Clone)]
pub struct Template {
    average: Ema,
}

impl Template {
    /// The rule for one symbol.
    ///
    /// # Errors
    /// All faults of the configuration at once.
    pub fn new(config: &TemplateConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let average = Ema::new(config.period as usize);
        average.map(|average| Self { average }).map_err(|e| ConfigError::indicator(NAME, &e))
    }
}

impl Rule for Template {
    fn observe(&mut self, snapshot: &Snapshot<'_>) -> Call {
        let Some(average) = self.average.update(snapshot.close) else {
            return Call::abstain("the average is not ready", [0.0; 3]);
        };
        let numbers = [snapshot.close, average, 0.0];
        match toward(snapshot.close - average) {
            Some(side) => Call::claim(side, Strength::Fair, "close {0}, average {1}", numbers),
            None => Call::abstain("the close {0} is the average", numbers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{bar, direction};
    use sapphire_engine::opinion::Direction;

    fn rule() -> Template {
        Template::new(&TemplateConfig::default()).unwrap()
    }

    #[test]
    fn abstains_until_it_has_seen_enough() {
        let mut rule = rule();
        let calls = (0..20).map(|n| direction(&rule.observe(&bar(n, 100.0 + f64::from(n)))));
        assert_eq!(calls.collect::<Vec<_>>().iter().position(Option::is_some), Some(19));
    }

    #[test]
    fn rising_prices_are_long_and_falling_ones_short() {
        let mut rule = rule();
        let mut last = |prices: &mut dyn Iterator<Item = f64>| {
            prices.map(|price| direction(&rule.observe(&bar(0, price)))).last().flatten()
        };
        assert_eq!(last(&mut (0..60).map(|n| 100.0 + f64::from(n))), Some(Direction::Long));
        assert_eq!(last(&mut (0..60).map(|n| 160.0 - f64::from(n))), Some(Direction::Short));
    }

    #[test]
    fn a_period_beyond_its_range_is_refused() {
        for period in [0, 1, 1001] {
            assert!(Template::new(&TemplateConfig { period }).is_err(), "{period}");
        }
    }
}
