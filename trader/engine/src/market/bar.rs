use serde::{Deserialize, Serialize};

use crate::instrument::{PriceTicks, QtyLots};
use crate::time::Timestamp;

/// A closed bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    /// When it opened; it closes one interval later.
    pub open_time: Timestamp,
    /// First price.
    pub open: PriceTicks,
    /// Highest price.
    pub high: PriceTicks,
    /// Lowest price.
    pub low: PriceTicks,
    /// Last price.
    pub close: PriceTicks,
    /// Traded quantity.
    pub volume: QtyLots,
    /// Of it, what buyers took; `None` where the data do not say.
    pub taker_buy_volume: Option<QtyLots>,
}

/// What is wrong with a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BarError {
    /// A price of zero or below.
    #[error("a price is zero or negative")]
    NotPositive,
    /// High below, or low above, another price.
    #[error("the high is not the highest price, or the low not the lowest")]
    Inconsistent,
    /// A volume below zero.
    #[error("the volume is negative")]
    NegativeVolume,
}

impl Bar {
    /// Checks that the prices are positive and agree with one another.
    ///
    /// # Errors
    /// See [`BarError`].
    pub fn validate(&self) -> Result<(), BarError> {
        if self.low.0 <= 0 || self.open.0 <= 0 || self.close.0 <= 0 {
            return Err(BarError::NotPositive);
        }
        if self.low > self.open.min(self.close) || self.high < self.open.max(self.close) {
            return Err(BarError::Inconsistent);
        }
        if self.volume.0 < 0 {
            return Err(BarError::NegativeVolume);
        }
        Ok(())
    }
}
