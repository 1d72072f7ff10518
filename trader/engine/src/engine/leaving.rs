//! Positions that are to go, and go: what was to close one and did not is tried again, at a bounded
//! pace, until the position is proven flat or a newer decision takes the wish's place.

use std::mem::discriminant;

use crate::effect::{Effect, Severity};
use crate::event::Timer;
use crate::ids::{DecisionId, OrderId};
use crate::instrument::{QtyLots, SymbolId};
use crate::opinion::Direction;
use crate::order::{Order, OrderRequest, OrderState, OrderType, Purpose, Side};
use crate::time::{Span, Timestamp};

use super::intents::Shrink;
use super::reports::RETRY;
use super::symbol::SymbolState;
use super::{Engine, alert};

/// That a position is to go, and who wants it. All but a person mean the position of one side: once it turned
/// over, it is another one. The later of two outranks the former.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leaving {
    /// The agents want out.
    Agents(DecisionId, Side),
    /// An exit of the policy's.
    Policy(DecisionId, Side),
    /// More is held than was judged.
    Excess(DecisionId, Side),
    /// No stop can guard it.
    Unguarded(Side),
    /// A person's order, of whatever comes of older decisions too.
    Person,
}

/// What was to close a position and did not.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotClosed {
    /// Who wanted it: what somebody else wants, or by a new decision, does not rest.
    by: By,
    /// How often in a row.
    times: u32,
    /// When it may be followed by another.
    again: Timestamp,
}

/// Who wants a position gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The agents, until they want something else.
    Agents(DecisionId),
    /// An exit of the policy's, whatever side the agents are on; only turning over is as good.
    Policy(DecisionId),
    /// More is held than was judged: no agent has a say.
    Excess(DecisionId),
    /// A person, a halt that flattens, or the lack of a stop: no agent has a say.
    Overruling,
}

impl By {
    /// The longest pause between two tries. The stop guards what the agents or the policy want to
    /// leave; what overrules them is mostly there because nothing does, or not well.
    const fn longest_pause(self) -> Span {
        match self {
            Self::Agents(_) | Self::Policy(_) => Span::secs(30),
            Self::Excess(_) | Self::Overruling => Span::secs(5),
        }
    }

    /// Whether no agent has a say.
    pub(super) const fn overrules(self) -> bool {
        matches!(self, Self::Excess(_) | Self::Overruling)
    }
}

impl Leaving {
    /// On whose behalf it is closed.
    const fn by(self) -> By {
        match self {
            Self::Agents(decision, _) => By::Agents(decision),
            Self::Policy(decision, _) => By::Policy(decision),
            Self::Excess(decision, _) => By::Excess(decision),
            Self::Unguarded(_) | Self::Person => By::Overruling,
        }
    }

    /// Whether it says nothing of a position of this side.
    fn means_other_than(self, side: Side) -> bool {
        match self {
            Self::Agents(_, meant)
            | Self::Policy(_, meant)
            | Self::Excess(_, meant)
            | Self::Unguarded(meant) => meant != side,
            Self::Person => false,
        }
    }

    const fn overrules(self) -> bool {
        self.by().overrules()
    }
}

impl Engine {
    /// Who wants a symbol's position gone, if anybody does. A halt that flattens outranks all.
    pub(super) fn leaving_by(&self, symbol: SymbolId) -> Option<By> {
        if self.is_flattening() {
            return Some(By::Overruling);
        }
        self.symbols[symbol.index()].leaving.iter().max().map(|wish| wish.by())
    }

    /// From here on a position is to go. What overrules the agents takes the place of what they and the policy
    /// decided, and not of each other: who takes one of them back does not end the rest.
    pub(super) fn leave(&mut self, symbol: SymbolId, leaving: Leaving) {
        let wishes = &mut self.symbols[symbol.index()].leaving;
        if leaving.overrules() {
            let is_another =
                |wish: &Leaving| wish.overrules() && discriminant(wish) != discriminant(&leaving);
            wishes.retain(is_another);
            wishes.push(leaving);
        } else if !wishes.iter().any(|wish| wish.overrules()) {
            *wishes = vec![leaving];
        }
    }

