//! Orders, in FIX terms.

mod state;

pub use state::{IllegalTransition, OrderState, Trigger};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{ClientOrderId, DecisionId, OrderId};
use crate::instrument::{PriceTicks, QtyLots, SymbolId};
use crate::time::Timestamp;

/// The side of an order, a trade or a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Buys; of a book, the bids.
    Buy,
    /// Sells; of a book, the asks.
    Sell,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// 1 for a buy, -1 for a sell.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// `quantity` as a change of position.
    #[must_use]
    pub const fn signed(self, quantity: QtyLots) -> QtyLots {
        match self {
            Self::Buy => quantity,
            Self::Sell => QtyLots(quantity.0.saturating_neg()),
        }
    }

    /// The side that a position grows by; flat counts as bought.
    #[must_use]
    pub const fn of_position(position: QtyLots) -> Self {
        if position.0 < 0 { Self::Sell } else { Self::Buy }
    }
}

/// How long a limit order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Good till cancelled.
    Gtc,
    /// What can be had at once; the rest expires.
    Ioc,
    /// All at once, or nothing.
    Fok,
    /// Only if it rests (the exchange's GTX): refused where it would take.
    PostOnly,
}

/// What an order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
pub enum OrderType {
    /// Trades at what the book or the next price gives.
    Market,
    /// Trades at `price` or better.
    Limit {
        /// The worst price.
        price: PriceTicks,
        /// How long it stands.
        time_in_force: TimeInForce,
    },
    /// Becomes a market order when the price moves *against* its side to `trigger`
    /// (a buy at or above, a sell at or below).
    StopMarket {
        /// Trigger price.
        trigger: PriceTicks,
    },
    /// Becomes a market order when the price moves *in favour* to `trigger`
    /// (a buy at or below, a sell at or above).
    TakeProfitMarket {
        /// Trigger price.
        trigger: PriceTicks,
    },
}

impl OrderType {
    /// Whether it trades when it arrives, or never.
    #[must_use]
    pub const fn is_immediate(self) -> bool {
        match self {
            Self::Market => true,
            Self::Limit { time_in_force, .. } => {
                matches!(time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
            }
            Self::StopMarket { .. } | Self::TakeProfitMarket { .. } => false,
        }
    }

    /// The trigger of a conditional order.
    #[must_use]
    pub const fn trigger(self) -> Option<PriceTicks> {
        match self {
            Self::StopMarket { trigger } | Self::TakeProfitMarket { trigger } => Some(trigger),
            Self::Market | Self::Limit { .. } => None,
        }
    }
}

/// Why an order exists. With what the order can do, it decides which risk rules apply:
/// [`OrderRequest::class`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// Opens or adds to a position.
    Entry,
    /// Reduces or closes one by decision.
    Exit,
    /// Protects one: the stop.
    Stop,
    /// Protects a gain.
    TakeProfit,
    /// Closes everything: halt, a person's order, a stop that could not stand.
    Flatten,
}

impl Purpose {
    /// Whether such an order is to close a position as soon as it arrives.
    #[must_use]
    pub const fn closes(self) -> bool {
        matches!(self, Self::Exit | Self::Flatten)
    }

    /// Whether such an order stands at the venue to close a position later.
    #[must_use]
    pub const fn protects(self) -> bool {
        matches!(self, Self::Stop | Self::TakeProfit)
    }
}

/// The class of an intent: which rules of the gate apply to it. A cancel is no intent: no rule holds
/// it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IntentClass {
    /// May grow exposure: every rule.
    Entry,
    /// Shrinks exposure by decision.
    Exit,
    /// Stands at the venue to shrink exposure.
    Stop,
    /// Shrinks exposure to nothing.
    Flatten,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entry => "entry",
            Self::Exit => "exit",
            Self::Stop => "stop",
            Self::TakeProfit => "take-profit",
            Self::Flatten => "flatten",
        })
    }
}

/// What is asked of the venue. It becomes an order there only inside
/// [`Approved`](crate::risk::Approved).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRequest {
    /// Our number.
    pub id: OrderId,
    /// What the venue knows it by.
    pub client_id: ClientOrderId,
    /// The instrument.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// Quantity, above zero. For a close-position order the venue takes whatever the position is
    /// when it triggers; this is what it was when the order was made.
    pub quantity: QtyLots,
    /// What it does.
    pub kind: OrderType,
    /// Never beyond a flat position.
    pub reduce_only: bool,
    /// Closes the whole position, whatever it is then.
    pub close_position: bool,
    /// Why it exists.
    pub purpose: Purpose,
    /// The decision that it carries out; protective orders carry that of their entry.
    pub decision: Option<DecisionId>,
    /// After this moment it must not reach the venue: checked before the write, enforced there.
    pub expires: Timestamp,
}

impl OrderRequest {
    /// Whether the venue will let it do nothing but shrink a position.
    #[must_use]
    pub const fn only_reduces(&self) -> bool {
        self.reduce_only || self.close_position
    }

    /// The class of its intent. What the venue would let grow a position is an entry, whatever it
    /// is said to be for.
    #[must_use]
    pub const fn class(&self) -> IntentClass {
        match self.purpose {
            _ if !self.only_reduces() => IntentClass::Entry,
            Purpose::Entry => IntentClass::Entry,
            Purpose::Exit => IntentClass::Exit,
            Purpose::Stop | Purpose::TakeProfit => IntentClass::Stop,
            Purpose::Flatten => IntentClass::Flatten,
        }
    }
}

/// An order as we know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// What was asked.
    pub request: OrderRequest,
    /// Where it stands.
    pub state: OrderState,
    /// A cancel that the venue has not answered yet.
    pub pending: Option<Pending>,
    /// Filled so far.
    pub filled: QtyLots,
    /// `Σ price × quantity` of the fills, in tick-lots: the average is this over `filled`.
    pub filled_value: i128,
    /// When the intent was made.
    pub created: Timestamp,
    /// When its state last changed.
    pub updated: Timestamp,
}

/// What is in flight for a working order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pending {
    /// A cancel was sent.
    Cancel,
}

impl Order {
    /// What may still fill.
    #[must_use]
    pub fn remaining(&self) -> QtyLots {
        QtyLots(self.request.quantity.0.saturating_sub(self.filled.0).max(0))
    }
}
