//! A level-2 book with the venue's sequence check.

use serde::{Deserialize, Serialize};

use super::ladder::Ladder;
use crate::instrument::{PriceTicks, QtyLots};
use crate::order::Side;

/// A price level: the quantity that rests there; zero removes the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// Price.
    pub price: PriceTicks,
    /// Quantity, absolute.
    pub quantity: QtyLots,
}

/// The best bid and ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// The update that it belongs to.
    pub update: u64,
    /// Best bid.
    pub bid: Level,
    /// Best ask.
    pub ask: Level,
}

/// Changed levels, in the venue's sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepthUpdate<'a> {
    /// First update in it (`U`).
    pub first: u64,
    /// Last update in it (`u`).
    pub last: u64,
    /// Last update of the one before (`pu`).
    pub previous: u64,
    /// Changed bids.
    pub bids: &'a [Level],
    /// Changed asks.
    pub asks: &'a [Level],
}

/// Updates were lost: the book is no longer known and must start from a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("depth update continues {found}, but the last one applied is {expected}")]
pub struct SequenceGap {
    /// The last update applied.
    pub expected: u64,
    /// The one that the new update says it continues.
    pub found: u64,
}

/// How far the book is in synchronising, as the exchange prescribes: updates before the snapshot
/// are buffered by the feed, those that end before it dropped, the first kept one must straddle
/// it, and then each continues the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sync {
    /// No snapshot yet, or a gap since.
    Unsynchronised,
    /// Snapshot applied; the next update must straddle it.
    Snapshot(u64),
    /// In sequence.
    Live(u64),
}

/// The book of one instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
    sync: Sync,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            sync: Sync::Unsynchronised,
        }
    }
}

impl Book {
    /// Whether it is in sequence and may be traded on.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !matches!(self.sync, Sync::Unsynchronised)
    }

    /// Starts over from a snapshot.
    pub fn reset(&mut self, last_update: u64, bids: &[Level], asks: &[Level]) {
        self.bids.clear();
        self.asks.clear();
        self.bids.apply(bids);
        self.asks.apply(asks);
        self.sync = Sync::Snapshot(last_update);
    }

    /// Forgets everything, as after a broken feed.
    pub fn invalidate(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.sync = Sync::Unsynchronised;
    }

    /// Applies an update. Returns whether it was applied; one from before the snapshot, or before
    /// there is a snapshot, is not.
    ///
    /// # Errors
    /// [`SequenceGap`] when it does not continue the last one; the book is then invalid.
    pub fn update(&mut self, update: &DepthUpdate<'_>) -> Result<bool, SequenceGap> {
        let (last, continues) = match self.sync {
            Sync::Unsynchronised => return Ok(false),
            Sync::Snapshot(last) | Sync::Live(last) if update.last < last => return Ok(false),
            Sync::Snapshot(last) => (last, update.first <= last || update.previous == last),
            Sync::Live(last) => (last, update.previous == last),
        };
        if !continues {
            self.invalidate();
            return Err(SequenceGap { expected: last, found: update.previous });
        }
        self.bids.apply(update.bids);
        self.asks.apply(update.asks);
        self.sync = Sync::Live(update.last);
        Ok(true)
    }

    /// The best level of a side: the highest bid ([`Side::Buy`]) or the lowest ask.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Level> {
        self.ladder(side).best()
    }

    /// The quantity resting at a price.
    #[must_use]
    pub fn at(&self, side: Side, price: PriceTicks) -> QtyLots {
        self.ladder(side).at(price)
    }

    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.ladder(side).levels()
    }

    const fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, quantity: i64) -> Level {
        Level { price: PriceTicks(price), quantity: QtyLots(quantity) }
    }

    fn update<'a>(first: u64, last: u64, previous: u64, bids: &'a [Level]) -> DepthUpdate<'a> {
        DepthUpdate { first, last, previous, bids, asks: &[] }
    }

    #[test]
    fn a_book_is_blind_until_its_snapshot() {
        let mut book = Book::default();
        assert_eq!(book.update(&update(1, 5, 0, &[level(10, 1)])), Ok(false));
        assert_eq!(book.best(Side::Buy), None);
        assert!(!book.is_live());
    }

    #[test]
    fn updates_before_the_snapshot_are_dropped_and_the_first_kept_one_straddles_it() {
        let mut book = Book::default();
        book.reset(100, &[level(10, 1)], &[level(12, 1)]);
        assert_eq!(book.update(&update(80, 99, 79, &[level(10, 9)])), Ok(false));
        assert_eq!(book.update(&update(95, 110, 94, &[level(11, 2)])), Ok(true));
        assert_eq!(book.best(Side::Buy), Some(level(11, 2)));
        assert_eq!(book.update(&update(111, 120, 110, &[level(11, 0)])), Ok(true));
        assert_eq!(book.best(Side::Buy), Some(level(10, 1)));
    }

    #[test]
    fn a_lost_update_invalidates_the_book() {
        let mut book = Book::default();
        book.reset(100, &[level(10, 1)], &[]);
        book.update(&update(95, 110, 94, &[])).unwrap();
        let gap = book.update(&update(131, 140, 130, &[])).unwrap_err();
        assert_eq!((gap.expected, gap.found), (110, 130));
        assert!(!book.is_live());
        assert_eq!(book.best(Side::Buy), None);
    }

    #[test]
    fn a_gap_right_after_the_snapshot_is_seen() {
        let mut book = Book::default();
        book.reset(100, &[], &[]);
        assert!(book.update(&update(131, 140, 130, &[])).is_err());
    }
}
