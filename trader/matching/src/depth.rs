//! The replayed book, with what newer quotes and our own trades say about it.

use sapphire_engine::instrument::{PriceTicks, QtyLots};
use sapphire_engine::market::{Book, DepthUpdate, Level, Quote};
use sapphire_engine::order::Side;

use crate::order::crosses;

/// A book as takers and queues see it.
///
/// Best quotes come faster than depth. While a quote is newer than the last depth update, it holds:
/// its level replaces the book's at that price, and levels of the book before it are ignored, for
/// they are gone. Depth that catches up with the quote drops it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Depth {
    book: Book,
    /// The last update that the book contains.
    applied: u64,
    /// The best quote, while it is newer than the book.
    quote: Option<Quote>,
    /// What was taken from levels since the feed last told of them.
    taken: Vec<Taken>,
}

/// Liquidity that is gone, though the feed has not said so yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    side: Side,
    price: PriceTicks,
    quantity: QtyLots,
    /// The update that showed the level when it was taken: only newer ones know.
    since: u64,
}

impl Depth {
    /// Whether there is anything to trade on: a book, or its best quote at least.
    pub(crate) fn is_live(&self) -> bool {
        self.book.is_live() || self.quote.is_some()
    }

    /// Whether the levels behind the best are known too.
    pub(crate) fn is_whole(&self) -> bool {
        self.book.is_live()
    }

    /// The newest update known, of depth or quote.
    pub(crate) fn newest(&self) -> u64 {
        self.quote.map_or(self.applied, |quote| quote.update.max(self.applied))
    }

    /// The best level that the feed shows on a side.
    pub(crate) fn best(&self, side: Side) -> Option<Level> {
        match &self.quote {
            Some(quote) => Some(of(quote, side)),
            None => self.book.best(side),
        }
    }

    /// The middle of the best prices, rounded down to the tick.
    pub(crate) fn mid(&self) -> Option<PriceTicks> {
        let (bid, ask) = (self.best(Side::Buy)?, self.best(Side::Sell)?);
        Some(PriceTicks(i64::midpoint(bid.price.0, ask.price.0)))
    }

    /// The quantity that the feed shows at a price, and the update that says so.
    pub(crate) fn shown(&self, side: Side, price: PriceTicks) -> (QtyLots, u64) {
        if let Some(quote) = &self.quote {
            let best = of(quote, side);
            if price == best.price {
                return (best.quantity, quote.update);
            }
            if is_before(side, price, best.price) {
                return (QtyLots::ZERO, quote.update);
            }
        }
        (self.book.at(side, price), self.applied)
    }

    /// Collects what a taker of `side` gets of `wanted` up to its limit, best first, and returns how
    /// much that is. It takes nothing.
    pub(crate) fn plan(
        &self,
        side: Side,
        limit: Option<PriceTicks>,
        wanted: QtyLots,
        levels: &mut Vec<Level>,
    ) -> QtyLots {
        let opposite = side.opposite();
        let best = self.quote.as_ref().map(|quote| of(quote, opposite));
        let behind =
            |level: &Level| best.is_none_or(|best| is_before(opposite, best.price, level.price));
        let mut planned = QtyLots::ZERO;
        for level in best.into_iter().chain(self.book.levels(opposite).filter(behind)) {
            if planned >= wanted || limit.is_some_and(|limit| !crosses(side, limit, level.price)) {
                break;
            }
            let there = level.quantity - self.taken_at(opposite, level.price);
            let quantity = there.min(wanted - planned);
            if quantity > QtyLots::ZERO {
                levels.push(Level { price: level.price, quantity });
                planned += quantity;
            }
        }
        planned
    }

    /// Notes that `quantity` at a price of a side is gone until the feed tells of that level anew.
    pub(crate) fn take(&mut self, side: Side, price: PriceTicks, quantity: QtyLots) {
        let (shown, since) = self.shown(side, price);
        if shown == QtyLots::ZERO {
            return;
        }
        match self.taken.iter_mut().find(|taken| taken.side == side && taken.price == price) {
            Some(taken) => {
                taken.quantity += quantity;
                taken.since = since;
            }
            None => self.taken.push(Taken { side, price, quantity, since }),
        }
    }

    /// Takes a best quote in. Returns whether it is news.
    pub(crate) fn on_quote(&mut self, quote: Quote) -> bool {
        if quote.update <= self.newest() {
            return false;
        }
        if !self.taken.is_empty() {
            for side in [Side::Buy, Side::Sell] {
                let level = of(&quote, side);
                // A quote repeats the side that did not change: that is no news of its level.
                if self.shown(side, level.price).0 != level.quantity {
                    self.restore(side, level.price, quote.update);
                }
            }
        }
        self.quote = Some(quote);
        self.forget_gone_levels();
        true
    }

    /// Takes a depth update in. Returns whether the book changed; after a gap it is gone until the
    /// next snapshot.
    pub(crate) fn on_update(&mut self, update: &DepthUpdate<'_>) -> bool {
        let applied = match self.book.update(update) {
            Ok(applied) => applied,
            Err(_) => {
                self.lose();
                return true;
            }
        };
        if applied {
            self.applied = update.last;
            self.quote = self.quote.filter(|quote| quote.update > update.last);
            if !self.taken.is_empty() {
                for (side, levels) in [(Side::Buy, update.bids), (Side::Sell, update.asks)] {
                    for level in levels {
                        self.restore(side, level.price, update.last);
                    }
                }
                self.forget_gone_levels();
            }
        }
        applied
    }

    /// Starts the book over.
    pub(crate) fn on_snapshot(&mut self, last_update: u64, bids: &[Level], asks: &[Level]) {
        self.book.reset(last_update, bids, asks);
        self.applied = last_update;
        self.quote = self.quote.filter(|quote| quote.update > last_update);
        self.taken.clear();
    }

    /// Forgets the book: it is not known any more.
    pub(crate) fn lose(&mut self) {
        *self = Self::default();
    }

    fn restore(&mut self, side: Side, price: PriceTicks, update: u64) {
        self.taken
            .retain(|taken| taken.side != side || taken.price != price || taken.since >= update);
    }

    /// Levels before the best are gone, and what was taken of them with them.
    fn forget_gone_levels(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let best = |side| self.best(side).map(|level| level.price);
        let (bid, ask) = (best(Side::Buy), best(Side::Sell));
        self.taken.retain(|taken| {
            let best = if taken.side == Side::Buy { bid } else { ask };
            best.is_some_and(|best| !is_before(taken.side, taken.price, best))
        });
    }

    fn taken_at(&self, side: Side, price: PriceTicks) -> QtyLots {
        self.taken
            .iter()
            .find(|taken| taken.side == side && taken.price == price)
            .map_or(QtyLots::ZERO, |taken| taken.quantity)
    }
}

const fn of(quote: &Quote, side: Side) -> Level {
    match side {
        Side::Buy => quote.bid,
        Side::Sell => quote.ask,
    }
}

/// Whether `price` is better than `other` on a side of the book.
const fn is_before(side: Side, price: PriceTicks, other: PriceTicks) -> bool {
    match side {
        Side::Buy => price.0 > other.0,
        Side::Sell => price.0 < other.0,
    }
}
