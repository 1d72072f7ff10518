use sapphire_engine::instrument::QtyLots;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decimal, Time};

/// What is open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Positions {
    /// Each open position, by symbol.
    pub positions: Vec<Position>,
}

/// One open position. Money in quote currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// Which symbol.
    pub symbol: String,
    /// Long or short.
    pub side: PositionSide,
    /// Its magnitude, in base units.
    pub quantity: Decimal,
    /// Cost basis over quantity.
    pub entry_price: Decimal,
    /// The price that it is valued at.
    pub mark_price: Decimal,
    /// Profit and loss at the mark, exit fees not counted.
    pub unrealized_pnl: Decimal,
    /// Profit and loss of what this symbol has closed in this run.
    pub realized_pnl: Decimal,
    /// Magnitude of its value at the mark.
    pub notional: Decimal,
    /// Trigger of the stop that stands; null when none does.
    pub stop_price: Option<Decimal>,
    /// Trigger of the take-profit that stands; null when none does.
    pub take_profit_price: Option<Decimal>,
    /// Whether the venue has confirmed direction and quantity.
    pub verified: bool,
    /// When it was opened.
    pub opened_at: Time,
}

/// Which way a position points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum PositionSide {
    /// Gains when the price rises.
    Long,
    /// Gains when the price falls.
    Short,
}

impl PositionSide {
    /// Of a signed quantity; `None` when flat.
    #[must_use]
    pub const fn of(position: QtyLots) -> Option<Self> {
        match position.signum() {
            1 => Some(Self::Long),
            -1 => Some(Self::Short),
            _ => None,
        }
    }
}
