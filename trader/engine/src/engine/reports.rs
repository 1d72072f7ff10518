//! What the venue tells us, and what follows from it.

use crate::effect::{Effect, Severity};
use crate::ids::OrderId;
use crate::instrument::{QtyLots, SymbolId};
use crate::journal::Record;
use crate::order::{Order, OrderRequest, OrderState, Purpose, Trigger};
use crate::policy::TradingState;
use crate::time::Span;
use crate::venue::{Fill, Removal, SubmitOutcome, UnknownCause, VenueCode, VenueReport};

use super::leaving::Leaving;
use super::orders::Removed;
use super::{Engine, alert};

/// How long after a refusal a protective or closing order is tried again.
pub(super) const RETRY: Span = Span::secs(1);

impl Engine {
    pub(super) fn on_report(&mut self, report: &VenueReport, effects: &mut Vec<Effect>) {
        // A position report is recorded as the check that it leads to.
        if !matches!(report, VenueReport::Position { .. }) {
            effects.push(Effect::Record(Record::Venue(*report)));
        }
        match *report {
            VenueReport::Submit { order, outcome } => self.on_outcome(order, outcome, effects),
            VenueReport::Fill(fill) => self.on_fill(&fill, effects),
            VenueReport::Removed { order, removal, filled } => {
                self.on_removed(order, Removed { removal, filled }, effects);
            }
            VenueReport::CancelRefused { order, code } => {
                self.on_cancel_refused(order, code, effects);
            }
            VenueReport::OrderStatus { order, state, filled, at } => {
                self.on_order_status(order, state, filled, at, effects);
            }
            VenueReport::Position { symbol, quantity, at } => {
                self.on_position(symbol, quantity, at, effects);
            }
            VenueReport::SymbolStatus { symbol, trading } => {
                self.on_symbol_status(symbol, trading, effects);
            }
            VenueReport::Funding { symbol, amount } => {
                self.portfolio.fund(symbol, amount);
                self.observe_equity(effects);
            }
            VenueReport::Transfer { amount } => {
                self.portfolio.transfer(amount);
                self.losses.transfer(amount);
                self.observe_equity(effects);
            }
        }
    }

    /// While a symbol does not trade, nothing is asked of the venue there that it would only refuse;
    /// what stands stays. What was put off is done when it trades again.
    fn on_symbol_status(&mut self, symbol: SymbolId, trading: bool, effects: &mut Vec<Effect>) {
        let state = &mut self.symbols[symbol.index()];
        if std::mem::replace(&mut state.trading, trading) == trading {
            return;
        }
        state.not_closed = None;
        let name = self.instrument(symbol).symbol;
        let message = if trading {
            format!("{name}: the venue trades it again")
        } else {
            format!("{name}: the venue does not trade it; no order on it until it does")
        };
        alert(effects, Severity::Warning, Some(symbol), message);
        self.tend(symbol, effects);
    }

    fn on_outcome(&mut self, order: OrderId, outcome: SubmitOutcome, effects: &mut Vec<Effect>) {
        let trigger = match outcome {
            SubmitOutcome::Accepted => Trigger::Accept,
            SubmitOutcome::Refused(code) => {
                if let Some(tracked) = self.orders.get_mut(order) {
                    tracked.refusal = Some(code);
                }
                Trigger::Reject
            }
            SubmitOutcome::NotSent => Trigger::NeverSent,
            SubmitOutcome::Unknown(_) => Trigger::LoseTrack,
        };
        let Some((symbol, state)) = self.move_order(order, trigger, effects) else {
            return;
        };
        match state {
            OrderState::Unknown => self.ask_soon(order, effects),
            OrderState::Accepted => self.on_accepted(order, effects),
            OrderState::Rejected | OrderState::NotAccepted => {
                self.on_not_taken(order, symbol, effects);
            }
            _ => {}
        }
        self.tend(symbol, effects);
    }

