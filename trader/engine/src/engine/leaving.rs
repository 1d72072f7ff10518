//! Positions that are to go, and go: what was to close one and did not is tried again, at a bounded
//! pace, until the position is proven flat or a newer decision takes the wish's place.

use crate::effect::{Effect, Severity};
use crate::event::Timer;
use crate::ids::DecisionId;
use crate::instrument::{QtyLots, SymbolId};
use crate::order::{OrderRequest, OrderType, Purpose, Side};

use super::intents::Shrink;
use super::reports::RETRY;
use super::{Engine, alert};

/// That a position is to go: all that older decisions come to, unless it names a side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving {
    by: By,
    /// The side of the position that is meant: once it turned over, it is another one.
    side: Option<Side>,
}

/// Who wants a position gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The agents, until they want something else.
    Agents(DecisionId),
    /// An exit of the policy's, whatever side the agents are on; only turning over is as good.
    Policy(DecisionId),
    /// A person, a halt that flattens, or the lack of a stop: no agent has a say.
    Overruling,
}

impl Leaving {
    /// The agents want out.
    pub(super) const fn by_agents(decision: DecisionId) -> Self {
        Self { by: By::Agents(decision), side: None }
    }

    /// An exit of the policy's, of a position of one side.
    pub(super) const fn by_policy(decision: DecisionId, side: Side) -> Self {
        Self { by: By::Policy(decision), side: Some(side) }
    }

    /// A person's order.
    pub(super) const fn by_person() -> Self {
        Self { by: By::Overruling, side: None }
    }

    /// No stop can guard a position of this side.
    pub(super) const fn unguarded(side: Side) -> Self {
        Self { by: By::Overruling, side: Some(side) }
    }
}

impl Engine {
    /// Who wants a symbol's position gone, if anybody does. A halt that flattens outranks all.
    pub(super) fn leaving_by(&self, symbol: SymbolId) -> Option<By> {
        if self.is_flattening() {
            return Some(By::Overruling);
        }
        self.symbols[symbol.index()].leaving.map(|leaving| leaving.by)
    }

    /// From here on a position is to go. What overrules the agents is not weakened by less.
    pub(super) fn leave(&mut self, symbol: SymbolId, leaving: Leaving) {
        let slot = &mut self.symbols[symbol.index()].leaving;
        let stays = |before: Leaving| {
            before.by == By::Overruling && (leaving.by != By::Overruling || before.side.is_none())
        };
        if !slot.is_some_and(stays) {
            *slot = Some(leaving);
        }
    }

    /// The agents want a position that is held: their own wish to leave it is over.
    pub(super) fn stay(&mut self, symbol: SymbolId) {
        let slot = &mut self.symbols[symbol.index()].leaving;
        slot.take_if(|leaving| matches!(leaving.by, By::Agents(_)));
    }

    /// A newer decision takes the place of any older one's wish to leave.
    pub(super) fn decide_anew(&mut self, symbol: SymbolId) {
        let slot = &mut self.symbols[symbol.index()].leaving;
        slot.take_if(|leaving| leaving.by != By::Overruling);
    }

    /// Takes a person's order to close back. Whether nothing else wants the position gone.
    pub(super) fn take_back_close(&mut self, symbol: SymbolId) -> bool {
        if self.is_flattening() {
            return false;
        }
        let slot = &mut self.symbols[symbol.index()].leaving;
        slot.take_if(|leaving| leaving.by == By::Overruling && leaving.side.is_none());
        slot.is_none_or(|leaving| leaving.by != By::Overruling)
    }

    /// Leaves a position by a new decision: at once, where nothing closes it or turns it over already,
    /// and beside an order of unknown fate, which counts as unfilled.
    pub(super) fn exit(&mut self, symbol: SymbolId, leaving: Leaving, effects: &mut Vec<Effect>) {
        self.leave(symbol, leaving);
        if !self.orders.is_closing(symbol)
            && !self.is_turning_over(symbol)
            && self.orders.closing_in_doubt(symbol) <= 1
        {
            self.close(symbol, leaving.by, effects);
        }
    }

    /// Closes a position that is to go, until it is proven flat. It waits for what closes it already,
    /// and for the proof of what may have closed it. Where the agents have no say it is urgent: one
    /// order more goes beside one of unknown fate, but not beside two.
    pub(super) fn close_if_wanted(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let position = self.portfolio.position(symbol).quantity();
        if position == QtyLots::ZERO {
            return;
        }
        let side = Side::of_position(position);
        let slot = &mut self.symbols[symbol.index()].leaving;
        if slot.take_if(|leaving| leaving.side.is_some_and(|meant| meant != side)).is_some() {
            self.symbols[symbol.index()].told_not_closed = false;
        }
        let Some(by) = self.leaving_by(symbol) else {
            return;
        };
        let in_doubt = self.orders.closing_in_doubt(symbol);
        let waits = match by {
            By::Overruling => in_doubt > 1,
            By::Agents(_) | By::Policy(_) => in_doubt > 0 || self.is_turning_over(symbol),
        };
        let state = &self.symbols[symbol.index()];
        let rests = !state.trading || state.close_again_at.is_some_and(|at| self.now < at);
        if !waits && !rests && !self.orders.is_closing(symbol) {
            self.close(symbol, by, effects);
        }
    }

    /// Closes a position by a reduce-only market order; where it is larger than the largest one, what
    /// follows does the rest.
    fn close(&mut self, symbol: SymbolId, by: By, effects: &mut Vec<Effect>) {
        let position = self.portfolio.position(symbol).quantity();
        let (purpose, decision) = match by {
            By::Agents(decision) | By::Policy(decision) => (Purpose::Exit, Some(decision)),
            By::Overruling => (Purpose::Flatten, None),
        };
        let shrink = Shrink {
            symbol,
            side: Side::of_position(position).opposite(),
            quantity: position.abs().min(self.instrument(symbol).max_quantity),
            kind: OrderType::Market,
            purpose,
            close_position: false,
            decision,
        };
        if !self.shrink(shrink, effects) {
            self.close_later(symbol, effects);
        }
    }

    fn close_later(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let at = self.now + RETRY;
        self.symbols[symbol.index()].close_again_at = Some(at);
        effects.push(Effect::WakeAt(at, Timer::Protect(symbol)));
    }

    /// Whether an entry on the other side works: one that turns the position over closes it too, and
    /// beside it an exit would leave it to open twice the size.
    fn is_turning_over(&self, symbol: SymbolId) -> bool {
        let position = self.portfolio.position(symbol).quantity();
        self.has_entry(symbol, Side::of_position(position).opposite())
    }

    /// An order that was to close a position is over without having done so: it is tried again, but
    /// not at once, since the venue would say the same.
    pub(super) fn on_not_closed(&mut self, order: &OrderRequest, effects: &mut Vec<Effect>) {
        let symbol = order.symbol;
        self.close_later(symbol, effects);
        // The position may be gone by another order, or the wish taken back.
        if self.leaving_by(symbol).is_none()
            || self.portfolio.position(symbol).quantity() == QtyLots::ZERO
            || std::mem::replace(&mut self.symbols[symbol.index()].told_not_closed, true)
        {
            return;
        }
        let name = self.instrument(symbol).symbol;
        let message = format!(
            "{name}: the venue did not carry {} out, which was to close the position; it is tried again until \
             the position is gone: `why {}` says what the venue answered",
            order.id, order.id
        );
        alert(effects, Severity::Warning, Some(symbol), message);
    }
}
