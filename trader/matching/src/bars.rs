//! A market that is known by its bars only: pessimistic, because inside a bar the order of prices
//! is not known.
//!
//! | what | fills |
//! |---|---|
//! | market order between two bars | at the next open; expires when none comes within one bar |
//! | market order inside a bar | at its open, the only price known |
//! | limit order that the open crosses on arrival | at the open, as taker |
//! | resting limit order | at its price, as maker, when the bar trades *beyond* it; a touch is not a fill |
//! | resting limit order that the market gaps over | at the open, which is better |
//! | stop | at its trigger; at the open when the market gaps over it |
//! | take-profit market | at its trigger, after all stops; at the open when the market gaps over it |
//! | liquidation | judged at the bar's adverse extreme, after the stops and again at the end |
//!
//! Every taker pays the configured slippage on top. A bar's volume bounds nothing: orders are
//! assumed to be small against it.
//!
//! An order that arrives between two bars is handled at the next open as if it had arrived then, so
//! a resting order can be hit by the gap, a post-only one that would take there expires, and one that
//! is immediate or nothing is judged by that open.

use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::market::Bar;
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::Removal;

use crate::exchange::Exchange;
use crate::execution::Liquidity;
use crate::market::{Floor, slipped};
use crate::order::{Order, Stage, crosses};
use crate::queue::QueuePlace;

/// Stops come before targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conditional {
    Stop,
    TakeProfit,
}

impl Exchange {
    /// A bar opens at `open`: the first price after the last close. Ignored on a symbol without
    /// bars.
    pub fn bar_opens(&mut self, at: Timestamp, symbol: SymbolId, open: PriceTicks) {
        self.advance(at);
        let Some(market) = self.markets.get_mut(symbol.index()) else { return };
        let Floor::Bars { open: known } = &mut market.floor else { return };
        *known = Some(open);
        market.last = Some(open);
        market.mark = Some(open);
        if market.is_idle() {
            return;
        }
        self.trigger_on_bar(symbol, Conditional::Stop, open, open);
        self.liquidate(symbol, open, open);
        self.trigger_on_bar(symbol, Conditional::TakeProfit, open, open);
        self.fill_limits_on_bar(symbol, open, open, Some(open));
        self.release_waiting(symbol);
        self.liquidate(symbol, open, open);
    }

    /// The bar that opened has played: its range acts on what works, and it closes. Ignored on a
    /// symbol without bars.
    pub fn bar_range(&mut self, at: Timestamp, symbol: SymbolId, bar: &Bar) {
        self.advance(at);
        let Some(market) = self.markets.get_mut(symbol.index()) else { return };
        let Floor::Bars { open } = &mut market.floor else { return };
        if open.is_none() {
            // Nobody told of its open: it still came first.
            self.bar_opens(at, symbol, bar.open);
        }
        let market = &mut self.markets[symbol.index()];
        if !market.is_idle() {
            let (low, high) = (bar.low, bar.high);
            self.trigger_on_bar(symbol, Conditional::Stop, low, high);
            self.liquidate(symbol, low, high);
            self.trigger_on_bar(symbol, Conditional::TakeProfit, low, high);
            self.fill_limits_on_bar(symbol, low, high, None);
            self.liquidate(symbol, low, high);
        }
        let market = &mut self.markets[symbol.index()];
        market.floor = Floor::Bars { open: None };
        market.last = Some(bar.close);
        market.mark = Some(bar.close);
    }

    /// An order meets a bar of which only the open is known.
    pub(crate) fn arrive_on_bar(&mut self, mut order: Order, open: PriceTicks) {
        let price = slipped(open, order.side, self.rules.slippage);
        let OrderType::Limit { price: limit, time_in_force } = order.kind else {
            self.take_at(order, price);
            return;
        };
        let takes = match time_in_force {
            TimeInForce::PostOnly => crosses(order.side, limit, open),
            _ => crosses(order.side, limit, price),
        };
        match time_in_force {
            TimeInForce::PostOnly if takes => self.finish(order, Removal::Expired),
            TimeInForce::Ioc | TimeInForce::Fok if !takes => self.finish(order, Removal::Expired),
            _ if takes => self.take_at(order, price),
            _ if !self.is_still_affordable(&order) => self.finish(order, Removal::Expired),
            _ => {
                order.stage = Stage::Resting(QueuePlace::default());
                self.markets[order.symbol.index()].put(order);
            }
        }
    }

    /// Trades what triggers between `low` and `high`, in order of arrival: at its trigger, or at the
    /// nearest price that there was.
    fn trigger_on_bar(
        &mut self,
        symbol: SymbolId,
        what: Conditional,
        low: PriceTicks,
        high: PriceTicks,
    ) {
        let due = |order: &Order| {
            let kind = match order.kind {
                OrderType::StopMarket { .. } => Conditional::Stop,
                OrderType::TakeProfitMarket { .. } => Conditional::TakeProfit,
                _ => return false,
            };
            kind == what && order.stage == Stage::Armed && order.is_triggered(low, high)
        };
        while let Some(mut order) = self.markets[symbol.index()].take(due) {
            let trigger = order.kind.trigger().unwrap_or(low);
            let price = slipped(trigger.clamp(low, high), order.side, self.rules.slippage);
            order.stage = Stage::Triggered;
            let account = order.account;
            self.take_at(order, price);
            self.settle_reduce_only(account, symbol);
        }
    }

    /// Fills resting limit orders that the market traded beyond.
    fn fill_limits_on_bar(
        &mut self,
        symbol: SymbolId,
        low: PriceTicks,
        high: PriceTicks,
        gapped_to: Option<PriceTicks>,
    ) {
        let beyond = |order: &Order| {
            order.is_resting()
                && order.limit().is_some_and(|limit| match order.side {
                    Side::Buy => low < limit,
                    Side::Sell => high > limit,
                })
        };
        while let Some(mut order) = self.markets[symbol.index()].take(beyond) {
            let account = order.account;
            let quantity = self.tradable(&order);
            if let Some(price) = gapped_to.or(order.limit())
                && quantity > QtyLots::ZERO
            {
                self.trade(&mut order, price, quantity, Liquidity::Maker);
            }
            self.finish(order, Removal::Canceled);
            self.settle_reduce_only(account, symbol);
        }
    }
}
