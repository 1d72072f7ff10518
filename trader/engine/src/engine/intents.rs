//! From a decision to an order: price, size, the gate, the journal, and only then the venue.

use crate::effect::Effect;
use crate::event::Timer;
use crate::ids::{AgentId, ClientOrderId, DecisionId};
use crate::instrument::{PriceTicks, QtyLots, SymbolId};
use crate::journal::{IntentRecord, Record};
use crate::money::{Amount, Ratio};
use crate::order::{OrderRequest, OrderType, Purpose, Side};
use crate::policy::TradingState;
use crate::risk::{Approved, Bound, DrawdownStage, Facts, Verdict, judge};
use crate::sizing::{SizingInput, delegated_size, size};
use crate::time::{Span, Timestamp};

use super::Engine;
use super::orders::Tracked;
use super::symbol::near_depth;

/// How old a decision may be when real money is at stake.
const FRESH_LIVE: Span = Span::secs(30);

/// On whose behalf a position is entered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mandate {
    /// The agreeing agents'.
    Consensus {
        /// Share of equity that they support.
        participation: Ratio,
        /// Whether they are enough.
        quorate: bool,
    },
    /// One agent's own.
    Delegated { agent: AgentId, quantity: QtyLots, max_notional: Amount },
}

/// A wish to enter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) symbol: SymbolId,
    pub(super) side: Side,
    pub(super) mandate: Mandate,
    pub(super) decision: DecisionId,
    /// When the round closed.
    pub(super) decided: Timestamp,
}

/// An order that shrinks exposure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shrink {
    pub(super) symbol: SymbolId,
    pub(super) side: Side,
    pub(super) quantity: QtyLots,
    pub(super) kind: OrderType,
    pub(super) purpose: Purpose,
    pub(super) close_position: bool,
    pub(super) decision: Option<DecisionId>,
}

impl Engine {
    /// Sizes, judges and sends an entry. An opposite position is closed by the same order: a
    /// reversal in two could leave either half behind. Returns whether the gate approved it.
    pub(super) fn enter(&mut self, entry: Entry, effects: &mut Vec<Effect>) -> bool {
        let Entry { symbol, side, mandate, decision, decided } = entry;
        let price = self.expected_price(symbol, side);
        let distance = self.stop_distance(symbol);
        let (opens, bound) = self.size_entry(&entry, price, distance);
        let position = self.portfolio.position(symbol).quantity();
        let closes = if position.signum() == -side.sign() { position.abs() } else { QtyLots::ZERO };

        let request = OrderRequest {
            quantity: opens + closes,
            ..self.request(symbol, side, OrderType::Market, Purpose::Entry, Some(decision))
        };
        let order_allowance = self.entry_allowance(mandate);
        let after = self.exposure_with(symbol, side, request.quantity);
        let stop = price.zip(distance).map(|(price, distance)| beyond(price, side, -distance));
        let facts = Facts {
            opens,
            decision_age: Some(self.now - decided),
            quorate: !matches!(mandate, Mandate::Consensus { quorate: false, .. }),
            duplicates: u32::try_from(self.entries_of(symbol, side).count()).unwrap_or(u32::MAX),
            order_allowance,
            stop,
            liquidation: self.liquidation(symbol, side.signed(opens), after.margin),
            gross_exposure: after.gross,
            net_exposure: after.net,
            open_positions: after.open,
            delegated_notional: match mandate {
                Mandate::Delegated { max_notional, .. } => {
                    let worst = self.worst_position(symbol, side, request.quantity).abs();
                    price.map(|p| (self.instrument(symbol).notional(p, worst), max_notional))
                }
                Mandate::Consensus { .. } => None,
            },
            ..self.facts(&request, price)
        };
        let judged = judge(&facts, bound);
        let approved = self.send(request, judged, price, effects);
        if approved {
            self.symbols[symbol.index()].stop_distance = distance;
            self.count_entry(mandate);
        }
        approved
    }

    /// Judges and sends an order that shrinks exposure: the rules of entries do not hold it up.
    pub(super) fn shrink(&mut self, shrink: Shrink, effects: &mut Vec<Effect>) -> bool {
        let Shrink { symbol, side, quantity, kind, purpose, close_position, decision } = shrink;
        let request = OrderRequest {
            quantity,
            reduce_only: true,
            close_position,
            ..self.request(symbol, side, kind, purpose, decision)
        };
        let price = kind.trigger().or_else(|| self.expected_price(symbol, side));
        let judged = judge(&self.facts(&request, price), Bound::Position);
        self.send(request, judged, price, effects)
    }

