//! Orders at the exchange.

use std::fmt::{self, Write as _};

use sapphire_engine::ids::ClientOrderId;
use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::order::{OrderType, Side};
use sapphire_engine::time::Timestamp;

use crate::queue::QueuePlace;

/// An account: its place in the order of opening, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u32);

impl AccountId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The exchange's number of an order; rises with arrival over all accounts, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNumber(pub u64);

/// Longest client order id, in bytes.
const CLIENT_ID_MAX: usize = 36;

/// What a client calls its order, held inline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    len: u8,
    bytes: [u8; CLIENT_ID_MAX],
}

/// Why a text is no client order id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no client order id: use 1 to 36 of A-Z, a-z, 0-9 and . : / _ -")]
pub struct ClientIdError(pub String);

impl ClientId {
    /// Checks and copies a text.
    ///
    /// # Errors
    /// [`ClientIdError`] unless it matches the exchange's `^[\.A-Z\:/a-z0-9_-]{1,36}$`.
    pub fn new(text: &str) -> Result<Self, ClientIdError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b".:/_-".contains(&b);
        let mut id = Self { len: 0, bytes: [0; CLIENT_ID_MAX] };
        if text.is_empty() || !text.bytes().all(legal) || id.write_str(text).is_err() {
            return Err(ClientIdError(text.to_owned()));
        }
        Ok(id)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Write for ClientId {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = usize::from(self.len);
        let room = self.bytes.get_mut(start..start + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        // At most CLIENT_ID_MAX.
        self.len += u8::try_from(text.len()).map_err(|_| fmt::Error)?;
        Ok(())
    }
}

impl From<ClientOrderId> for ClientId {
    /// The desk's ids have at most 35 characters.
    fn from(id: ClientOrderId) -> Self {
        let mut text = Self { len: 0, bytes: [0; CLIENT_ID_MAX] };
        let _ = write!(text, "{id}");
        text
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOrder {
    /// What the client calls it; unique among its open orders.
    pub client: ClientId,
    /// The instrument.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// Quantity, above zero. A close-position order takes the whole position instead.
    pub quantity: QtyLots,
    /// What it does.
    pub kind: OrderType,
    /// Never beyond a flat position.
    pub reduce_only: bool,
    /// Closes the whole position when it triggers.
    pub close_position: bool,
    /// After this moment it is refused (-1021).
    pub expires: Option<Timestamp>,
}

/// Where an open order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Just arrived.
    New,
    /// It cannot be judged before the market trades; then it is handled as if it had just arrived.
    Waiting {
        /// When it expires, unless it may rest.
        until: Option<Timestamp>,
    },
    /// Conditional, not triggered.
    Armed,
    /// Triggered, and waits for a book to trade on.
    Triggered,
    /// A limit order in the book.
    Resting(QueuePlace),
}

/// An open order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub number: OrderNumber,
    pub account: AccountId,
    pub client: ClientId,
    pub symbol: SymbolId,
    pub side: Side,
    pub kind: OrderType,
    /// As asked.
    pub quantity: QtyLots,
    /// What may still fill: less than asked where the exchange cut a reduce-only order.
    pub open: QtyLots,
    pub filled: QtyLots,
    pub reduce_only: bool,
    pub close_position: bool,
    pub stage: Stage,
}

impl Order {
    /// Whether it can only shrink a position.
    pub(crate) const fn only_reduces(&self) -> bool {
        self.reduce_only || self.close_position
    }

    pub(crate) const fn is_resting(&self) -> bool {
        matches!(self.stage, Stage::Resting(_))
    }

    /// Its limit price.
    pub(crate) const fn limit(&self) -> Option<PriceTicks> {
        match self.kind {
            OrderType::Limit { price, .. } => Some(price),
            _ => None,
        }
    }

    /// Whether a market that traded between `low` and `high` triggers it.
    pub(crate) const fn is_triggered(&self, low: PriceTicks, high: PriceTicks) -> bool {
        triggers(self.kind, self.side, low, high)
    }
}

/// Whether a market that traded between `low` and `high` triggers a conditional order; at its
/// trigger price is enough.
pub(crate) const fn triggers(
    kind: OrderType,
    side: Side,
    low: PriceTicks,
    high: PriceTicks,
) -> bool {
    match (kind, side) {
        (OrderType::StopMarket { trigger }, Side::Buy)
        | (OrderType::TakeProfitMarket { trigger }, Side::Sell) => high.0 >= trigger.0,
        (OrderType::StopMarket { trigger }, Side::Sell)
        | (OrderType::TakeProfitMarket { trigger }, Side::Buy) => low.0 <= trigger.0,
        (OrderType::Market | OrderType::Limit { .. }, _) => false,
    }
}

/// Whether an order at `limit` trades against the other side's `price`.
pub(crate) const fn crosses(side: Side, limit: PriceTicks, price: PriceTicks) -> bool {
    match side {
        Side::Buy => limit.0 >= price.0,
        Side::Sell => limit.0 <= price.0,
    }
}
