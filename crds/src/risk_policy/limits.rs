//! How much may be lost, owed, open and sent.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::defaults;
use crate::values::{Duration, Fraction, Multiple, Positive, RiskMultiplier, unless_decimal};

/// The limits that the risk gate enforces.
///
/// Shares are of one (25 % is `"0.25"`), exposures are multiples of equity, sums are in quote currency.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new(concat!("!has(self.maxDailyLoss) || !has(self.maxDrawdown) || ", unless_decimal!("self.maxDailyLoss", "self.maxDrawdown"), "double(self.maxDailyLoss) <= double(self.maxDrawdown)"))
        .message("maxDailyLoss is above maxDrawdown and would never act; lower maxDailyLoss or raise maxDrawdown").field_path(".maxDailyLoss"),
    validation = Rule::new(concat!("!has(self.maxNetExposure) || !has(self.maxGrossExposure) || ", unless_decimal!("self.maxNetExposure", "self.maxGrossExposure"), "double(self.maxNetExposure) <= double(self.maxGrossExposure)"))
        .message("maxNetExposure is above maxGrossExposure and would never act; lower maxNetExposure or raise maxGrossExposure").field_path(".maxNetExposure")
)]
pub struct Limits {
    /// Greatest fall of marked equity below its high-water mark, as a share of it. At half of it new
    /// positions are half as large, at 80 % nothing may grow, at 100 % the desk halts.
    #[serde(default = "defaults::max_drawdown")]
    pub max_drawdown: Fraction,
    /// Greatest loss since 00:00 UTC as a share of the equity then; beyond it nothing may grow until
    /// the next day.
    #[serde(default = "defaults::max_daily_loss")]
    pub max_daily_loss: Fraction,
    /// Greatest sum of all notionals after an entry, as a multiple of equity; with it an entry is sized
    /// and its margin taken.
    #[serde(default = "defaults::max_leverage")]
    pub max_leverage: Multiple,
    /// Share of equity that one trade may lose at its stop, fees and slippage included.
    #[serde(default = "defaults::risk_per_trade")]
    pub risk_per_trade: Fraction,
    /// Scales riskPerTrade, from 1 to 2; never a limit.
    #[serde(default = "defaults::risk_multiplier")]
    pub risk_multiplier: RiskMultiplier,
    /// Share of the full Kelly stake that one trade may risk.
    #[serde(default = "defaults::kelly_fraction")]
    pub kelly_fraction: Fraction,
    /// Greatest notional that one order may open, in quote currency, whoever decides on it: a larger entry
    /// is cut down to it. What an order closes does not count. Absent: no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_order_notional: Option<Positive>,
    /// Greatest sum of all notionals, longs and shorts added, as a multiple of equity, were every working
    /// entry filled.
    #[serde(default = "defaults::max_gross_exposure")]
    pub max_gross_exposure: Multiple,
    /// Greatest difference of longs and shorts, as a multiple of equity, were every working entry on one
    /// side filled.
    #[serde(default = "defaults::max_net_exposure")]
    pub max_net_exposure: Multiple,
    /// Most positions open at once.
    #[serde(default = "defaults::max_open_positions")]
    #[schemars(range(min = 1, max = 200))]
    pub max_open_positions: u32,
    /// How often entries may be sent.
    #[serde(default)]
    pub order_rate: OrderRate,
    /// Greatest distance of an order's price from the mark, as a share of the mark.
    #[serde(default = "defaults::price_collar")]
    pub price_collar: Fraction,
    /// Greatest age of market data, by the time that it was received.
    #[serde(default = "defaults::max_data_age")]
    pub max_data_age: Duration,
    /// Greatest uncertainty of our clock against the venue's.
    #[serde(default = "defaults::max_clock_uncertainty")]
    pub max_clock_uncertainty: Duration,
    /// Least distance of the liquidation price beyond the stop, in ATRs.
    #[serde(default = "defaults::liquidation_buffer_atr")]
    pub liquidation_buffer_atr: Multiple,
    /// Greatest share of the near side of the book that one order may take.
    #[serde(default = "defaults::book_share")]
    pub book_share: Fraction,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_drawdown: defaults::max_drawdown(),
            max_daily_loss: defaults::max_daily_loss(),
            max_leverage: defaults::max_leverage(),
            risk_per_trade: defaults::risk_per_trade(),
            risk_multiplier: defaults::risk_multiplier(),
            kelly_fraction: defaults::kelly_fraction(),
            max_order_notional: None,
            max_gross_exposure: defaults::max_gross_exposure(),
            max_net_exposure: defaults::max_net_exposure(),
            max_open_positions: defaults::max_open_positions(),
            order_rate: OrderRate::default(),
            price_collar: defaults::price_collar(),
            max_data_age: defaults::max_data_age(),
            max_clock_uncertainty: defaults::max_clock_uncertainty(),
            liquidation_buffer_atr: defaults::liquidation_buffer_atr(),
            book_share: defaults::book_share(),
        }
    }
}

/// A token bucket over entries; exits have a reserve of the venue's budget to themselves.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("!has(self.burst) || !has(self.perSecond) || self.burst >= self.perSecond")
        .message("burst is below perSecond, which could then never be reached; raise burst or lower perSecond").field_path(".burst")
)]
pub struct OrderRate {
    /// Entries a second, sustained.
    #[serde(default = "defaults::orders_per_second")]
    #[schemars(range(min = 1, max = 1000))]
    pub per_second: u32,
    /// Entries at once.
    #[serde(default = "defaults::order_burst")]
    #[schemars(range(min = 1, max = 1000))]
    pub burst: u32,
}

impl Default for OrderRate {
    fn default() -> Self {
        Self { per_second: defaults::orders_per_second(), burst: defaults::order_burst() }
    }
}
