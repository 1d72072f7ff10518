use sapphire_engine::instrument::Instrument;
use sapphire_engine::money::Amount;
use sapphire_engine::order;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decimal, Time};

/// Orders, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Orders {
    /// The newest first.
    pub orders: Vec<Order>,
}

/// One order. Prices in quote currency, quantities in base units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The desk's number of it, such as `o12`.
    pub id: String,
    /// What the venue knows it by.
    pub client_order_id: String,
    /// Which symbol.
    pub symbol: String,
    /// Buy or sell.
    pub side: Side,
    /// What it does.
    #[serde(rename = "type")]
    pub kind: OrderType,
    /// Why it exists.
    pub purpose: Purpose,
    /// What was asked for.
    pub quantity: Decimal,
    /// Filled so far.
    pub filled_quantity: Decimal,
    /// The limit's price.
    pub price: Option<Decimal>,
    /// The trigger of a stop or take-profit.
    pub stop_price: Option<Decimal>,
    /// Mean price of its fills; null without one.
    pub average_price: Option<Decimal>,
    /// Where it stands.
    pub state: OrderState,
    /// A cancel or replace that the venue has not answered yet.
    pub pending: Option<Pending>,
    /// Whether it can only shrink a position.
    pub reduce_only: bool,
    /// Whether it closes the position, whatever that is then.
    pub close_position: bool,
    /// When the intent was made.
    pub created_at: Time,
    /// When its state last changed.
    pub updated_at: Time,
    /// Why it was denied, rejected or cancelled; null otherwise.
    pub reason: Option<String>,
    /// The decision that it carries out, such as `d7`.
    pub decision_id: Option<String>,
}

impl Order {
    /// The engine's order in decimals; `reason` is what the journal says of its end.
    #[must_use]
    pub fn of(order: &order::Order, instrument: &Instrument, reason: Option<String>) -> Self {
        let request = &order.request;
        let limit = match request.kind {
            order::OrderType::Limit { price, .. } => Some(price),
            _ => None,
        };
        Self {
            id: request.id.to_string(),
            client_order_id: request.client_id.to_string(),
            symbol: instrument.symbol.to_string(),
            side: request.side.into(),
            kind: request.kind.into(),
            purpose: request.purpose.into(),
            quantity: instrument.quantity(request.quantity).into(),
            filled_quantity: instrument.quantity(order.filled).into(),
            price: limit.map(|ticks| instrument.price(ticks).into()),
            stop_price: request.kind.trigger().map(|ticks| instrument.price(ticks).into()),
            average_price: average_price(order, instrument),
            state: order.state.into(),
            pending: order.pending.map(Into::into),
            reduce_only: request.reduce_only,
            close_position: request.close_position,
            created_at: order.created.into(),
            updated_at: order.updated.into(),
            reason,
            decision_id: request.decision.map(|id| id.to_string()),
        }
    }
}

/// To 1e-8 quote, rounded down: for people, never for accounting.
fn average_price(order: &order::Order, instrument: &Instrument) -> Option<Decimal> {
    let per_lot = order.filled_value.checked_mul(i128::from(instrument.tick))?;
    let average = per_lot.checked_div(i128::from(order.filled.0))?;
    Some(Amount(average).into())
}

/// The side of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Side {
    /// Buys.
    Buy,
    /// Sells.
    Sell,
}

impl From<order::Side> for Side {
    fn from(side: order::Side) -> Self {
        match side {
            order::Side::Buy => Self::Buy,
            order::Side::Sell => Self::Sell,
        }
    }
}

/// What an order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OrderType {
    /// Trades at what the book gives.
    Market,
    /// Trades at its price or better.
    Limit,
    /// Trades when the price moves against its side to its trigger.
    StopMarket,
    /// Trades when the price moves in favour to its trigger.
    TakeProfitMarket,
}

impl From<order::OrderType> for OrderType {
    fn from(kind: order::OrderType) -> Self {
        match kind {
            order::OrderType::Market => Self::Market,
            order::OrderType::Limit { .. } => Self::Limit,
            order::OrderType::StopMarket { .. } => Self::StopMarket,
            order::OrderType::TakeProfitMarket { .. } => Self::TakeProfitMarket,
        }
    }
}

/// Why an order exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Purpose {
    /// Opens or adds to a position.
    Entry,
    /// Reduces or closes one by decision.
    Exit,
    /// Protects one.
    Stop,
    /// Protects a gain.
    TakeProfit,
    /// Closes everything: a halt, a person's order, a stop that could not stand.
    Flatten,
}

impl From<order::Purpose> for Purpose {
    fn from(purpose: order::Purpose) -> Self {
        match purpose {
            order::Purpose::Entry => Self::Entry,
            order::Purpose::Exit => Self::Exit,
            order::Purpose::Stop => Self::Stop,
            order::Purpose::TakeProfit => Self::TakeProfit,
            order::Purpose::Flatten => Self::Flatten,
        }
    }
}

