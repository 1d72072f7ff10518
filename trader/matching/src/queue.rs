//! Resting orders on a book: where they stand in their level's queue, and what fills them.

use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::market::Trade;
use sapphire_engine::order::Side;
use sapphire_engine::venue::Removal;

use crate::exchange::Exchange;
use crate::execution::Liquidity;
use crate::market::{Floor, Market};
use crate::order::{Order, OrderNumber, Stage, crosses};

/// What stirred the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stir {
    /// A best quote.
    Quote,
    /// Depth, whole or an update.
    Depth,
}

/// An order's place in the queue of its level, by the risk-averse model: see
/// [`stream`](crate::stream).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct QueuePlace {
    /// The market's quantity before it.
    ahead: QtyLots,
    /// The update that showed it: older ones say nothing of this queue.
    since: u64,
    /// How much of what was before it the book has shown to be gone since the last depth update. The
    /// trades that took it may still be printed (in recorded streams about a third of them come
    /// after the quote that shows them, by milliseconds), and must not count twice.
    foretold: QtyLots,
}

impl QueuePlace {
    /// Behind all that the book shows at its level.
    pub(crate) const fn at_the_back(shown: QtyLots, update: u64) -> Self {
        Self { ahead: shown, since: update, foretold: QtyLots::ZERO }
    }

    /// Whether what the book shows can still change it.
    const fn can_advance(&self) -> bool {
        self.ahead.0 > 0 || self.foretold.0 > 0
    }

    /// The book shows `quantity` at the level, as of `update`: no more than that can be ahead.
    fn shown(&mut self, quantity: QtyLots, update: u64, stir: Stir) {
        if stir == Stir::Depth {
            self.foretold = QtyLots::ZERO;
        }
        if update > self.since && quantity < self.ahead {
            self.foretold += self.ahead - quantity;
            self.ahead = quantity;
        }
    }

    /// `volume` traded at the level. Returns how much of it came past what was ahead.
    fn trade(&mut self, volume: QtyLots) -> QtyLots {
        let known = self.foretold.min(volume);
        self.foretold -= known;
        let news = volume - known;
        let reached = (news - self.ahead).max(QtyLots::ZERO);
        self.ahead = (self.ahead - news).max(QtyLots::ZERO);
        reached
    }
}

impl Exchange {
    /// Joins the back of the queue at its price.
    pub(crate) fn rest(&mut self, mut order: Order, limit: PriceTicks) {
        let market = &mut self.markets[order.symbol.index()];
        if let Floor::Depth(depth) = &market.floor {
            let (shown, update) = depth.shown(order.side, limit);
            order.stage = Stage::Resting(QueuePlace::at_the_back(shown, update));
        }
        market.put(order);
    }

    /// Fills resting orders of a side that the other side's book has come to cross: those at the
    /// front of the price first, at their own price, as far as the crossing levels go.
    pub(crate) fn fill_crossed(&mut self, symbol: SymbolId, side: Side) {
        loop {
            let market = &self.markets[symbol.index()];
            let Some(best) = self.depth(symbol).and_then(|depth| depth.best(side.opposite()))
            else {
                return;
            };
            let crossed = market
                .working
                .iter()
                .filter(|order| order.side == side && order.is_resting())
                .filter_map(|order| Some((order.limit()?, order.number)))
                .filter(|&(limit, _)| crosses(side, limit, best.price));
            // The best price first, then the oldest.
            let first = crossed.min_by_key(|&(limit, number)| (-side.sign() * limit.0, number));
            let Some((limit, number)) = first else { return };
            let Some(order) = self.markets[symbol.index()].take(|o| o.number == number) else {
                return;
            };
            let wanted = self.tradable(&order);
            let got = self.take_liquidity(symbol, side, Some(limit), wanted);
            let quantity = got.iter().map(|l| l.quantity).fold(QtyLots::ZERO, |sum, q| sum + q);
            let filled = self.fill_resting(order, limit, quantity);
            if !filled {
                return;
            }
        }
    }

    /// Fills resting orders by a trade that was printed: those that it went beyond, and those at
    /// its price whose turn it is.
    pub(crate) fn fill_from_trade(&mut self, symbol: SymbolId, trade: &Trade) {
        for side in [Side::Buy, Side::Sell] {
            let hit = |order: &Order| {
                order.side == side
                    && order.is_resting()
                    && order.limit().is_some_and(|limit| {
                        limit != trade.price && crosses(side, limit, trade.price)
                            || limit == trade.price && trade.aggressor != side
                    })
            };
            let mut queue = std::mem::take(&mut self.queue);
            let market = &self.markets[symbol.index()];
            queue.extend(market.working.iter().filter(|order| hit(order)).map(|o| o.number));
            let limit_of = |number: &OrderNumber| {
                let order = market.working.iter().find(|order| order.number == *number);
                order.and_then(Order::limit).map(|limit| -side.sign() * limit.0)
            };
            // Stable: at one price the oldest stays first.
            queue.sort_by_key(limit_of);
            self.fill_queue(symbol, trade, &queue);
            queue.clear();
            self.queue = queue;
        }
    }

