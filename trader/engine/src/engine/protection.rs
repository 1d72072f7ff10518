//! Protective orders: placed right after the first fill, moved without a gap, and never taken from a
//! position that is not proven flat.

use crate::effect::{Effect, Severity};
use crate::event::Timer;
use crate::ids::{DecisionId, OrderId};
use crate::instrument::{PriceTicks, QtyLots, SymbolId};
use crate::order::{OrderRequest, OrderState, OrderType, Pending, Purpose, Side};
use crate::time::Timestamp;

use super::intents::{Shrink, beyond};
use super::leaving::Leaving;
use super::symbol::Guard;
use super::{Engine, alert};

/// A protective order that works.
#[derive(Debug, Clone, Copy)]
struct Standing {
    id: OrderId,
    trigger: Option<PriceTicks>,
    quantity: QtyLots,
    close_position: bool,
    /// The venue has it; otherwise its answer is still out.
    accepted: bool,
    pending: Option<Pending>,
}

impl Engine {
    /// Makes the protective orders what the position needs.
    pub(super) fn protect(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let position = self.portfolio.position(symbol).quantity();
        if position == QtyLots::ZERO {
            // The next position is another one, with a stop and a deadline of its own.
            self.symbols[symbol.index()].guard = None;
            if self.is_proven_flat(symbol) {
                let state = &mut self.symbols[symbol.index()];
                state.leaving.clear();
                (state.told_not_closed, state.not_closed) = (false, None);
                self.cancel_where(symbol, "the position is flat", effects, |request| {
                    request.purpose.protects()
                });
            }
            return;
        }
        let side = Side::of_position(position);
        // Left from a position of the other side: such a stop protects nothing.
        self.cancel_where(symbol, "the position turned over", effects, |request| {
            request.purpose.protects() && request.side == side
        });
        if !self.symbols[symbol.index()].guarded {
            return;
        }
        let Some(guard) = self.guard(symbol, side, effects) else {
            return;
        };
        self.watch_stop(symbol, effects);
        if self.must_wait(symbol) || self.orders.is_closing(symbol) {
            return;
        }
        if let Some(trigger) = guard.trigger {
            self.place_stop(symbol, position, &guard, trigger, effects);
        }
        self.place_take_profit(symbol, position, &guard, effects);
    }

    /// The position's guard; made where there is none for this side, and completed where the policy
    /// came to ask for more or ATR was not ready.
    fn guard(&mut self, symbol: SymbolId, side: Side, effects: &mut Vec<Effect>) -> Option<Guard> {
        let state = &self.symbols[symbol.index()];
        let exits = &self.policy.exits;
        let entry = self.average_price(symbol)?;
        let known = state.guard.filter(|guard| guard.side == side);
        let is_new = known.is_none();
        let mut guard = known.unwrap_or_else(|| Guard {
            side,
            trigger: None,
            stop_due: None,
            take_profit: None,
            best: entry,
            bars: 0,
            decision: self.entry_decision(symbol, side),
        });
        if let (None, Some(rule)) = (guard.trigger, exits.stop) {
            let distance = state.stop_distance.or_else(|| state.atr_distance(rule.atr_multiple));
            let Some(distance) = distance else {
                // A position that we did not enter, before ATR is ready: no stop can be told.
                self.leave(symbol, Leaving::Unguarded(side));
                self.close_if_wanted(symbol, effects);
                return None;
            };
            guard.trigger = Some(beyond(entry, side, -distance));
        }
        if let (None, Some(multiple)) = (guard.take_profit, exits.take_profit_atr) {
            let distance = state.atr_distance(multiple);
            guard.take_profit = distance.map(|distance| beyond(entry, side, distance));
        }
        let state = &mut self.symbols[symbol.index()];
        state.guard = Some(guard);
        if is_new {
            state.retry_at = None;
        }
        Some(guard)
    }

