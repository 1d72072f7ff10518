//! What happened to accounts.

use sapphire_engine::ids::TradeId;
use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::money::Amount;
use sapphire_engine::order::Side;
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::Removal;

use crate::order::{AccountId, OrderNumber};

/// Something that an account is told. The answers to its own requests are return values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It traded.
    Fill(Execution),
    /// An order ended with less filled than was asked for.
    Removed {
        /// Whose.
        account: AccountId,
        /// Which.
        order: OrderNumber,
        /// Why.
        removal: Removal,
        /// Filled before.
        filled: QtyLots,
        /// When.
        at: Timestamp,
    },
    /// Funding was paid (negative) or received.
    Funding {
        /// Whose.
        account: AccountId,
        /// For the position in which symbol.
        symbol: SymbolId,
        /// The amount credited.
        amount: Amount,
        /// When.
        at: Timestamp,
    },
}

/// A trade of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execution {
    /// Whose.
    pub account: AccountId,
    /// The instrument.
    pub symbol: SymbolId,
    /// Its number, unique per symbol, rising from 1.
    pub trade: TradeId,
    /// By which order; `None` for a liquidation.
    pub order: Option<OrderNumber>,
    /// Side.
    pub side: Side,
    /// Price.
    pub price: PriceTicks,
    /// Quantity, above zero.
    pub quantity: QtyLots,
    /// What it cost; negative is a rebate.
    pub fee: Amount,
    /// Whether it rested.
    pub maker: bool,
    /// When.
    pub at: Timestamp,
    /// The account's position after it.
    pub position: QtyLots,
}
