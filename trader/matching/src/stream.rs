//! A market that is known by its book and its trades.
//!
//! - **Takers walk the book**, level by level, at the levels' prices. What they take, and what
//!   printed trades take, is gone until the feed tells of that level anew, so that nobody takes the
//!   same liquidity twice. What finds no liquidity expires.
//! - **Resting orders queue** at the back of the level that they join, behind all that is shown
//!   there (the risk-averse model of hftbacktest). They advance by trades at their price, and when
//!   the level becomes smaller than what was before them; cancellations are assumed to happen behind
//!   them. Once at the front they fill by what trades at their price. A trade and the quote that
//!   shows it count once, whichever comes first.
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
use crate::market::Floor;
use crate::order::{AccountId, Order, Stage, crosses};
use crate::queue::{Stir, advance_queues};
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
        let stirred = match event {
            MarketEvent::Quote(quote) => depth.on_quote(*quote).then_some(Stir::Quote),
            MarketEvent::Depth(update) => depth.on_update(update).then_some(Stir::Depth),
            MarketEvent::DepthSnapshot { last_update, bids, asks } => {
                depth.on_snapshot(*last_update, bids, asks);
                Some(Stir::Depth)
            }
            MarketEvent::Trade(trade) => {
                depth.take(trade.aggressor.opposite(), trade.price, trade.quantity);
                self.on_trade(symbol, trade);
                None
            }
            MarketEvent::Broken => {
                depth.lose();
                None
            }
            MarketEvent::Bar(_)
            | MarketEvent::Restored
            | MarketEvent::Ended
            | MarketEvent::Mark(_) => None,
        };
        if let Some(stir) = stirred {
            self.after_book(symbol, stir);
        }
    }

    /// The book or its top changed.
    fn after_book(&mut self, symbol: SymbolId, stir: Stir) {
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
        let trading = market.is_trading();
        if trading {
            advance_queues(market, stir);
        }
        self.after_mark(symbol);
        if trading {
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
    pub(crate) fn take_liquidity(
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

    pub(crate) fn depth(&self, symbol: SymbolId) -> Option<&Depth> {
        match &self.markets[symbol.index()].floor {
            Floor::Depth(depth) => Some(depth),
            Floor::Bars { .. } => None,
        }
    }
}