    /// The agents want a position that is held: their own wish to leave it is over.
    pub(super) fn stay(&mut self, symbol: SymbolId) {
        let wishes = &mut self.symbols[symbol.index()].leaving;
        wishes.retain(|wish| !matches!(wish, Leaving::Agents(..)));
    }

    /// A newer decision takes the place of any older one's wish to leave.
    pub(super) fn decide_anew(&mut self, symbol: SymbolId) {
        self.symbols[symbol.index()].leaving.retain(|wish| wish.overrules());
    }

    /// Takes a person's order to close back, unless something else overrules as well: the position has to go
    /// all the same then. Whether it was taken back.
    pub(super) fn take_back_close(&mut self, symbol: SymbolId) -> bool {
        let wishes = &mut self.symbols[symbol.index()].leaving;
        let has_to_go = wishes.iter().any(|wish| wish.overrules() && *wish != Leaving::Person);
        if has_to_go || self.is_flattening() {
            return false;
        }
        self.symbols[symbol.index()].leaving.retain(|wish| *wish != Leaving::Person);
        true
    }

    /// Leaves a position by a new decision: at once, where nothing closes it or turns it over already,
    /// and beside an order of unknown fate, which counts as unfilled.
    pub(super) fn exit(&mut self, symbol: SymbolId, leaving: Leaving, effects: &mut Vec<Effect>) {
        self.leave(symbol, leaving);
        if let Some(by) = self.leaving_by(symbol)
            && !self.orders.is_closing(symbol)
            && !self.is_turning_over(symbol)
            && self.orders.closing_in_doubt(symbol) <= 1
        {
            self.close(symbol, by, effects);
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
        let Some(by) = self.leaving_by(symbol) else {
            return;
        };
        let in_doubt = self.orders.closing_in_doubt(symbol);
        let waits = match by {
            By::Excess(_) | By::Overruling => {
                in_doubt > 1 || self.may_still_turn_over(symbol, effects)
            }
            By::Agents(_) | By::Policy(_) => in_doubt > 0 || self.is_turning_over(symbol),
        };
        let state = &self.symbols[symbol.index()];
        let pauses = |before: NotClosed| before.by == by && self.now < before.again;
        let rests = !state.trading || state.not_closed.is_some_and(pauses);
        if !waits && !rests && !self.orders.is_closing(symbol) {
            self.close(symbol, by, effects);
        }
    }

    /// Closes a position by a reduce-only market order; where it is larger than the largest one, what
    /// follows does the rest.
    fn close(&mut self, symbol: SymbolId, by: By, effects: &mut Vec<Effect>) {
        let position = self.portfolio.position(symbol).quantity();
        let (purpose, decision) = match by {
            By::Agents(decision) | By::Policy(decision) | By::Excess(decision) => {
                (Purpose::Exit, Some(decision))
            }
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
            self.close_later(symbol, by, effects);
        }
    }

    /// Tries again, each time after twice the pause: whoever refuses would say the same at once.
    fn close_later(&mut self, symbol: SymbolId, by: By, effects: &mut Vec<Effect>) {
        let slot = &mut self.symbols[symbol.index()].not_closed;
        let times = slot.filter(|before| before.by == by).map_or(0, |before| before.times + 1);
        let pause = Span(RETRY.0 << times.min(5)).min(by.longest_pause());
        let again = self.now + pause;
        *slot = Some(NotClosed { by, times, again });
        effects.push(Effect::WakeAt(again, Timer::Protect(symbol)));
    }

    /// The position turned over: who wanted the other one gone says nothing of this one.
    pub(super) fn forget_other_side(&mut self, symbol: SymbolId) {
        let position = self.portfolio.position(symbol).quantity();
        let side = Side::of_position(position);
        let state = &mut self.symbols[symbol.index()];
        let before = state.leaving.len();
        if position != QtyLots::ZERO {
            state.leaving.retain(|wish| !wish.means_other_than(side));
        }
        if state.leaving.len() < before {
            state.told_not_closed = false;
        }
    }

    /// What an entry opened that was taken back is left: something else is wanted by now. What is more than
    /// was judged is left whatever they come to want.
    pub(super) fn leave_what_was_taken_back(
        &mut self,
        symbol: SymbolId,
        side: Side,
        is_too_much: bool,
        effects: &mut Vec<Effect>,
    ) {
        if self.portfolio.position(symbol).quantity().signum() != side.sign() {
            return;
        }
        let SymbolState { wanted, leaving, .. } = &self.symbols[symbol.index()];
        let leaving = if is_too_much {
            if leaving.iter().any(|wish| matches!(wish, Leaving::Excess(..))) {
                return;
            }
            let why = "more than was judged is open: what was to be turned over had been closed";
            Leaving::Excess(self.decide_by_rule(symbol, why, effects), side)
        } else {
            let is_wanted = wanted.is_none_or(|direction| direction.side() == Some(side));
            if is_wanted || self.leaving_by(symbol).is_some() {
                return;
            }
            let why = "an entry that had been taken back filled all the same";
            Leaving::Agents(self.decide_by_rule(symbol, why, effects), side)
        };
        self.exit(symbol, leaving, effects);
    }

    /// Something that only closes filled on a side. An entry of that side which was to turn the same
    /// position over now opens by so much more than was judged: it is cancelled, and what it opens all
    /// the same is left. So is what it has opened already, where its fill was told first.
    pub(super) fn keep_to_what_was_judged(
        &mut self,
        symbol: SymbolId,
        side: Side,
        effects: &mut Vec<Effect>,
    ) {
        let is_beyond = self.portfolio.position(symbol).quantity().signum() == side.sign();
        if is_beyond || self.has_entry(symbol, side) {
            self.symbols[symbol.index()].wanted = Some(Direction::Flat);
            let too_large: Vec<OrderId> =
                self.entries_of(symbol, side).map(|tracked| tracked.order.request.id).collect();
            too_large.into_iter().for_each(|order| self.orders.opens_too_much(order));
            let why = "what it was to close is closed";
            self.cancel_where(symbol, why, effects, |request| {
                request.purpose == Purpose::Entry && request.side == side
            });
            self.leave_what_was_taken_back(symbol, side, true, effects);
        }
    }

    /// Whether an entry may still turn the position over once it is closed, and open twice the size.
    /// It is cancelled first, and waited for until the venue answers, but no longer than it may still
    /// be taken in, or its cancel: what is to go whatever the agents say is urgent.
    fn may_still_turn_over(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) -> bool {
        let is_new: Vec<OrderId> = self
            .orders
            .working_on(symbol)
            .filter(|t| t.order.request.purpose == Purpose::Entry && t.withdrawn.is_none())
            .map(|t| t.order.request.id)
            .collect();
        self.cancel_where(symbol, "the position is being closed", effects, |request| {
            is_new.contains(&request.id)
        });
        let side = Side::of_position(self.portfolio.position(symbol).quantity()).opposite();
        let mut until = None;
        for tracked in self.orders.working_on(symbol) {
            let Order { request, state, pending, .. } = tracked.order;
            if request.purpose != Purpose::Entry || request.side != side {
                continue;
            }
            let at = match (state, tracked.withdrawn.filter(|_| pending.is_some())) {
                (OrderState::Submitted | OrderState::Unknown, _) => request.expires,
                (_, Some(asked)) => asked + self.config.venue.request_ttl,
                // The venue has none to cancel: it filled, or is gone.
                (_, None) => continue,
            };
            until = until.max(Some(at));
        }
        let Some(until) = until.filter(|until| self.now < *until) else {
            return false;
        };
        effects.push(Effect::WakeAt(until, Timer::Protect(symbol)));
        true
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
        // The wish may be taken back, or the position gone by another order.
        let Some(by) = self.leaving_by(symbol) else {
            return;
        };
        self.close_later(symbol, by, effects);
        if self.portfolio.position(symbol).quantity() == QtyLots::ZERO
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
