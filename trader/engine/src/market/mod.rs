//! What a venue's feed says: bars, quotes, depth and trades of one instrument.

mod bar;
mod book;
mod ladder;

pub use bar::{Bar, BarError};
pub use book::{Book, DepthUpdate, Level, Quote, SequenceGap};

use serde::{Deserialize, Serialize};

use crate::instrument::{PriceTicks, QtyLots};
use crate::order::Side;
use crate::time::Timestamp;

/// A trade that the venue printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trade {
    /// The venue's number; rises by at least one.
    pub id: u64,
    /// Price.
    pub price: PriceTicks,
    /// Quantity, above zero.
    pub quantity: QtyLots,
    /// The side of the order that took.
    pub aggressor: Side,
    /// When we received it.
    pub at: Timestamp,
}

/// One event of a symbol's feed, borrowed from the feed's buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MarketEvent<'a> {
    /// A bar has closed.
    Bar(&'a Bar),
    /// The best prices changed.
    Quote(Quote),
    /// Depth levels changed, in sequence.
    Depth(DepthUpdate<'a>),
    /// The whole book as of `last_update` (a REST snapshot).
    DepthSnapshot {
        /// The last update that it contains.
        last_update: u64,
        /// Bids, best first.
        bids: &'a [Level],
        /// Asks, best first.
        asks: &'a [Level],
    },
    /// A trade was printed.
    Trade(Trade),
    /// The mark price, where the venue publishes one.
    Mark(PriceTicks),
    /// The feed of this symbol stopped; the others go on.
    Broken,
    /// It is back; a book starts from a new snapshot.
    Restored,
    /// Recorded data: there is no more.
    Ended,
}