    /// What is so whatever the order; an order that shrinks exposure needs no more.
    fn facts<'a>(&'a self, request: &'a OrderRequest, price: Option<PriceTicks>) -> Facts<'a> {
        let symbol = request.symbol;
        let state = &self.symbols[symbol.index()];
        Facts {
            request,
            instrument: &self.config.instruments[symbol.index()],
            limits: &self.policy.limits,
            opens: QtyLots::ZERO,
            position: self.portfolio.position(symbol).quantity(),
            trading_state: self.trading_state(),
            data_age: state.received.map(|received| self.now - received),
            feed_whole: state.feed_is_whole(),
            clock_uncertainty: self.clock_uncertainty,
            symbol_trading: state.trading,
            symbol_paused: state.paused,
            decision_age: None,
            decision_fresh_for: self.decision_fresh_for(),
            quorate: true,
            duplicates: 0,
            order_allowance: 0,
            price,
            mark: self.portfolio.mark_price(symbol),
            atr: state.atr_ticks(),
            stop: None,
            liquidation: None,
            gross_exposure: Amount::ZERO,
            net_exposure: Amount::ZERO,
            open_positions: 0,
            delegated_notional: None,
            equity: self.portfolio.equity(),
            daily_loss: self.losses.daily_loss(),
            drawdown: self.losses.drawdown(),
            position_verified: state.verification.since.is_none(),
        }
    }

    /// Records the intent with its verdict, and hands an approved order over.
    fn send(
        &mut self,
        request: OrderRequest,
        (verdict, approved): (Verdict, Option<Approved<OrderRequest>>),
        expected: Option<PriceTicks>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        effects.push(Effect::Record(Record::Intent(Box::new(IntentRecord { request, verdict }))));
        let Some(order) = approved else {
            self.orders.deny(request, self.now);
            return false;
        };
        self.orders.submit(request, expected, self.now);
        self.venue_rate.take();
        effects.push(Effect::Submit(order));
        // Whatever becomes of the answer, by then its fate must be looked into.
        let proof = request.expires + self.config.venue.absence_grace;
        effects.push(Effect::WakeAt(proof, Timer::Resolve(request.id)));
        true
    }

    fn request(
        &mut self,
        symbol: SymbolId,
        side: Side,
        kind: OrderType,
        purpose: Purpose,
        decision: Option<DecisionId>,
    ) -> OrderRequest {
        let id = self.next_order_id();
        OrderRequest {
            id,
            client_id: ClientOrderId { run: self.config.run, order: id, attempt: 1 },
            symbol,
            side,
            quantity: QtyLots::ZERO,
            kind,
            reduce_only: false,
            close_position: false,
            purpose,
            decision,
            expires: self.now + self.config.venue.request_ttl,
        }
    }

    fn size_entry(
        &self,
        entry: &Entry,
        price: Option<PriceTicks>,
        distance: Option<i64>,
    ) -> (QtyLots, Bound) {
        let Some(price) = price else {
            return (QtyLots::ZERO, Bound::RiskBudget);
        };
        let symbol = entry.symbol;
        let instrument = self.instrument(symbol);
        let limits = &self.policy.limits;
        let state = &self.symbols[symbol.index()];
        if state.guarded && self.policy.exits.stop.is_some() && distance.is_none() {
            // Where the stop will stand, and the loss there, cannot be told yet.
            return (QtyLots::ZERO, Bound::RiskBudget);
        }
        let caution = self.losses.stage(limits) >= DrawdownStage::Caution;
        let participation = match entry.mandate {
            Mandate::Delegated { quantity, .. } => {
                let sized = delegated_size(quantity, instrument, limits, price, caution);
                return (sized.quantity, sized.bound);
            }
            Mandate::Consensus { participation, .. } => participation,
        };
        let near_book =
            state.quote.is_some().then(|| near_depth(&state.book, entry.side.opposite()));
        let others = self.exposure_with(symbol, entry.side, QtyLots::ZERO);
        let position = self.portfolio.position(symbol).quantity();
        let own = instrument.notional(price, position.abs());
        let sized = size(&SizingInput {
            instrument,
            limits,
            equity: self.portfolio.equity(),
            price,
            stop_distance: distance,
            slippage: self.config.venue.slippage,
            outcomes: &self.outcomes,
            caution,
            participation,
            other_exposure: others.gross - own.min(others.gross),
            free_margin: self.portfolio.equity() - others.margin,
            near_book,
        });
        (sized.quantity, sized.bound)
    }

