//! Market data: readers of recorded bars and streams, merged into one feed in event time.

use sapphire_engine::market::{Bar, MarketEvent};

/// One thing that a feed says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FeedEvent<'a> {
    /// A bar begins, at its open time: a venue that trades on bars fills at its open. Nobody may
    /// look at the rest of it yet.
    BarOpens(&'a Bar),
    /// What the engine sees too. A bar comes at its close.
    Market(MarketEvent<'a>),
}