    /// Counts down from the moment at which no stop stands, whatever took the last one, until one
    /// does.
    fn watch_stop(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let Some(deadline) = self.policy.exits.stop.map(|rule| rule.deadline) else {
            return;
        };
        let stands = self.stop_stands(symbol);
        let Some(guard) = &mut self.symbols[symbol.index()].guard else {
            return;
        };
        if stands {
            guard.stop_due = None;
        } else if guard.stop_due.is_none() && guard.trigger.is_some() {
            let due = self.now + deadline;
            guard.stop_due = Some(due);
            effects.push(Effect::WakeAt(due, Timer::StopDeadline(symbol)));
        }
    }

    fn stop_stands(&self, symbol: SymbolId) -> bool {
        // One whose cancel is out may be gone already.
        let stops = self.standing(symbol, Purpose::Stop);
        stops.iter().any(|stop| stop.accepted && stop.pending.is_none())
    }

    /// One step towards a stop at the guard's trigger. New before old: an old stop is cancelled only
    /// once another is accepted. Where the venue allows one close-position stop, a reduce-only one
    /// of the position's size bridges the move.
    fn place_stop(
        &mut self,
        symbol: SymbolId,
        position: QtyLots,
        guard: &Guard,
        trigger: PriceTicks,
        effects: &mut Vec<Effect>,
    ) {
        let stops = self.standing(symbol, Purpose::Stop);
        if stops.iter().any(|stop| !stop.accepted) {
            return; // its answer decides what comes next
        }
        let stop = |close_position| Shrink {
            symbol,
            side: guard.side.opposite(),
            quantity: position.abs(),
            kind: OrderType::StopMarket { trigger },
            purpose: Purpose::Stop,
            close_position,
            decision: guard.decision,
        };
        let here = |stop: &&Standing| stop.trigger == Some(trigger) && stop.pending.is_none();
        let whole = stops.iter().find(|stop| here(stop) && stop.close_position);
        let bridge = stops.iter().find(|stop| here(stop) && stop.quantity >= position.abs());
        let old_whole = stops.iter().find(|stop| stop.close_position && !here(stop));
        if let Some(keep) = whole {
            self.cancel_all_but(symbol, keep.id, &stops, effects);
        } else if !self.config.venue.single_close_position_stop || old_whole.is_none() {
            self.shrink(stop(true), effects);
        } else if let (Some(_), Some(old)) = (bridge, old_whole) {
            self.cancel_all_where(symbol, &[*old], effects);
        } else {
            self.shrink(stop(false), effects);
        }
    }

    fn place_take_profit(
        &mut self,
        symbol: SymbolId,
        position: QtyLots,
        guard: &Guard,
        effects: &mut Vec<Effect>,
    ) {
        let Some(trigger) = guard.take_profit else {
            return;
        };
        if self.standing(symbol, Purpose::TakeProfit).is_empty() {
            let order = Shrink {
                symbol,
                side: guard.side.opposite(),
                quantity: position.abs(),
                kind: OrderType::TakeProfitMarket { trigger },
                purpose: Purpose::TakeProfit,
                close_position: true,
                decision: guard.decision,
            };
            self.shrink(order, effects);
        }
    }

    /// The stop must stand by now, or the position goes.
    pub(super) fn on_stop_deadline(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        // A wake-up of an earlier deadline, or of an earlier position, comes before this one's time.
        let position = self.portfolio.position(symbol).quantity();
        let due = self.symbols[symbol.index()].guard.and_then(|guard| guard.stop_due);
        if due.is_none_or(|due| self.now < due)
            || position == QtyLots::ZERO
            || self.stop_stands(symbol)
        {
            return;
        }
        let name = self.instrument(symbol).symbol;
        let message =
            format!("{name}: the stop could not stand within its deadline; closing the position");
        alert(effects, Severity::Critical, Some(symbol), message);
        self.leave(symbol, Leaving::Unguarded(Side::of_position(position)));
        self.tend(symbol, effects);
    }