    fn fill_queue(&mut self, symbol: SymbolId, trade: &Trade, queue: &[OrderNumber]) {
        // What the trade still has for orders beyond its price; then for those at its price.
        let mut left = trade.quantity;
        // What our own orders at its price got of it.
        let mut ours = QtyLots::ZERO;
        for &number in queue {
            let taken = self.markets[symbol.index()].take(|order| order.number == number);
            let Some(mut order) = taken else { continue }; // cancelled by a fill before it
            let limit = order.limit().unwrap_or(trade.price);
            if let Stage::Resting(place) = &mut order.stage
                && limit == trade.price
            {
                let reached = (place.trade(left) - ours).max(QtyLots::ZERO);
                let quantity = reached.min(self.tradable(&order));
                ours += quantity;
                self.fill_resting(order, limit, quantity);
            } else {
                let quantity = left.min(self.tradable(&order));
                left -= quantity;
                self.fill_resting(order, limit, quantity);
            }
        }
    }

    /// Fills a resting order that was taken out, and puts back what is left of it. Returns whether
    /// anything traded.
    fn fill_resting(&mut self, mut order: Order, limit: PriceTicks, quantity: QtyLots) -> bool {
        let (account, symbol) = (order.account, order.symbol);
        let trades = quantity > QtyLots::ZERO;
        if trades {
            self.trade(&mut order, limit, quantity, Liquidity::Maker);
        }
        if order.open > QtyLots::ZERO {
            self.markets[symbol.index()].put(order);
        } else {
            self.finish(order, Removal::Canceled);
        }
        if trades {
            self.settle_reduce_only(account, symbol);
        }
        trades
    }
}

/// Lets resting orders advance where the book shows less than what was before them.
pub(crate) fn advance_queues(market: &mut Market, stir: Stir) {
    let Floor::Depth(depth) = &market.floor else { return };
    for order in &mut market.working {
        let limit = order.limit();
        if let (Stage::Resting(place), Some(limit)) = (&mut order.stage, limit)
            && place.can_advance()
        {
            let (quantity, update) = depth.shown(order.side, limit);
            place.shown(quantity, update, stir);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn lots(quantity: i64) -> QtyLots {
        QtyLots(quantity)
    }

    #[test]
    fn a_trade_and_the_quote_that_shows_it_count_once_whichever_comes_first() {
        // 8 before us; 5 trade; the level shows 3.
        let mut trade_first = QueuePlace::at_the_back(lots(8), 10);
        assert_eq!(trade_first.trade(lots(5)), lots(0));
        trade_first.shown(lots(3), 11, Stir::Quote);
        let mut quote_first = QueuePlace::at_the_back(lots(8), 10);
        quote_first.shown(lots(3), 11, Stir::Quote);
        assert_eq!(quote_first.trade(lots(5)), lots(0));
        assert_eq!(trade_first, quote_first);
        // Then 4: 3 before us, 1 for us; or the level is gone first.
        let mut gone_first = quote_first;
        gone_first.shown(lots(0), 12, Stir::Quote);
        assert_eq!(quote_first.trade(lots(4)), lots(1));
        assert_eq!(gone_first.trade(lots(4)), lots(1));
    }

    #[test]
    fn what_was_foretold_is_forgotten_at_the_next_depth_update() {
        let mut place = QueuePlace::at_the_back(lots(8), 10);
        place.shown(lots(3), 11, Stir::Quote);
        place.shown(lots(3), 12, Stir::Depth);
        // The 5 were cancelled after all: no trade came.
        assert_eq!(place.trade(lots(4)), lots(1));
    }

    #[test]
    fn a_level_that_grows_grows_behind() {
        let mut place = QueuePlace::at_the_back(lots(2), 10);
        place.shown(lots(9), 11, Stir::Quote);
        place.shown(lots(4), 12, Stir::Depth);
        assert_eq!(place.trade(lots(3)), lots(1));
    }

    #[test]
    fn what_is_older_than_the_place_says_nothing() {
        let mut place = QueuePlace::at_the_back(lots(8), 10);
        place.shown(lots(1), 10, Stir::Depth);
        assert_eq!(place, QueuePlace::at_the_back(lots(8), 10));
    }
}