/// Where an order stands, in FIX terms. *Denied* is the desk's own word, *Rejected* the venue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OrderState {
    /// An intent, not yet judged.
    Created,
    /// The risk gate said no.
    Denied,
    /// The risk gate said yes; not yet sent.
    Approved,
    /// Handed to the venue's connection.
    Submitted,
    /// The venue has it.
    Accepted,
    /// Some of it filled.
    PartiallyFilled,
    /// All of it filled.
    Filled,
    /// The venue refused it.
    Rejected,
    /// Taken away before it filled.
    Canceled,
    /// Its time ran out.
    Expired,
    /// Nobody knows whether the venue has it: never sent again, never assumed dead.
    Unknown,
    /// Proven never to have reached the venue.
    NotAccepted,
}

impl OrderState {
    /// Whether more is expected of an order in this state: what `state=open` asks for.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Created
            | Self::Approved
            | Self::Submitted
            | Self::Accepted
            | Self::PartiallyFilled
            | Self::Unknown => true,
            Self::Denied
            | Self::Filled
            | Self::Rejected
            | Self::Canceled
            | Self::Expired
            | Self::NotAccepted => false,
        }
    }
}

impl From<order::OrderState> for OrderState {
    fn from(state: order::OrderState) -> Self {
        match state {
            order::OrderState::Created => Self::Created,
            order::OrderState::Denied => Self::Denied,
            order::OrderState::Approved => Self::Approved,
            order::OrderState::Submitted => Self::Submitted,
            order::OrderState::Accepted => Self::Accepted,
            order::OrderState::PartiallyFilled => Self::PartiallyFilled,
            order::OrderState::Filled => Self::Filled,
            order::OrderState::Rejected => Self::Rejected,
            order::OrderState::Canceled => Self::Canceled,
            order::OrderState::Expired => Self::Expired,
            order::OrderState::Unknown => Self::Unknown,
            order::OrderState::NotAccepted => Self::NotAccepted,
        }
    }
}

/// What is in flight for a working order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Pending {
    /// A cancel was sent.
    Cancel,
}

impl From<order::Pending> for Pending {
    fn from(pending: order::Pending) -> Self {
        match pending {
            order::Pending::Cancel => Self::Cancel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapphire_engine::ids::{ClientOrderId, DecisionId, OrderId, RunId};
    use sapphire_engine::instrument::{PriceTicks, QtyLots, Symbol, SymbolId};
    use sapphire_engine::money::Ratio;
    use sapphire_engine::time::Timestamp;

    fn instrument() -> Instrument {
        Instrument {
            symbol: Symbol::new("BTCUSDT").unwrap(),
            tick: 10_000_000, // 0.1
            lot: 100_000,     // 0.001
            min_quantity: QtyLots(1),
            max_quantity: QtyLots(1_000_000),
            min_notional: Amount::whole(5),
            maker_fee: Ratio(20_000),
            taker_fee: Ratio(40_000),
            initial_margin: Ratio::percent(1),
            maintenance_margin: Ratio(500_000),
            liquidation_fee: Ratio(500_000),
        }
    }

    fn half_filled_stop() -> order::Order {
        order::Order {
            request: order::OrderRequest {
                id: OrderId(12),
                client_id: ClientOrderId { run: RunId(1), order: OrderId(12), attempt: 1 },
                symbol: SymbolId(0),
                side: order::Side::Sell,
                quantity: QtyLots(4),
                kind: order::OrderType::StopMarket { trigger: PriceTicks(600_000) },
                reduce_only: true,
                close_position: true,
                purpose: order::Purpose::Stop,
                decision: Some(DecisionId(7)),
                expires: Timestamp(10),
            },
            state: order::OrderState::PartiallyFilled,
            pending: Some(order::Pending::Cancel),
            filled: QtyLots(2),
            filled_value: 599_990 + 599_980,
            created: Timestamp(0),
            updated: Timestamp(1_000_000),
        }
    }

    #[test]
    fn an_order_is_told_in_decimals() {
        let told = Order::of(&half_filled_stop(), &instrument(), None);
        assert_eq!((told.id.as_str(), told.decision_id.as_deref()), ("o12", Some("d7")));
        assert_eq!(told.quantity.as_str(), "0.004");
        assert_eq!(told.filled_quantity.as_str(), "0.002");
        assert_eq!(told.stop_price.unwrap().as_str(), "60000.00");
        assert_eq!(told.average_price.unwrap().as_str(), "59998.50");
        assert_eq!((told.price, told.kind), (None, OrderType::StopMarket));
        assert_eq!(told.updated_at.as_str(), "1970-01-01T00:00:00.001Z");
    }

    #[test]
    fn an_order_without_fills_has_no_average_price() {
        let unfilled =
            order::Order { filled: QtyLots::ZERO, filled_value: 0, ..half_filled_stop() };
        assert_eq!(Order::of(&unfilled, &instrument(), None).average_price, None);
    }

    #[test]
    fn what_the_engine_calls_closed_is_not_open() {
        for state in order::OrderState::ALL {
            assert_eq!(OrderState::from(state).is_open(), !state.is_closed(), "{state}");
        }
    }
}
