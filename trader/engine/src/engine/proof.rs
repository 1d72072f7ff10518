//! Proof instead of assumption: unknown orders are resolved, positions verified.

use crate::effect::{Effect, Severity};
use crate::event::Timer;
use crate::ids::OrderId;
use crate::instrument::{QtyLots, SymbolId};
use crate::journal::Record;
use crate::order::{Order, OrderRequest, OrderState, Pending, Purpose, Trigger};
use crate::time::{Span, Timestamp};
use crate::venue::{VenueCode, VenueOrderState};

use super::orders::Tracked;
use super::reports::RETRY;
use super::{Engine, alert};

/// A position that the venue has not confirmed for this long makes the desk reduce.
const VERIFY_WITHIN: Span = Span::secs(30);
/// Waits double up to this many times.
const DOUBLINGS: u32 = 3;
/// As many of an order that the venue has and that trades at once: where its market does not trade, nothing is
/// heard of it for long.
const DOUBLINGS_AT_THE_VENUE: u32 = 6;
/// So many of the last orders that closed a position are asked about, should one have had more to close.
const CLOSED_ASKED: usize = 4;

impl Engine {
    /// Asks about an unknown order after a first wait.
    pub(super) fn ask_soon(&mut self, order: OrderId, effects: &mut Vec<Effect>) {
        let at = self.now + self.config.venue.resolve_interval;
        effects.push(Effect::WakeAt(at, Timer::Resolve(order)));
    }

    /// Looks into an order: one whose answer never came is unknown by now; an unknown one is asked
    /// about, and again, until the venue's answer is proof.
    pub(super) fn resolve(&mut self, order: OrderId, effects: &mut Vec<Effect>) {
        let Some(tracked) = self.orders.get_mut(order) else {
            return;
        };
        match tracked.order.state {
            OrderState::Submitted => {
                let proof = tracked.order.request.expires + self.config.venue.absence_grace;
                if self.now >= proof {
                    self.lose_track(order, effects);
                }
            }
            OrderState::Unknown => self.ask(order, self.config.venue.resolve_interval, effects),
            // Fills that it had are still to be told.
            OrderState::Accepted | OrderState::PartiallyFilled if tracked.removed.is_some() => {
                self.ask(order, self.config.venue.resolve_interval, effects);
            }
            // A cancel of which nothing was heard. An entry's is sent again: that cannot do harm. Of a
            // protective order only the venue knows whether it still stands: believed to, it would take
            // the place of one that does.
            OrderState::Accepted | OrderState::PartiallyFilled
                if tracked.order.pending == Some(Pending::Cancel) =>
            {
                let symbol = tracked.order.request.symbol;
                if tracked.cancel_due.is_some_and(|due| self.now < due) {
                    return;
                }
                if tracked.order.request.purpose == Purpose::Entry {
                    effects.push(Effect::Cancel { symbol, order });
                    self.expect_cancel(order, self.config.venue.request_ttl, effects);
                } else {
                    self.ask(order, self.config.venue.request_ttl, effects);
                }
            }
            // What trades at once or not at all, and of which nothing more is heard; and what protects once it
            // was triggered.
            OrderState::Accepted | OrderState::PartiallyFilled
                if tracked.order.request.kind.is_immediate()
                    || (tracked.order.request.purpose.protects()
                        && tracked.order.state == OrderState::PartiallyFilled) =>
            {
                self.ask(order, self.config.venue.request_ttl, effects);
            }
            _ => {}
        }
    }

    /// Asks the venue about an order, and looks into it once more after a pause that grows from `first`.
    fn ask(&mut self, order: OrderId, first: Span, effects: &mut Vec<Effect>) {
        if let Some(tracked) = self.orders.get_mut(order) {
            let Order { request, state, .. } = tracked.order;
            let most = match request.kind.is_immediate() && state != OrderState::Unknown {
                true => DOUBLINGS_AT_THE_VENUE,
                false => DOUBLINGS,
            };
            let wait = doubled(first, tracked.asked, most);
            tracked.asked += 1;
            let symbol = tracked.order.request.symbol;
            effects.push(Effect::Query { symbol, order });
            effects.push(Effect::WakeAt(self.now + wait, Timer::Resolve(order)));
        }
    }

    /// Looks into a cancel when so much time has passed, if the order is still there.
    pub(super) fn expect_cancel(
        &mut self,
        order: OrderId,
        within: Span,
        effects: &mut Vec<Effect>,
    ) {
        let due = self.now + within;
        if let Some(tracked) = self.orders.get_mut(order) {
            tracked.cancel_due = Some(due);
        }
        effects.push(Effect::WakeAt(due, Timer::Resolve(order)));
    }

