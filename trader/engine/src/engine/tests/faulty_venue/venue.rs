//! The venue, and what is under way between it and the desk.

use std::collections::BTreeMap;

use super::super::*;
use crate::venue::{Removal, UnknownCause, VenueCode, VenueOrderState};

/// Numbers that are the same for the same seed: Marsaglia's xorshift.
pub(super) struct Chance(u64);

impl Chance {
    fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 1).unwrap() % bound
    }

    pub(super) fn percent(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }
}

/// What is under way to the venue, at it, or back.
#[derive(Debug)]
enum Happening {
    Arrives(OrderRequest),
    Trades(OrderId),
    Cancels(OrderId),
    Looks(OrderId),
    Confirms,
    Tells(VenueReport),
}

/// An order as the venue has it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) request: OrderRequest,
    filled: i64,
    /// Fills of which nothing was told, until somebody asks.
    untold: Vec<Fill>,
    pub(super) state: VenueOrderState,
}

pub(super) struct Story {
    pub(super) rig: Rig,
    pub(super) chance: Chance,
    pub(super) is_faulty: bool,
    to_come: BTreeMap<(Timestamp, u64), Happening>,
    happened: u64,
    pub(super) orders: BTreeMap<OrderId, Held>,
    pub(super) position: i64,
    /// The most that any entry was to open.
    pub(super) judged: i64,
}

impl Story {
    pub(super) fn new(seed: u64) -> Self {
        let mut config = if seed.is_multiple_of(3) { delegated() } else { config() };
        config.venue.single_close_position_stop = seed.is_multiple_of(2);
        config.venue.verify_interval = Span::secs(1);
        config.venue.check_interval = Some(Span::secs(60));
        Self {
            rig: Rig::warm(config),
            chance: Chance::of(seed),
            is_faulty: true,
            to_come: BTreeMap::new(),
            happened: 0,
            orders: BTreeMap::new(),
            position: 0,
            judged: 0,
        }
    }

    /// Whether this goes wrong.
    fn fails(&mut self, percent: i64) -> bool {
        self.is_faulty && self.chance.percent(percent)
    }

    /// It happens within so many milliseconds.
    fn soon(&mut self, within: i64, happening: Happening) {
        let at = self.rig.now + Span::millis(1 + self.chance.below(within));
        self.happened += 1;
        self.to_come.insert((at, self.happened), happening);
    }

    /// Takes to the venue what the desk sends, as far as it gets there.
    pub(super) fn carry(&mut self) {
        for effect in self.rig.take() {
            match effect {
                Effect::Submit(order) => self.submit(*order.get()),
                Effect::Cancel { order, .. } if !self.fails(15) => {
                    let within = if self.is_faulty { 1_500 } else { 100 };
                    self.soon(within, Happening::Cancels(order));
                }
                Effect::Query { order, .. } if !self.fails(20) => {
                    self.soon(200, Happening::Looks(order));
                }
                Effect::VerifyPosition(_) if !self.fails(20) => self.soon(200, Happening::Confirms),
                _ => {}
            }
        }
    }

    fn submit(&mut self, request: OrderRequest) {
        if request.purpose == Purpose::Entry {
            self.judged = self.judged.max(request.quantity.0 - self.rig.position().abs().0);
        }
        let order = request.id;
        let tell = |outcome| Happening::Tells(VenueReport::Submit { order, outcome });
        let lost = SubmitOutcome::Unknown(UnknownCause::Timeout);
        let within = if self.fails(20) { 7_000 } else { 200 };
        if self.fails(6) {
            self.soon(within, tell(SubmitOutcome::NotSent));
        } else if self.fails(8) {
            self.soon(within, tell(lost));
        } else if self.fails(8) {
            self.soon(within, tell(lost));
            self.soon(4_000, Happening::Arrives(request));
        } else {
            self.soon(within, Happening::Arrives(request));
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrives(request) => self.arrive(request),
            Happening::Trades(order) => self.trade(order),
            Happening::Cancels(order) => self.cancel(order),
            Happening::Tells(report) => {
                if self.fails(5) {
                    self.soon(5_000, Happening::Tells(report));
                }
                self.rig.report(report);
            }
            Happening::Looks(order) => {
                let held = self.orders.get_mut(&order);
                let untold = held.map_or(Vec::new(), |held| std::mem::take(&mut held.untold));
                untold.into_iter().for_each(|fill| self.rig.report(VenueReport::Fill(fill)));
                let held = self.orders.get(&order);
                let (state, filled) =
                    held.map_or((VenueOrderState::Absent, 0), |held| (held.state, held.filled));
                let (filled, at) = (QtyLots(filled), self.rig.now);
                self.answer(VenueReport::OrderStatus { order, state, filled, at });
            }
            Happening::Confirms => {
                let (quantity, at) = (QtyLots(self.position), self.rig.now);
                self.answer(VenueReport::Position { symbol: BTC, quantity, at });
            }
        }
    }

