use sapphire_engine::instrument::Instrument;
use sapphire_engine::market;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decimal, Purpose, Side, Time};

/// One symbol's recent market, with what the desk did in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Market {
    /// Which.
    pub symbol: String,
    /// Length of a bar, such as `1h`.
    pub bar_interval: String,
    /// The newest closed bars, the oldest first.
    pub bars: Vec<Bar>,
    /// The desk's fills since the first of those bars, the oldest first.
    pub fills: Vec<Fill>,
    /// The protective stops that stand now.
    pub stops: Vec<StopLine>,
}

/// The stream's word on one symbol's market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarketUpdate {
    /// Which.
    pub symbol: String,
    /// Bars that closed since the last update, the oldest first; the newest few at first.
    pub bars: Vec<Bar>,
    /// Fills that this stream has not told yet, the oldest first.
    pub fills: Vec<Fill>,
    /// The protective stops that stand now.
    pub stops: Vec<StopLine>,
}

/// A closed bar. Prices in quote currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    /// When it opened.
    pub t: Time,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Traded quantity, in base units.
    pub volume: Decimal,
}

impl Bar {
    /// The engine's bar in decimals.
    #[must_use]
    pub fn of(bar: &market::Bar, instrument: &Instrument) -> Self {
        Self {
            t: bar.open_time.into(),
            open: instrument.price(bar.open).into(),
            high: instrument.price(bar.high).into(),
            low: instrument.price(bar.low).into(),
            close: instrument.price(bar.close).into(),
            volume: instrument.quantity(bar.volume).into(),
        }
    }
}

/// One execution of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fill {
    /// When the venue executed it.
    pub t: Time,
    /// Side.
    pub side: Side,
    /// Price.
    pub price: Decimal,
    /// Quantity, in base units.
    pub quantity: Decimal,
    /// The order, such as `o12`; empty for what was not ours, such as a liquidation.
    pub order_id: String,
    /// Why the order existed.
    pub purpose: Purpose,
}

/// A protective stop that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StopLine {
    /// Its trigger.
    pub price: Decimal,
    /// Its order.
    pub order_id: String,
}