    /// The price to expect of a market order: the far touch, else the mark.
    fn expected_price(&self, symbol: SymbolId, side: Side) -> Option<PriceTicks> {
        let touch = self.symbols[symbol.index()].quote.map(|quote| match side {
            Side::Buy => quote.ask.price,
            Side::Sell => quote.bid.price,
        });
        touch.or_else(|| self.portfolio.mark_price(symbol))
    }

    /// The stop's distance in ticks, where the policy's exits guard the symbol and ATR is ready.
    fn stop_distance(&self, symbol: SymbolId) -> Option<i64> {
        let state = &self.symbols[symbol.index()];
        let rule = self.policy.exits.stop.filter(|_| state.guarded)?;
        state.atr_distance(rule.atr_multiple)
    }

    fn decision_fresh_for(&self) -> Span {
        let bar = self.config.bar_interval;
        if self.config.live { bar.min(FRESH_LIVE) } else { bar }
    }

    pub(super) fn entry_allowance(&mut self, mandate: Mandate) -> u32 {
        let now = self.now;
        let desk = self.rate.available(now).min(self.venue_rate.available(now));
        match mandate {
            Mandate::Consensus { .. } => desk,
            Mandate::Delegated { agent, .. } => {
                let own = self.agents[usize::from(agent.0)].rate.as_mut();
                own.map_or(desk, |rate| desk.min(rate.available(now)))
            }
        }
    }

    fn count_entry(&mut self, mandate: Mandate) {
        self.rate.take();
        if let Mandate::Delegated { agent, .. } = mandate
            && let Some(rate) = self.agents[usize::from(agent.0)].rate.as_mut()
        {
            rate.take();
        }
    }

    /// The entries that work on a side.
    pub(super) fn entries_of(
        &self,
        symbol: SymbolId,
        side: Side,
    ) -> impl Iterator<Item = &Tracked> {
        self.orders.working_on(symbol).filter(move |tracked| {
            let request = &tracked.order.request;
            request.purpose == Purpose::Entry && request.side == side
        })
    }

    /// Whether an entry works on a side.
    pub(super) fn has_entry(&self, symbol: SymbolId, side: Side) -> bool {
        self.entries_of(symbol, side).next().is_some()
    }

    /// Cancels entries of one side.
    pub(super) fn cancel_entries_of(
        &mut self,
        symbol: SymbolId,
        side: Side,
        effects: &mut Vec<Effect>,
    ) {
        self.cancel_where(symbol, "an opposite decision", effects, |request| {
            request.purpose == Purpose::Entry && request.side == side
        });
    }

    /// Cancels all entries of a symbol.
    pub(super) fn cancel_entries(
        &mut self,
        symbol: SymbolId,
        why: &str,
        effects: &mut Vec<Effect>,
    ) {
        self.cancel_where(symbol, why, effects, |request| request.purpose == Purpose::Entry);
    }

    /// Asks the venue to cancel what works and is not being cancelled.
    pub(super) fn cancel_where(
        &mut self,
        symbol: SymbolId,
        why: &str,
        effects: &mut Vec<Effect>,
        wanted: impl Fn(&OrderRequest) -> bool,
    ) {
        let cancel: Vec<_> = self
            .orders
            .working_on(symbol)
            .filter(|t| t.order.pending.is_none() && wanted(&t.order.request))
            .map(|t| t.order.request.id)
            .collect();
        for order in cancel {
            self.orders.withdraw(order, self.now);
            effects.push(Effect::Record(Record::CancelIntent { order, reason: why.to_owned() }));
            effects.push(Effect::Cancel { symbol, order });
            self.expect_cancel(order, self.config.venue.request_ttl, effects);
        }
    }

    /// The strictest state in force. A desk that is leaving takes nothing on.
    pub(super) fn trading_state(&self) -> TradingState {
        let state = self.standing.state();
        if self.stopping { state.max(TradingState::Reducing) } else { state }
    }
}

/// `price` moved by `distance` ticks in the direction of `side`, at least one tick.
pub(super) fn beyond(price: PriceTicks, side: Side, distance: i64) -> PriceTicks {
    PriceTicks(price.0.saturating_add(side.sign().saturating_mul(distance)).max(1))
}
