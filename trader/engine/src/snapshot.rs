//! What an agent sees: one closed bar of one symbol, and what the market did while it formed.
//!
//! An agent's opinion is a function of the snapshots it was given, in order, and of nothing else.

use crate::instrument::{Symbol, SymbolId};
use crate::market::Trade;
use crate::time::{Span, Timestamp};

/// The market at the close of a bar. Prices are floats in quote units and quantities floats in
/// base units: they feed indicators, never money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot<'a> {
    /// The symbol's place in the desk.
    pub symbol: SymbolId,
    /// Its name.
    pub name: Symbol,
    /// The bar's number in this run, from 0, rising by one for each bar of the symbol.
    pub bar: u64,
    /// When the bar closed.
    pub at: Timestamp,
    /// The bar's length.
    pub interval: Span,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Traded quantity.
    pub volume: f64,
    /// Of it, what buyers took; `None` where the data do not say (then classify in bulk).
    pub taker_buy_volume: Option<f64>,
    /// The best of the book at the close, where there is a book.
    pub book: Option<BookView>,
    /// Trades printed while the bar formed, oldest first; empty on bar data.
    pub trades: &'a [Trade],
    /// Base units per lot, for the quantities in `trades`.
    pub lot: f64,
    /// Quote units per tick, for the prices in `trades`.
    pub tick: f64,
}

/// The top of the book, and what happened there during the bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BookView {
    /// Best bid.
    pub bid: f64,
    /// Quantity at the best bid.
    pub bid_quantity: f64,
    /// Best ask.
    pub ask: f64,
    /// Quantity at the best ask.
    pub ask_quantity: f64,
    /// Quantity within the ten best bids.
    pub bid_depth: f64,
    /// Quantity within the ten best asks.
    pub ask_depth: f64,
    /// Order-flow imbalance summed over the bar, in base units (Cont, Kukanov, Stoikov 2014).
    pub order_flow_imbalance: f64,
}
