use std::fmt;

use sapphire_engine::money::{Amount, Ratio};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A decimal number as text, such as `61800.10` or `-0.0312`: no reader rounds it by accident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, pattern = r"^-?[0-9]+(\.[0-9]+)?$", examples("61800.10"))]
pub struct Decimal(String);

impl Decimal {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest text with four places to a measured fraction (a Brier score, a hit rate), never
    /// money; `None` for what is not finite.
    #[must_use]
    pub fn from_measure(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self(format!("{value:.4}")))
    }
}

impl Default for Decimal {
    fn default() -> Self {
        Self("0".to_owned())
    }
}
impl From<Amount> for Decimal {
    fn from(amount: Amount) -> Self {
        Self(amount.to_string())
    }
}
impl From<Ratio> for Decimal {
    fn from(ratio: Ratio) -> Self {
        Self(ratio.to_string())
    }
}
impl From<u64> for Decimal {
    fn from(count: u64) -> Self {
        Self(count.to_string())
    }
}
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_every_digit() {
        let amount: Amount = "92233720368547758.07000001".parse().unwrap();
        assert_eq!(Decimal::from(amount).as_str(), "92233720368547758.07000001");
        assert_eq!(serde_json::to_string(&Decimal::from(Ratio::percent(-3))).unwrap(), "\"-0.03\"");
    }

    #[test]
    fn a_measure_that_is_no_number_has_no_text() {
        assert_eq!(Decimal::from_measure(0.24999).unwrap().as_str(), "0.2500");
        assert_eq!(Decimal::from_measure(f64::NAN), None);
        assert_eq!(Decimal::from_measure(f64::INFINITY), None);
    }
}
