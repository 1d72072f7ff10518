//! Market data in: marks, books, bars, and what they mean for equity.

use crate::effect::{Effect, Severity};
use crate::indicators::{Quotes, order_flow_event};
use crate::instrument::{PriceTicks, QtyLots, SymbolId};
use crate::market::{Bar, DepthUpdate, MarketEvent, Quote, Trade};
use crate::order::Side;
use crate::time::{Span, Timestamp};

use super::symbol::{Forming, SymbolState};
use super::{Engine, alert};

impl Engine {
    pub(super) fn on_market(
        &mut self,
        symbol: SymbolId,
        event: &MarketEvent<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let state = &mut self.symbols[symbol.index()];
        match event {
            MarketEvent::Broken => {
                state.broken = true;
                state.book.invalidate();
                state.quote = None;
                let name = self.instrument(symbol).symbol;
                let message =
                    format!("{name}: its feed broke; no entries on it until it is whole again");
                alert(effects, Severity::Warning, Some(symbol), message);
                return;
            }
            MarketEvent::Ended => {
                state.ended = true;
                return;
            }
            MarketEvent::Restored => {
                state.broken = false;
                return;
            }
            _ => state.received = Some(self.now),
        }
        match *event {
            MarketEvent::Bar(bar) => self.on_bar(symbol, bar, effects),
            MarketEvent::Quote(quote) => self.on_quote(symbol, quote, effects),
            MarketEvent::Trade(trade) => self.on_trade(symbol, trade, effects),
            MarketEvent::Depth(update) => self.on_depth(symbol, &update, effects),
            MarketEvent::DepthSnapshot { last_update, bids, asks } => {
                let state = &mut self.symbols[symbol.index()];
                state.has_book = true;
                state.book.reset(last_update, bids, asks);
            }
            MarketEvent::Mark(price) => self.set_mark(symbol, price, effects),
            MarketEvent::Broken | MarketEvent::Restored | MarketEvent::Ended => {}
        }
    }

    fn on_depth(&mut self, symbol: SymbolId, update: &DepthUpdate<'_>, effects: &mut Vec<Effect>) {
        let state = &mut self.symbols[symbol.index()];
        state.has_book = true;
        if let Err(gap) = state.book.update(update) {
            let name = self.instrument(symbol).symbol;
            let message = format!("{name}: {gap}; no entries on it until a new snapshot");
            alert(effects, Severity::Warning, Some(symbol), message);
        }
    }

    fn on_quote(&mut self, symbol: SymbolId, quote: Quote, effects: &mut Vec<Effect>) {
        let mid = PriceTicks(quote.bid.price.0.midpoint(quote.ask.price.0));
        self.advance_bar(symbol, mid, effects);
        let state = &mut self.symbols[symbol.index()];
        state.has_book = true;
        if let Some(before) = state.quote {
            add_order_flow(state, &before, &quote);
        }
        state.quote = Some(quote);
        if let Some(forming) = &mut state.forming
            && !forming.traded
        {
            extend(&mut forming.bar, mid);
        }
        if self.portfolio.mark_price(symbol) != Some(mid) {
            self.set_mark(symbol, mid, effects);
        }
    }

    fn on_trade(&mut self, symbol: SymbolId, trade: Trade, effects: &mut Vec<Effect>) {
        self.advance_bar(symbol, trade.price, effects);
        let state = &mut self.symbols[symbol.index()];
        state.forming_trades.push(trade);
        if let Some(Forming { bar, traded }) = &mut state.forming {
            if !*traded {
                (bar.open, bar.high, bar.low) = (trade.price, trade.price, trade.price);
                *traded = true;
            }
            extend(bar, trade.price);
            bar.volume += trade.quantity;
            if trade.aggressor == Side::Buy {
                bar.taker_buy_volume = bar.taker_buy_volume.map(|bought| bought + trade.quantity);
            }
        }
    }

    /// Closes the forming bar when its time is over, and begins the next. An interval in which
    /// nothing happened has no bar.
    fn advance_bar(&mut self, symbol: SymbolId, price: PriceTicks, effects: &mut Vec<Effect>) {
        let interval = self.config.bar_interval;
        let start = interval_start(self.now, interval);
        let state = &mut self.symbols[symbol.index()];
        match state.forming {
            Some(forming) if forming.bar.open_time == start => return,
            Some(forming) => {
                std::mem::swap(&mut state.trades, &mut state.forming_trades);
                state.forming_trades.clear();
                state.closed_order_flow = std::mem::take(&mut state.order_flow);
                self.on_bar(symbol, &forming.bar, effects);
            }
            None => {}
        }
        self.symbols[symbol.index()].forming = Some(Forming {
            bar: Bar {
                open_time: start,
                open: price,
                high: price,
                low: price,
                close: price,
                volume: QtyLots::ZERO,
                taker_buy_volume: Some(QtyLots::ZERO),
            },
            traded: false,
        });
    }

    /// A bar closed: mark, equity, judgement of opinions, exits that bars move, and the next round.
    fn on_bar(&mut self, symbol: SymbolId, bar: &Bar, effects: &mut Vec<Effect>) {
        let state = &mut self.symbols[symbol.index()];
        state.take_bar(bar);
        // On a stream the mid is the mark, and it is newer.
        if state.quote.is_none() {
            self.set_mark(symbol, bar.close, effects);
        }
        self.judge_opinions(symbol, bar.close);
        self.age_position(symbol, bar.close, effects);
        self.open_round(symbol, effects);
        let state = &self.symbols[symbol.index()];
        if !state.voters.is_empty() || state.delegate.is_some() {
            effects.push(Effect::PublishSnapshot(symbol));
        }
    }

    fn set_mark(&mut self, symbol: SymbolId, price: PriceTicks, effects: &mut Vec<Effect>) {
        let instrument = &self.config.instruments[symbol.index()];
        self.portfolio.mark(symbol, instrument, price);
        self.observe_equity(effects);
    }
}

fn interval_start(at: Timestamp, interval: Span) -> Timestamp {
    Timestamp(at.0.div_euclid(interval.0) * interval.0)
}

fn extend(bar: &mut Bar, price: PriceTicks) {
    bar.high = bar.high.max(price);
    bar.low = bar.low.min(price);
    bar.close = price;
}

/// In ticks and lots.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss)]
fn add_order_flow(state: &mut SymbolState, before: &Quote, now: &Quote) {
    let quotes = |quote: &Quote| Quotes {
        bid_price: quote.bid.price.0 as f64,
        bid_quantity: quote.bid.quantity.0 as f64,
        ask_price: quote.ask.price.0 as f64,
        ask_quantity: quote.ask.quantity.0 as f64,
    };
    state.order_flow += order_flow_event(&quotes(before), &quotes(now));
}