    /// What was asked is answered, now or when it may have changed.
    fn answer(&mut self, report: VenueReport) {
        if self.fails(30) {
            self.soon(3_000, Happening::Tells(report));
        } else {
            self.rig.report(report);
        }
    }

    fn arrive(&mut self, request: OrderRequest) {
        let order = request.id;
        let known = self.rig.engine.order(order).map(|tracked| tracked.order.state);
        // Whose answer is lost hears nothing of it.
        let is_heard = known == Some(OrderState::Submitted);
        let against = self.position.signum() == -request.side.sign();
        let is_late = self.rig.now > request.expires;
        let is_refused = self.fails(if request.purpose.closes() { 25 } else { 10 });
        let refusal = if is_late {
            Some(VenueCode::EXPIRED_REQUEST)
        } else if request.only_reduces() && !against {
            Some(VenueCode::REDUCE_ONLY_REJECTED)
        } else if is_refused && request.purpose == Purpose::Stop && self.chance.percent(30) {
            Some(VenueCode::WOULD_TRIGGER_IMMEDIATELY)
        } else {
            is_refused.then_some(VenueCode(-4000))
        };
        let outcome = refusal.map_or(SubmitOutcome::Accepted, SubmitOutcome::Refused);
        if is_heard {
            self.soon(100, Happening::Tells(VenueReport::Submit { order, outcome }));
        }
        if refusal.is_some() {
            return;
        }
        self.orders.insert(
            order,
            Held { request, filled: 0, untold: Vec::new(), state: VenueOrderState::Open },
        );
        if request.kind.is_immediate() {
            let within = if self.is_faulty { 9_000 } else { 300 };
            self.soon(within, Happening::Trades(order));
        }
    }

    fn trade(&mut self, order: OrderId) {
        let in_parts = self.fails(30);
        let Some(held) = self.orders.get_mut(&order) else { return };
        if held.state != VenueOrderState::Open {
            return;
        }
        let request = held.request;
        let against = self.position.signum() == -request.side.sign();
        let left = match (request.only_reduces(), against) {
            (false, _) => request.quantity.0 - held.filled,
            (true, true) if request.close_position => self.position.abs(),
            (true, true) => (request.quantity.0 - held.filled).min(self.position.abs()),
            (true, false) => 0,
        };
        if left == 0 {
            held.state = VenueOrderState::Expired;
            let filled = QtyLots(held.filled);
            return self.tell_expired(order, filled);
        }
        let quantity = if in_parts && left > 1 { 1 + self.chance.below(left - 1) } else { left };
        held.filled += quantity;
        if quantity == left {
            held.state = VenueOrderState::Filled;
        }
        self.position += quantity * request.side.sign();
        self.tell_fill(&request, quantity);
        if quantity < left {
            self.soon(3_000, Happening::Trades(order));
        }
        if self.position == 0 {
            self.drop_protection();
        }
    }

