//! What a venue can answer. Whatever carries it (a call, a socket, a test), the engine sees these.

use serde::{Deserialize, Serialize};

use crate::ids::{OrderId, TradeId};
use crate::instrument::{PriceTicks, QtyLots, SymbolId};
use crate::money::Amount;
use crate::order::Side;
use crate::time::Timestamp;

/// A venue's refusal code, as it gave it (Aster's are negative numbers such as -2019).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VenueCode(pub i32);

impl VenueCode {
    /// No margin for it.
    pub const MARGIN_INSUFFICIENT: Self = Self(-2019);
    /// A reduce-only order that would not reduce.
    pub const REDUCE_ONLY_REJECTED: Self = Self(-2022);
    /// A conditional order that would trigger at once.
    pub const WOULD_TRIGGER_IMMEDIATELY: Self = Self(-2021);
    /// A post-only order that would take.
    pub const POST_ONLY_REJECTED: Self = Self(-5022);
    /// The order to cancel or query does not exist.
    pub const NO_SUCH_ORDER: Self = Self(-2013);
    /// A cancel that found nothing to cancel.
    pub const CANCEL_REJECTED: Self = Self(-2011);
    /// Price not on the tick or out of range.
    pub const BAD_PRICE: Self = Self(-4014);
    /// Quantity not on the lot or out of range.
    pub const BAD_QUANTITY: Self = Self(-4003);
    /// Below the smallest notional.
    pub const MIN_NOTIONAL: Self = Self(-4164);
    /// It came after its own expiry.
    pub const EXPIRED_REQUEST: Self = Self(-1021);
    /// The client id is in use by an open order.
    pub const DUPLICATE_CLIENT_ID: Self = Self(-4116);
    /// A close-position stop exists in this direction already.
    pub const CLOSE_POSITION_EXISTS: Self = Self(-4130);
    /// The symbol does not trade.
    pub const INVALID_SYMBOL: Self = Self(-1121);
}

/// Why an outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnknownCause {
    /// No answer in time.
    Timeout,
    /// The connection broke after bytes had left.
    ConnectionLost,
    /// The venue itself says that it does not know (5xx, -1006, -1007).
    VenueUndecided,
    /// The answer could not be read.
    Unreadable,
    /// We restarted between the send and the answer.
    Restart,
}

/// What became of a submit. A time-out is not a failure: it is [`SubmitOutcome::Unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubmitOutcome {
    /// The venue has the order.
    Accepted,
    /// The venue refused it, definitively.
    Refused(VenueCode),
    /// Nothing left us.
    NotSent,
    /// It cannot be told.
    Unknown(UnknownCause),
}

/// One execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fill {
    /// The instrument.
    pub symbol: SymbolId,
    /// The venue's number, unique per symbol: a fill told twice counts once.
    pub trade: TradeId,
    /// Our order; `None` for what is not ours (a liquidation, another client's).
    pub order: Option<OrderId>,
    /// Side.
    pub side: Side,
    /// Price.
    pub price: PriceTicks,
    /// Quantity, above zero.
    pub quantity: QtyLots,
    /// The venue's commission; negative is a rebate.
    pub fee: Amount,
    /// Whether it rested (maker) or took.
    pub maker: bool,
    /// When the venue executed it.
    pub at: Timestamp,
}

/// The state of an order at the venue, as its answer to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VenueOrderState {
    /// Works there, or waits for its trigger.
    Open,
    /// Filled whole.
    Filled,
    /// Cancelled there.
    Canceled,
    /// Expired there.
    Expired,
    /// No such order is known.
    Absent,
}

/// Why an order left the book without being filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Removal {
    /// Cancelled, by us or by somebody else.
    Canceled,
    /// Expired: its time ran out, or nothing was left to trade against.
    Expired,
}

/// What a venue tells us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
pub enum VenueReport {
    /// The answer to a submit.
    Submit {
        /// Which order.
        order: OrderId,
        /// What became of it.
        outcome: SubmitOutcome,
    },
    /// An execution.
    Fill(Fill),
    /// An order left the book.
    Removed {
        /// Which order.
        order: OrderId,
        /// Why.
        removal: Removal,
        /// Filled before. Some of these fills may be told later.
        filled: QtyLots,
    },
    /// A cancel was refused.
    CancelRefused {
        /// Which order.
        order: OrderId,
        /// The venue's code.
        code: VenueCode,
    },
    /// The answer to a query for one order. The fills it may have had are told first.
    OrderStatus {
        /// Which order.
        order: OrderId,
        /// Its state there.
        state: VenueOrderState,
        /// Filled so far.
        filled: QtyLots,
        /// The venue's clock when it answered.
        at: Timestamp,
    },
    /// The venue's own word on a position: what a fill is verified against.
    Position {
        /// The instrument.
        symbol: SymbolId,
        /// Signed quantity.
        quantity: QtyLots,
        /// The venue's clock when it was so.
        at: Timestamp,
    },
    /// Whether the venue trades a symbol: it was halted, or delisted, or trades again. Until the
    /// first word of it, it does.
    SymbolStatus {
        /// The instrument.
        symbol: SymbolId,
        /// Whether it takes orders.
        trading: bool,
    },
    /// Funding was paid (negative) or received.
    Funding {
        /// The instrument.
        symbol: SymbolId,
        /// The amount credited.
        amount: Amount,
    },
    /// Money came into (positive) or left the account.
    Transfer {
        /// The amount credited.
        amount: Amount,
    },
}