    /// A bar closed on an open position: the trailing stop follows, the time stop counts.
    pub(super) fn age_position(
        &mut self,
        symbol: SymbolId,
        close: PriceTicks,
        effects: &mut Vec<Effect>,
    ) {
        let exits = &self.policy.exits;
        let (trailing, time_stop) = (exits.trailing_atr, exits.time_stop_bars);
        let state = &mut self.symbols[symbol.index()];
        let Some(mut guard) = state.guard else {
            return;
        };
        guard.bars += 1;
        let better = |a: PriceTicks, b: PriceTicks| match guard.side {
            Side::Buy => a.max(b),
            Side::Sell => a.min(b),
        };
        guard.best = better(guard.best, close);
        if let Some((trigger, distance)) =
            guard.trigger.zip(trailing.and_then(|multiple| state.atr_distance(multiple)))
        {
            let trailed = beyond(guard.best, guard.side, -distance);
            guard.trigger = Some(better(trigger, trailed));
        }
        let moved = state.guard.is_some_and(|before| before.trigger != guard.trigger);
        state.guard = Some(guard);
        if moved {
            self.protect(symbol, effects);
        }
        if time_stop.is_some_and(|bars| guard.bars >= bars)
            && self.portfolio.position(symbol).quantity() != QtyLots::ZERO
            && self.leaving_by(symbol).is_none()
        {
            self.exit_by_rule(
                symbol,
                guard.side,
                "time stop: the position is as old as the policy allows",
                effects,
            );
        }
    }

    /// Whether a protective order would only be refused now.
    pub(super) fn must_wait(&self, symbol: SymbolId) -> bool {
        let state = &self.symbols[symbol.index()];
        !state.trading || state.retry_at.is_some_and(|at| self.now < at)
    }

    fn standing(&self, symbol: SymbolId, purpose: Purpose) -> Vec<Standing> {
        let standing = |order: &crate::order::Order| Standing {
            id: order.request.id,
            trigger: order.request.kind.trigger(),
            quantity: order.remaining(),
            close_position: order.request.close_position,
            accepted: matches!(order.state, OrderState::Accepted | OrderState::PartiallyFilled),
            pending: order.pending,
        };
        let position = Side::of_position(self.portfolio.position(symbol).quantity());
        self.orders
            .working_on(symbol)
            .map(|tracked| &tracked.order)
            .filter(|order| order.request.purpose == purpose && order.request.side != position)
            .map(standing)
            .collect()
    }

    fn cancel_all_but(
        &mut self,
        symbol: SymbolId,
        keep: OrderId,
        stops: &[Standing],
        effects: &mut Vec<Effect>,
    ) {
        let others: Vec<Standing> = stops.iter().filter(|stop| stop.id != keep).copied().collect();
        self.cancel_all_where(symbol, &others, effects);
    }

    fn cancel_all_where(
        &mut self,
        symbol: SymbolId,
        stops: &[Standing],
        effects: &mut Vec<Effect>,
    ) {
        for stop in stops {
            self.cancel_where(symbol, "another stop stands", effects, |request| {
                request.id == stop.id
            });
        }
    }

    /// What the position cost, a lot, in ticks.
    pub(super) fn average_price(&self, symbol: SymbolId) -> Option<PriceTicks> {
        let position = self.portfolio.position(symbol);
        let one_tick = self
            .instrument(symbol)
            .tick_value()
            .0
            .saturating_mul(i128::from(position.quantity().0));
        if one_tick == 0 {
            return None;
        }
        i64::try_from(position.cost().0 / one_tick).ok().map(PriceTicks)
    }

    fn entry_decision(&self, symbol: SymbolId, side: Side) -> Option<DecisionId> {
        let entry = |request: &OrderRequest| {
            request.symbol == symbol && request.purpose == Purpose::Entry && request.side == side
        };
        self.orders
            .newest_first()
            .map(|tracked| &tracked.order.request)
            .find(|request| entry(request))
            .and_then(|request| request.decision)
    }

    /// When everything became flat, if it is.
    #[must_use]
    pub const fn flat_since(&self) -> Option<Timestamp> {
        self.flat_since
    }
}