    fn tell_fill(&mut self, request: &OrderRequest, quantity: i64) {
        self.rig.next_trade += 1;
        let fill = Fill {
            symbol: BTC,
            trade: TradeId(self.rig.next_trade),
            order: Some(request.id),
            side: request.side,
            price: PriceTicks(500_000),
            quantity: QtyLots(quantity),
            fee: Amount::ZERO,
            maker: false,
            at: self.rig.now,
        };
        if self.fails(5)
            && let Some(held) = self.orders.get_mut(&request.id)
        {
            return held.untold.push(fill);
        }
        let within = if self.fails(15) { 6_000 } else { 100 };
        self.soon(within, Happening::Tells(VenueReport::Fill(fill)));
    }

    fn tell_expired(&mut self, order: OrderId, filled: QtyLots) {
        if !self.fails(10) {
            let removed = VenueReport::Removed { order, removal: Removal::Expired, filled };
            self.soon(200, Happening::Tells(removed));
        }
    }

    /// What stands to protect a position.
    fn protective(&self) -> Vec<OrderId> {
        let protects =
            |held: &Held| held.state == VenueOrderState::Open && held.request.purpose.protects();
        self.orders.iter().filter(|(_, held)| protects(held)).map(|(id, _)| *id).collect()
    }

    /// The market comes to where a stop is.
    pub(super) fn fire(&mut self) {
        if let Some(stop) = self.protective().first().copied() {
            self.soon(3_000, Happening::Trades(stop));
        }
    }

    /// What protects a position may go with it, or stay.
    fn drop_protection(&mut self) {
        for order in self.protective() {
            if self.chance.percent(50) {
                self.expire(order);
            }
        }
    }

    /// The venue takes away what stands, whatever it protects.
    pub(super) fn take_stop(&mut self) {
        if let Some(stop) = self.protective().first().copied() {
            self.expire(stop);
        }
    }

    fn expire(&mut self, order: OrderId) {
        let filled = self.end(order, VenueOrderState::Expired);
        self.tell_expired(order, filled);
    }

    fn cancel(&mut self, order: OrderId) {
        if self.orders.get(&order).is_none_or(|held| held.state != VenueOrderState::Open) {
            let code = VenueCode::CANCEL_REJECTED;
            return self.soon(100, Happening::Tells(VenueReport::CancelRefused { order, code }));
        }
        let filled = self.end(order, VenueOrderState::Canceled);
        if !self.fails(10) {
            let removed = VenueReport::Removed { order, removal: Removal::Canceled, filled };
            self.soon(100, Happening::Tells(removed));
        }
    }

    /// Ends an order, and gives what it had filled.
    fn end(&mut self, order: OrderId, state: VenueOrderState) -> QtyLots {
        self.orders.get_mut(&order).map_or(QtyLots::ZERO, |held| {
            held.state = state;
            QtyLots(held.filled)
        })
    }

    /// Time passes, and what is due in it happens in its order.
    pub(super) fn pass(&mut self, span: Span) {
        let until = self.rig.now + span;
        loop {
            self.carry();
            self.rig.timers.sort();
            let timer = self.rig.timers.first().map(|timer| timer.0);
            let venue = self.to_come.first_key_value().map(|(key, _)| key.0);
            let Some(next) = venue.into_iter().chain(timer).min().filter(|next| *next <= until)
            else {
                break;
            };
            self.rig.now = self.rig.now.max(next);
            if venue == Some(next) {
                if let Some((_, happening)) = self.to_come.pop_first() {
                    self.happen(happening);
                }
            } else {
                let (_, timer) = self.rig.timers.remove(0);
                self.rig.event(EventKind::Timer(timer));
            }
        }
        self.rig.now = until;
    }

    /// A bar closes, after a time that leaves much under way.
    pub(super) fn bar(&mut self) {
        let open_time = self.rig.now;
        let lasts = Span::millis(4_000 + self.chance.below(8_000));
        self.pass(lasts);
        self.rig.closes(open_time, 500_000);
        self.carry();
    }

    /// The desk is told something, and told otherwise a while later.
    pub(super) fn for_a_while(&mut self, begins: impl Fn(&mut Rig), ends: impl Fn(&mut Rig)) {
        begins(&mut self.rig);
        self.carry();
        let lasts = Span::millis(self.chance.below(9_000));
        self.pass(lasts);
        ends(&mut self.rig);
        self.carry();
    }
}