    /// The venue has no such order to cancel, or so it said; only its answer to a query is proof. One
    /// that it may not have had yet is cancelled once it has.
    fn on_nothing_to_cancel(&mut self, order: OrderId, effects: &mut Vec<Effect>) {
        let Some(tracked) = self.orders.get(order) else {
            return;
        };
        let Order { request, state, .. } = tracked.order;
        if !matches!(state, OrderState::Submitted | OrderState::Unknown) {
            if request.purpose.protects() {
                // In doubt, and asked about until its status is told: the first answer may be lost.
                self.expect_cancel(order, Span::ZERO, effects);
                return;
            }
            self.orders.settle_pending(order);
        } else if let Some(tracked) = self.orders.get_mut(order) {
            tracked.cancel_due = None;
        }
        let OrderRequest { symbol, purpose, .. } = request;
        effects.push(Effect::Query { symbol, order });
        if purpose == Purpose::Entry {
            // What waited for the cancel need not any more.
            self.close_if_wanted(symbol, effects);
        }
    }

    /// The venue has an order. One whose cancel came before it is cancelled now.
    pub(super) fn on_accepted(&mut self, order: OrderId, effects: &mut Vec<Effect>) {
        if let Some(Tracked { order: Order { pending, .. }, cancel_due, .. }) =
            self.orders.get(order)
            && *pending == Some(Pending::Cancel)
            && cancel_due.is_none()
        {
            self.expect_cancel(order, Span::ZERO, effects);
        }
    }

    /// A cancel was refused.
    pub(super) fn on_cancel_refused(
        &mut self,
        order: OrderId,
        code: VenueCode,
        effects: &mut Vec<Effect>,
    ) {
        let ttl = self.config.venue.request_ttl;
        let Some(tracked) = self.orders.get_mut(order) else {
            return;
        };
        if !tracked.order.state.is_working() {
            return;
        }
        if code == VenueCode::CANCEL_REJECTED {
            self.on_nothing_to_cancel(order, effects);
        } else {
            // Too many requests, a fault of a server: it says nothing of the order, which lives on.
            let pause = doubled(RETRY, tracked.cancels_refused, DOUBLINGS).min(ttl);
            tracked.cancels_refused += 1;
            self.expect_cancel(order, pause, effects);
        }
    }

    /// The venue's answer to a query. The fills that an order had were told before it.
    pub(super) fn on_order_status(
        &mut self,
        order: OrderId,
        state: VenueOrderState,
        filled: QtyLots,
        at: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(tracked) = self.orders.get(order) else {
            return;
        };
        let (known, withdrawn) = (tracked.order, tracked.withdrawn.is_some());
        let is_overdue = known.pending == Some(Pending::Cancel)
            && tracked.cancel_due.is_some_and(|due| due <= self.now);
        if !known.state.is_working() || filled > known.filled {
            // Ended already; or fills are still under way, and will say the same.
            return;
        }
        let trigger = match state {
            VenueOrderState::Open
                if matches!(known.state, OrderState::Accepted | OrderState::PartiallyFilled) =>
            {
                let is_entry = known.request.purpose == Purpose::Entry;
                if is_entry && withdrawn && known.pending.is_none() {
                    // Its cancel found nothing to cancel, and there it is.
                    self.orders.withdraw(order, self.now);
                    self.expect_cancel(order, self.config.venue.request_ttl, effects);
                }
                if known.request.purpose.protects() && is_overdue {
                    // It stands after all. The reason of its cancel may have gone meanwhile: it is decided anew.
                    self.orders.settle_pending(order);
                    self.tend(known.request.symbol, effects);
                }
                return;
            }
            VenueOrderState::Open => Trigger::Accept,
            VenueOrderState::Filled => Trigger::FillAll,
            VenueOrderState::Canceled => Trigger::Cancel,
            VenueOrderState::Expired => Trigger::Expire,
            VenueOrderState::Absent => {
                // Absence proves nothing while the request may still be on its way.
                let provable = known.request.expires + self.config.venue.absence_grace;
                match known.state {
                    _ if at <= provable => return,
                    OrderState::Unknown => Trigger::ProveAbsent,
                    // It had it, and forgets in time what ended without a fill.
                    OrderState::Accepted => Trigger::Expire,
                    _ => return,
                }
            }
        };
        if let Some((symbol, state)) = self.move_order(order, trigger, effects) {
            if state == OrderState::Accepted {
                self.on_accepted(order, effects);
            }
            let is_undone = match state {
                OrderState::NotAccepted | OrderState::Expired => true,
                OrderState::Canceled => !known.request.purpose.protects(),
                _ => false,
            };
            if is_undone {
                self.on_not_taken(order, symbol, effects);
            }
            self.tend(symbol, effects);
        }
    }

