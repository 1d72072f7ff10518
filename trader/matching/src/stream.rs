//! A market that is known by its book and its trades.
//!
//! - **Takers walk the book**, level by level, at the levels' prices. What they take, and what
//!   printed trades take, is gone until the feed tells of that level anew, so that nobody takes the
//!   same liquidity twice. What finds no liquidity expires.
//! - **Resting orders queue** at the back of the level that they join, behind all that is shown
//!   there (the risk-averse model of hftbacktest). They advance by trades at their price, and when
//!   the level becomes smaller than what was before them; cancellations are assumed to happen behind
//!   them. Once at the front they fill by what trades at their price.
//! - **A trade beyond their price** would have met them first: it fills them, as far as its quantity
//!   goes, best price and oldest order first. So does a book that crosses them, as far as the crossing
//!   levels go.
//! - **Conditional orders** watch the last trade or the mark ([`TriggerBy`]) and then walk the book.
//! - **The mark** is what the feed publishes; where it publishes none, the middle of the best prices.
//! - **Without a book** (before the first snapshot, after a sequence gap) the best quote is all that
//!   is known: market orders and triggered stops take what it shows and wait for the next one, limit
//!   orders wait for a book. Without a quote too (the feed is broken) nothing trades. What must trade
//!   at once expires when it waited long enough; stops that triggered wait on.

use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::market::{Level, MarketEvent, Trade};
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::Removal;

use crate::depth::Depth;
use crate::exchange::Exchange;
use crate::execution::Liquidity;
use crate::market::{Floor, Market};
use crate::order::{AccountId, Order, OrderNumber, Stage, crosses};
use crate::rules::TriggerBy;

impl Exchange {
    /// Takes an event of a symbol's feed in. Bars are told by [`Exchange::bar_opens`] and
    /// [`Exchange::bar_range`]; a [`MarketEvent::Bar`] says nothing new. Depth events of a symbol
    /// that trades on bars are ignored.
    pub fn on_market(&mut self, at: Timestamp, symbol: SymbolId, event: &MarketEvent<'_>) {
        self.advance(at);
        let Some(market) = self.markets.get_mut(symbol.index()) else { return };
        if let MarketEvent::Mark(price) = *event {
            market.mark_published = true;
            market.mark = Some(price);
            if !market.is_idle() {
                self.after_mark(symbol);
            }
            return;
        }
        let Floor::Depth(depth) = &mut market.floor else {
            if matches!(event, MarketEvent::Broken) {
                market.floor = Floor::Bars { open: None };
            }
            return;
        };
        let moved = match event {
            MarketEvent::Quote(quote) => depth.on_quote(*quote),
            MarketEvent::Depth(update) => depth.on_update(update),
            MarketEvent::DepthSnapshot { last_update, bids, asks } => {
                depth.on_snapshot(*last_update, bids, asks);
                true
            }
            MarketEvent::Trade(trade) => {
                depth.take(trade.aggressor.opposite(), trade.price, trade.quantity);
                self.on_trade(symbol, trade);
                false
            }
            MarketEvent::Broken => {
                depth.lose();
                false
            }
            MarketEvent::Bar(_)
            | MarketEvent::Restored
            | MarketEvent::Ended
            | MarketEvent::Mark(_) => false,
        };
        if moved {
            self.after_book(symbol);
        }
    }

    /// The book or its top changed.
    fn after_book(&mut self, symbol: SymbolId) {
        let market = &mut self.markets[symbol.index()];
        if !market.mark_published
            && let Floor::Depth(depth) = &market.floor
            && let Some(mid) = depth.mid()
        {
            market.mark = Some(mid);
        }
        if market.is_idle() {
            return;
        }
        advance_queues(market);
        self.after_mark(symbol);
        if self.markets[symbol.index()].is_trading() {
            self.release_waiting(symbol);
            self.fill_crossed(symbol, Side::Buy);
            self.fill_crossed(symbol, Side::Sell);
        }
    }

    /// The mark may have changed.
    fn after_mark(&mut self, symbol: SymbolId) {
        let Some(mark) = self.markets[symbol.index()].mark else { return };
        if self.rules.trigger_by == TriggerBy::MarkPrice {
            self.trigger(symbol, mark);
        }
        self.liquidate(symbol, mark, mark);
    }

    fn on_trade(&mut self, symbol: SymbolId, trade: &Trade) {
        let market = &mut self.markets[symbol.index()];
        market.last = Some(trade.price);
        if market.is_idle() {
            return;
        }
        if self.rules.trigger_by == TriggerBy::ContractPrice {
            self.trigger(symbol, trade.price);
        }
        self.fill_from_trade(symbol, trade);
    }

    /// Sends conditional orders that `price` triggers to the book, stops before targets.
    fn trigger(&mut self, symbol: SymbolId, price: PriceTicks) {
        let stop = |order: &Order| matches!(order.kind, OrderType::StopMarket { .. });
        for stops in [true, false] {
            let due = |order: &Order| {
                order.stage == Stage::Armed
                    && stop(order) == stops
                    && order.is_triggered(price, price)
            };
            while let Some(mut order) = self.markets[symbol.index()].take(due) {
                order.stage = Stage::Triggered;
                let account = order.account;
                self.arrive(order);
                self.settle_reduce_only(account, symbol);
            }
        }
    }

