//! Market data: readers of recorded bars and streams, merged into one feed in event time.
//!
//! A file belongs to one symbol and is read whole, once, into a compact [`Recording`]; any number of
//! runs share it. Prices become ticks by integer arithmetic: one off the tick is rounded to the
//! nearest (half up) and counted, quantities are rounded down to lots. What is odd is in the
//! recording's [`Quality`] and traded through; what cannot be trusted is refused with file and line
//! ([`DataError`]): a line that cannot be read, wherever it stands, and rows in neither order. Lost
//! depth updates break that symbol's feed from there to its next snapshot, and no other's.

mod bars;
mod columns;
mod day;
mod decimal;
mod error;
mod feed;
mod message;
mod quality;
mod recording;
mod source;
pub(crate) mod stamp;
mod stream;
#[cfg(test)]
pub(crate) mod tests;

pub use columns::VolumeUnit;
pub use day::DayWindow;
pub use error::{DataError, Problem};
pub use feed::MarketFeed;
pub use quality::{Oddity, Place, Quality};
pub use recording::{Reading, Recording};

use sapphire_engine::market::{Bar, MarketEvent};

/// One thing that a feed says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FeedEvent<'a> {
    /// A bar begins, at its open time: a venue that trades on bars fills at its open. Nobody may
    /// look at the rest of it yet.
    BarOpens(&'a Bar),
    /// The bar that opened has played, a moment before its close: a venue that trades on bars fills
    /// what its range reaches. Nobody else may look at it yet.
    BarPlays(&'a Bar),
    /// What the engine sees too. A bar comes at its close.
    Market(MarketEvent<'a>),
}