    /// From here on a position is unverified, until the venue's word agrees with ours.
    pub(super) fn doubt_position(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let verification = &mut self.symbols[symbol.index()].verification;
        verification.since = verification.since.or(Some(self.now));
        verification.asked = 0;
        let at = self.now + self.config.venue.verify_interval;
        verification.due = Some(at);
        effects.push(Effect::VerifyPosition(symbol));
        effects.push(Effect::WakeAt(at, Timer::Verify(symbol)));
    }

    /// Asks again about a position that is still unverified; and about one that is not, should the venue have lost a
    /// report of it.
    pub(super) fn verify_again(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let interval = self.config.venue.verify_interval;
        let now = self.now;
        let verification = &mut self.symbols[symbol.index()].verification;
        if verification.due.is_none_or(|due| now < due) {
            return;
        }
        let Some(since) = verification.since else {
            effects.push(Effect::VerifyPosition(symbol));
            self.ask_about_all(symbol, effects);
            self.check_later(symbol, effects);
            return;
        };
        verification.asked += 1;
        let again = now + doubled(interval, verification.asked, DOUBLINGS);
        verification.due = Some(again);
        let overdue = now - since >= VERIFY_WITHIN && !verification.failed;
        verification.failed |= overdue;
        effects.push(Effect::VerifyPosition(symbol));
        effects.push(Effect::WakeAt(again, Timer::Verify(symbol)));
        if overdue {
            let name = self.instrument(symbol).symbol;
            let message = format!(
                "{name}: the venue has not confirmed the position for {VERIFY_WITHIN}; the desk only reduces \
                 until it does: compare `positions` with the venue's own page"
            );
            alert(effects, Severity::Critical, Some(symbol), message);
            self.refresh_restraint(effects);
        }
    }

    /// Asks about a position after a while though nothing is heard of it, where the venue may lose reports.
    fn check_later(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let due = self.config.venue.check_interval.map(|interval| self.now + interval);
        self.symbols[symbol.index()].verification.due = due;
        effects.extend(due.map(|at| Effect::WakeAt(at, Timer::Verify(symbol))));
    }

    /// Asks about every order that the venue is believed to have: a fill or an end of one may not have been told. And
    /// about the last of those that close whatever is held: that one did so is our conclusion, and may have been
    /// drawn too early. Not oftener than a position is asked about, however many reports of it differ.
    fn ask_about_all(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let verification = &mut self.symbols[symbol.index()].verification;
        let pause = self.config.venue.verify_interval;
        if verification.looked.is_some_and(|looked| self.now < looked + pause) {
            return;
        }
        verification.looked = Some(self.now);
        let stands = |tracked: &&Tracked| {
            matches!(tracked.order.state, OrderState::Accepted | OrderState::PartiallyFilled)
        };
        let has_closed = |tracked: &&Tracked| {
            let Order { request, state, .. } = tracked.order;
            request.symbol == symbol && request.close_position && state == OrderState::Filled
        };
        let closed = self.orders.newest_first().filter(has_closed).take(CLOSED_ASKED);
        let all = self.orders.working_on(symbol).filter(stands).chain(closed);
        effects.extend(all.map(|of| Effect::Query { symbol, order: of.order.request.id }));
    }

    /// The venue's word on a position. Where it is another than ours, a fill is still to be told, or lost: what may have
    /// had it is asked about.
    pub(super) fn on_position(
        &mut self,
        symbol: SymbolId,
        reported: QtyLots,
        at: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let expected = self.portfolio.position(symbol).quantity();
        let verification = &mut self.symbols[symbol.index()].verification;
        let agrees = reported == expected;
        if verification.last_fill.is_some_and(|fill| at < fill) {
            // It was said before the last fill.
            return;
        }
        let doubted = verification.since.is_some();
        if agrees && !doubted {
            return;
        }
        let record = Record::PositionChecked { symbol, expected, reported, verified: agrees };
        effects.push(Effect::Record(record));
        if agrees {
            verification.since = None;
            let had_failed = std::mem::take(&mut verification.failed);
            self.check_later(symbol, effects);
            if had_failed {
                self.refresh_restraint(effects);
            }
            self.tend(symbol, effects);
        } else {
            if !doubted {
                self.doubt_position(symbol, effects);
            }
            self.ask_about_all(symbol, effects);
        }
    }
}

fn doubled(interval: Span, times: u32, most: u32) -> Span {
    Span(interval.0.saturating_mul(1 << times.min(most)))
}