    /// An order meets a live book.
    pub(crate) fn arrive_on_depth(&mut self, mut order: Order) {
        let wanted = self.tradable(&order);
        if wanted == QtyLots::ZERO || !self.is_still_affordable(&order) {
            self.finish(order, Removal::Expired);
            return;
        }
        let whole = self.depth(order.symbol).is_some_and(Depth::is_whole);
        let OrderType::Limit { price: limit, time_in_force } = order.kind else {
            self.walk(&mut order, None, wanted);
            if whole || self.tradable(&order) == QtyLots::ZERO {
                self.finish(order, Removal::Expired);
            } else {
                self.wait(order);
            }
            return;
        };
        match time_in_force {
            _ if !whole => self.wait(order),
            TimeInForce::PostOnly => {
                let best = self.depth(order.symbol).and_then(|d| d.best(order.side.opposite()));
                if best.is_some_and(|best| crosses(order.side, limit, best.price)) {
                    self.finish(order, Removal::Expired);
                } else {
                    self.rest(order, limit);
                }
            }
            TimeInForce::Fok => {
                let mut levels = Vec::new();
                let planned = self
                    .depth(order.symbol)
                    .map(|d| d.plan(order.side, Some(limit), wanted, &mut levels));
                if planned == Some(wanted) {
                    self.walk(&mut order, Some(limit), wanted);
                }
                self.finish(order, Removal::Expired);
            }
            TimeInForce::Ioc => {
                self.walk(&mut order, Some(limit), wanted);
                self.finish(order, Removal::Expired);
            }
            TimeInForce::Gtc => {
                self.walk(&mut order, Some(limit), wanted);
                if order.open > QtyLots::ZERO {
                    self.rest(order, limit);
                } else {
                    self.finish(order, Removal::Expired);
                }
            }
        }
    }

    /// Takes what the book gives up to a limit.
    fn walk(&mut self, order: &mut Order, limit: Option<PriceTicks>, wanted: QtyLots) {
        for level in self.take_liquidity(order.symbol, order.side, limit, wanted) {
            self.trade(order, level.price, level.quantity, Liquidity::Taker);
        }
    }

    /// Closes a position by force, as far as the book goes.
    pub(crate) fn liquidate_on_depth(
        &mut self,
        account: AccountId,
        symbol: SymbolId,
        side: Side,
        quantity: QtyLots,
    ) {
        if self.markets[symbol.index()].is_trading() {
            for level in self.take_liquidity(symbol, side, None, quantity) {
                self.close_by_force(account, symbol, side, level.price, level.quantity);
            }
        }
    }

    /// Takes liquidity out of the book and says what it got.
    fn take_liquidity(
        &mut self,
        symbol: SymbolId,
        side: Side,
        limit: Option<PriceTicks>,
        wanted: QtyLots,
    ) -> Vec<Level> {
        let mut levels = Vec::new();
        if let Floor::Depth(depth) = &mut self.markets[symbol.index()].floor {
            depth.plan(side, limit, wanted, &mut levels);
            for level in &levels {
                depth.take(side.opposite(), level.price, level.quantity);
            }
        }
        levels
    }

    /// Joins the back of the queue at its price.
    fn rest(&mut self, mut order: Order, limit: PriceTicks) {
        let market = &mut self.markets[order.symbol.index()];
        if let Floor::Depth(depth) = &market.floor {
            let (ahead, since) = depth.shown(order.side, limit);
            order.stage = Stage::Resting { ahead, since };
        }
        market.put(order);
    }

    /// Fills resting orders of a side that the other side's book has come to cross: those at the
    /// front of the price first, at their own price, as far as the crossing levels go.
    fn fill_crossed(&mut self, symbol: SymbolId, side: Side) {
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
    fn fill_from_trade(&mut self, symbol: SymbolId, trade: &Trade) {
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
            if let Stage::Resting { ahead, since } = order.stage
                && limit == trade.price
            {
                let reached = (left - ahead - ours).max(QtyLots::ZERO);
                let before = (ahead - left).max(QtyLots::ZERO);
                order.stage = Stage::Resting { ahead: before, since };
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

    fn depth(&self, symbol: SymbolId) -> Option<&Depth> {
        match &self.markets[symbol.index()].floor {
            Floor::Depth(depth) => Some(depth),
            Floor::Bars { .. } => None,
        }
    }
}

/// Lets resting orders advance where their level has become smaller than what was before them.
fn advance_queues(market: &mut Market) {
    let Floor::Depth(depth) = &market.floor else { return };
    if !depth.is_live() {
        return;
    }
    for order in &mut market.working {
        let limit = order.limit();
        if let (Stage::Resting { ahead, since }, Some(limit)) = (&mut order.stage, limit)
            && ahead.0 > 0
        {
            let (quantity, update) = depth.shown(order.side, limit);
            if update > *since {
                *ahead = quantity.min(*ahead);
            }
        }
    }
}
