//! Configurations check themselves, and say everything that is wrong at once.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use sapphire_engine::indicators::IndicatorError;

/// The longest horizon in bars, as in a manifest.
pub(crate) const LONGEST_HORIZON: u32 = 10_000;

/// One wrong parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The parameter, as it is written in a manifest.
    pub parameter: &'static str,
    /// Its value.
    pub given: String,
    /// What to write instead.
    pub remedy: String,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: {}", self.parameter, self.given, self.remedy)
    }
}

/// Why a strategy cannot be built: all its faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The strategy.
    pub strategy: &'static str,
    /// What is wrong with it, in the order of its parameters; at least one.
    pub faults: Vec<Fault>,
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.strategy)?;
        for (n, fault) in self.faults.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// An indicator that refused what the configuration's own checks let pass.
    pub(crate) fn indicator(strategy: &'static str, error: &IndicatorError) -> Self {
        let fault = Fault {
            parameter: "indicator",
            given: "refused".to_owned(),
            remedy: error.to_string(),
        };
        Self { strategy, faults: vec![fault] }
    }
}

/// Collects the faults of one configuration.
pub(crate) struct Check {
    strategy: &'static str,
    faults: Vec<Fault>,
}

impl Check {
    pub(crate) const fn new(strategy: &'static str) -> Self {
        Self { strategy, faults: Vec::new() }
    }

    pub(crate) fn fault(&mut self, parameter: &'static str, given: impl Display, remedy: String) {
        self.faults.push(Fault { parameter, given: given.to_string(), remedy });
    }

    pub(crate) fn whole(
        &mut self,
        parameter: &'static str,
        given: u32,
        legal: RangeInclusive<u32>,
    ) {
        if !legal.contains(&given) {
            let remedy = format!("use a whole number from {} to {}", legal.start(), legal.end());
            self.fault(parameter, given, remedy);
        }
    }

    pub(crate) fn number(
        &mut self,
        parameter: &'static str,
        given: f64,
        legal: RangeInclusive<f64>,
    ) {
        if !legal.contains(&given) {
            let remedy = format!("use a number from {} to {}", legal.start(), legal.end());
            self.fault(parameter, given, remedy);
        }
    }

    pub(crate) fn below(
        &mut self,
        parameter: &'static str,
        given: u32,
        other: &'static str,
        limit: u32,
    ) {
        if given >= limit {
            self.fault(parameter, given, format!("it must be below {other}, which is {limit}"));
        }
    }

    pub(crate) fn finish(self) -> Result<(), ConfigError> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(ConfigError { strategy: self.strategy, faults: self.faults })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once_with_their_remedies() {
        let mut check = Check::new("emaCross");
        check.whole("fast", 0, 1..=1000);
        check.number("edge", f64::NAN, 0.0..=0.5);
        check.below("fast", 30, "slow", 20);
        assert_eq!(
            check.finish().unwrap_err().to_string(),
            "emaCross: fast is 0: use a whole number from 1 to 1000; edge is NaN: use a number from 0 \
             to 0.5; fast is 30: it must be below slow, which is 20"
        );
    }
}