    /// An order that the venue does not have: what it was for is still to be done.
    pub(super) fn on_not_taken(
        &mut self,
        order: OrderId,
        symbol: SymbolId,
        effects: &mut Vec<Effect>,
    ) {
        let Some(tracked) = self.orders.get(order) else {
            return;
        };
        let request = tracked.order.request;
        match (request.purpose, tracked.refusal) {
            (Purpose::Entry, _) => self.leave_instead(&request, effects),
            (Purpose::Stop, Some(VenueCode::WOULD_TRIGGER_IMMEDIATELY)) => {
                // The price is beyond the stop already: it would have closed the position.
                self.leave(symbol, Leaving::Unguarded(request.side.opposite()));
                self.retry_later(symbol, effects);
            }
            (Purpose::Exit | Purpose::Flatten, refusal) => {
                // The venue sees nothing to reduce: our view of the position is in doubt. A doubt that
                // is there already keeps its clock, or its alarm would never come.
                if refusal == Some(VenueCode::REDUCE_ONLY_REJECTED)
                    && self.symbols[symbol.index()].verification.since.is_none()
                {
                    self.doubt_position(symbol, effects);
                }
                self.on_not_closed(&request, effects);
            }
            _ => self.retry_later(symbol, effects),
        }
    }

    /// An entry that will not be, or was too small: where it was to turn a position over, and the agents
    /// have not said otherwise since, they want out of that one all the same, and the exit alone goes. A
    /// halt that keeps positions keeps this one too, and a process that leaves begins nothing.
    fn leave_instead(&mut self, entry: &OrderRequest, effects: &mut Vec<Effect>) {
        let OrderRequest { symbol, side, .. } = *entry;
        let wanted = self.symbols[symbol.index()].wanted;
        let is_kept = self.stopping || self.standing.state() == TradingState::Halted;
        if self.portfolio.position(symbol).quantity().signum() == -side.sign()
            && wanted.is_some_and(|direction| direction.side() != Some(side.opposite()))
            && self.leaving_by(symbol).is_none()
            && !is_kept
            && let Some(decision) = entry.decision
        {
            self.exit(symbol, Leaving::Agents(decision, side.opposite()), effects);
        }
    }

    /// Tries what protects a position again, but not at once.
    pub(super) fn retry_later(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let at = self.now + RETRY;
        self.symbols[symbol.index()].retry_at = Some(at);
        effects.push(Effect::WakeAt(at, crate::event::Timer::Protect(symbol)));
    }

    fn on_fill(&mut self, fill: &Fill, effects: &mut Vec<Effect>) {
        let symbol = fill.symbol;
        let instrument = &self.config.instruments[symbol.index()];
        let Some(applied) = self.portfolio.apply(instrument, fill) else {
            return;
        };
        if let Some(trade) = applied.closed {
            self.outcomes.count_trade(trade.net);
        }
        let state = &mut self.symbols[symbol.index()];
        state.not_closed = None;
        self.forget_other_side(symbol);
        self.count_filled(fill, effects);
        let verification = &mut self.symbols[symbol.index()].verification;
        verification.last_fill = verification.last_fill.max(Some(fill.at));
        self.doubt_position(symbol, effects);
        self.observe_equity(effects);
        let filled = fill.order.and_then(|order| self.orders.get(order));
        if let Some((order, removed)) = filled.and_then(|t| Some((t.order.request.id, t.removed?)))
        {
            // Perhaps the last of those that were still to be told.
            self.on_removed(order, removed, effects);
        }
        let filled = fill.order.and_then(|order| self.orders.get(order));
        match filled.map(|tracked| (tracked.order, tracked.opens_too_much)) {
            Some((Order { request, state, .. }, opens_too_much))
                if request.purpose == Purpose::Entry =>
            {
                self.leave_what_was_taken_back(symbol, fill.side, opens_too_much, effects);
                if state.is_closed() {
                    // Turned over meanwhile, the position may be more than it was for.
                    self.leave_instead(&request, effects);
                }
            }
            Some(_) => self.keep_to_what_was_judged(symbol, fill.side, effects),
            None => {}
        }
        self.tend(symbol, effects);
    }

