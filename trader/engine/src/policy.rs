//! What a desk may lose, as the engine understands it: the RiskPolicy with every default filled in.

use serde::{Deserialize, Serialize};

use crate::money::{Amount, Ratio};
use crate::time::Span;

/// Whether the desk may trade. The order is that of strictness: the strictest of all sources holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum TradingState {
    /// Everything the rules allow.
    #[default]
    Active,
    /// Only what shrinks exposure.
    Reducing,
    /// No entries, and those that work are cancelled; only a person lifts it.
    Halted,
}

/// What a halt does to positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum OnHalt {
    /// Keeps them and their stops.
    #[default]
    CancelOnly,
    /// Closes them and proves flat.
    Flatten,
}

/// A policy in force. Amounts are quote currency, ratios shares of equity unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// The limits.
    pub limits: Limits,
    /// How positions are protected and left.
    pub exits: Exits,
    /// The policy's own word on trading.
    pub trading_state: TradingState,
    /// What a halt does to positions.
    pub on_halt: OnHalt,
}

/// The limits. Each but `risk_multiplier` is stricter the lower it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Drawdown of marked equity against its high-water mark that halts.
    pub max_drawdown: Ratio,
    /// Loss since 00:00 UTC, as a share of the equity then, that reduces until the next day.
    pub max_daily_loss: Ratio,
    /// Gross exposure over equity, and the bound of one order's.
    pub max_leverage: Ratio,
    /// Equity lost at a position's stop, fees and slippage included.
    pub risk_per_trade: Ratio,
    /// Scales `risk_per_trade`, never a limit: 1.0 to 2.0.
    pub risk_multiplier: Ratio,
    /// The share of full Kelly that is staked.
    pub kelly_fraction: Ratio,
    /// Largest value of one order.
    pub max_order_notional: Option<Amount>,
    /// Largest worst-case sum of positions' magnitudes, over equity.
    pub max_gross_exposure: Ratio,
    /// Largest worst-case magnitude of the sum of positions, over equity.
    pub max_net_exposure: Ratio,
    /// Most symbols with a position or a working entry.
    pub max_open_positions: u32,
    /// Orders a second, sustained.
    pub orders_per_second: u32,
    /// Orders at once.
    pub order_burst: u32,
    /// How far from the mark an order may be priced.
    pub price_collar: Ratio,
    /// Oldest market data to enter on, by receive time.
    pub max_data_age: Span,
    /// Largest uncertainty about the venue's clock.
    pub max_clock_uncertainty: Span,
    /// How many ATRs beyond the stop the liquidation price must be.
    pub liquidation_buffer_atr: Ratio,
    /// Share of the near book that one order may take.
    pub book_share: Ratio,
}

/// How positions are protected and left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exits {
    /// The protective stop; `None` only where the policy disables it in words.
    pub stop: Option<StopRule>,
    /// Take-profit, in ATRs from the entry.
    pub take_profit_atr: Option<Ratio>,
    /// Trailing stop, in ATRs from the best close since the entry.
    pub trailing_atr: Option<Ratio>,
    /// Leave after this many bars.
    pub time_stop_bars: Option<u32>,
}

/// The protective stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopRule {
    /// ATR's periods.
    pub atr_periods: u32,
    /// Distance from the entry in ATRs.
    pub atr_multiple: Ratio,
    /// It must stand within this long of the first fill, or the position is closed.
    pub deadline: Span,
}