    /// Counts a fill towards its order.
    fn count_filled(&mut self, fill: &Fill, effects: &mut Vec<Effect>) {
        let symbol = fill.symbol;
        let position = self.portfolio.position(symbol).quantity();
        let Some(tracked) = fill.order.and_then(|order| self.orders.get_mut(order)) else {
            let name = self.instrument(symbol).symbol;
            let message = format!(
                "{name}: trade {} is of no order of ours ({:?} {}): a liquidation, or another client of the \
                 account; it counts",
                fill.trade,
                fill.side,
                self.instrument(symbol).quantity(fill.quantity)
            );
            alert(effects, Severity::Critical, Some(symbol), message);
            return;
        };
        let order = &mut tracked.order;
        order.filled += fill.quantity;
        order.filled_value += i128::from(fill.price.0) * i128::from(fill.quantity.0);
        order.updated = self.now;
        let (request, believed) = (order.request, order.state);
        // A close-position order takes what the position is when it triggers, not what it was.
        let complete = if request.close_position {
            position.signum() * request.side.sign() >= 0
        } else {
            order.filled >= request.quantity
        };
        if !request.close_position && order.filled > request.quantity {
            let message = format!(
                "{}: the venue filled {} lots of {} asked; its word counts",
                request.client_id, order.filled.0, request.quantity.0
            );
            alert(effects, Severity::Critical, Some(symbol), message);
        }
        let trigger = if complete { Trigger::FillAll } else { Trigger::FillPart };
        if matches!(believed, OrderState::Denied | OrderState::Rejected | OrderState::NotAccepted) {
            self.proof_failed(&request, believed, effects);
        }
        if let Some((_, OrderState::PartiallyFilled)) =
            self.move_order(request.id, trigger, effects)
            && (!believed.is_working() || request.purpose.protects())
        {
            // Nobody waits for the rest of it any more; or it may have closed all that there was, and what is
            // held now came with a fill that was told before.
            self.ask_soon(request.id, effects);
        }
    }

    /// An order filled that could not: people are told, and the journal.
    fn proof_failed(
        &self,
        request: &OrderRequest,
        believed: OrderState,
        effects: &mut Vec<Effect>,
    ) {
        effects.push(Effect::Record(Record::ProofFailed { order: request.id, believed }));
        let message = format!(
            "{}: the venue filled an order that was {believed}: what was believed of it is wrong, the fill \
             counts; compare `positions` and `orders` with the venue's own page",
            request.client_id
        );
        alert(effects, Severity::Critical, Some(request.symbol), message);
    }

    /// An order left the book. While fills of it are still to be told it works on for us, so that nothing is
    /// sent in its place: what it opened counts, and nobody knows yet how much that is.
    fn on_removed(&mut self, order: OrderId, removed: Removed, effects: &mut Vec<Effect>) {
        let Some(tracked) = self.orders.get_mut(order) else {
            return;
        };
        if tracked.order.state.is_working() && removed.filled > tracked.order.filled {
            if tracked.removed.replace(removed).is_none() {
                self.ask_soon(order, effects);
            }
            return;
        }
        let purpose = tracked.order.request.purpose;
        let trigger = match removed.removal {
            Removal::Canceled => Trigger::Cancel,
            Removal::Expired => Trigger::Expire,
        };
        if let Some((symbol, _)) = self.move_order(order, trigger, effects) {
            if !purpose.protects() {
                self.on_not_taken(order, symbol, effects);
            }
            self.tend(symbol, effects);
        }
    }

    /// Moves an order by the table. An illegal move leaves it where it is and tells people; an order
    /// that ended and is told of again (a duplicate report) is no reason for alarm.
    pub(super) fn move_order(
        &mut self,
        order: OrderId,
        trigger: Trigger,
        effects: &mut Vec<Effect>,
    ) -> Option<(SymbolId, OrderState)> {
        let symbol = self.orders.get(order)?.order.request.symbol;
        match self.orders.apply(order, trigger, self.now) {
            Ok(state) => Some((symbol, state)),
            Err(illegal) if illegal.from.is_closed() => None,
            Err(illegal) => {
                let message = format!("order {order}: {illegal}; it stays as it is");
                alert(effects, Severity::Warning, Some(symbol), message);
                None
            }
        }
    }

    /// Asks the venue what became of an order whose outcome was lost with a restart.
    pub(super) fn lose_track(&mut self, order: OrderId, effects: &mut Vec<Effect>) {
        self.on_outcome(order, SubmitOutcome::Unknown(UnknownCause::Timeout), effects);
    }

    /// Whether a symbol's position is zero and the venue says so too.
    pub(super) fn is_proven_flat(&self, symbol: SymbolId) -> bool {
        self.portfolio.position(symbol).quantity() == QtyLots::ZERO
            && self.symbols[symbol.index()].verification.since.is_none()
    }
}
