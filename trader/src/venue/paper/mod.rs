//! The paper venue: a simulated exchange behind the [`Venue`] trait, with latency and scripted
//! faults.
//!
//! A request travels for a while, the [`Exchange`] answers, and the answer travels back; so does
//! what the exchange pushes: fills, removals, funding, and its own word on a position after every
//! fill. Time stands still between calls and nothing is drawn from outside, so the same
//! configuration, market and requests give the same reports, byte for byte.
//!
//! Answers and pushes come by different ways, as they do at the real exchange: with jitter a fill may
//! arrive before the acknowledgement of its order.

mod config;
mod faults;
mod network;
#[cfg(test)]
mod tests;
mod timeline;

use std::collections::BTreeMap;

use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::{QtyLots, SymbolId};
use sapphire_engine::order::{OrderRequest, Purpose};
use sapphire_engine::risk::Approved;
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{
    Fill, SubmitOutcome, UnknownCause, VenueCode, VenueOrderState, VenueReport,
};
use sapphire_matching::{AccountId, ClientId, Event, Exchange, Execution, NewOrder};

pub use config::{Fault, FaultKind, FaultTrigger, Latency, PaperConfig, PaperConfigError};
pub use sapphire_matching::{Feed, Funding, Listing, TriggerBy};

use self::faults::FaultScript;
use self::network::Network;
use self::timeline::Timeline;
use super::Venue;
use crate::market::FeedEvent;

/// A simulated exchange with one account, seen through a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperVenue {
    exchange: Exchange,
    account: AccountId,
    network: Network,
    faults: FaultScript,
    timeout: Span,
    requests: Timeline<Request>,
    reports: Timeline<VenueReport>,
    /// What was handed over, by our number.
    sent: BTreeMap<OrderId, Sent>,
    /// Our numbers, by the exchange's, which count from 1.
    accepted: Vec<OrderId>,
    /// A fill that waits for the one that follows it.
    held_back: Option<Fill>,
}

/// An order that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent {
    client: ClientId,
    purpose: Purpose,
}

/// What is on its way to the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Submit {
        request: OrderRequest,
        answered: bool,
        refused: Option<VenueCode>,
    },
    Cancel {
        order: OrderId,
        answered: bool,
        refused: Option<VenueCode>,
    },
    QueryOrder {
        order: OrderId,
    },
    QueryPosition {
        symbol: SymbolId,
    },
    /// Not a request: the end of a held-back fill's patience.
    Release(Fill),
}

impl PaperVenue {
    /// A venue before its first event.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    pub fn new(config: &PaperConfig) -> Result<Self, Vec<PaperConfigError>> {
        config.validate()?;
        let mut exchange = Exchange::new(config.instruments.clone(), config.rules())
            .map_err(|errors| errors.into_iter().map(Into::into).collect::<Vec<_>>())?;
        let account = exchange.open_account(config.balance);
        Ok(Self {
            exchange,
            account,
            network: Network::new(config.latency, config.seed),
            faults: FaultScript::new(&config.faults),
            timeout: config.timeout,
            requests: Timeline::new(),
            reports: Timeline::new(),
            sent: BTreeMap::new(),
            accepted: Vec::new(),
            held_back: None,
        })
    }

    /// The exchange behind it, for what only it knows: wallet, equity, margin, liquidation price.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The desk's account there.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    fn hand_over(&mut self, at: Timestamp, request: &OrderRequest) {
        let OrderRequest { id, symbol, purpose, .. } = *request;
        let outcome = |outcome| VenueReport::Submit { order: id, outcome };
        if at > request.expires {
            self.reports.push(at, outcome(SubmitOutcome::NotSent));
            return;
        }
        self.sent.insert(id, Sent { client: request.client_id.into(), purpose });
        let fault = self.faults.strike(FaultTrigger::Submit, symbol, Some(purpose));
        if fault == Some(FaultKind::NeverSent) {
            self.reports.push(at, outcome(SubmitOutcome::NotSent));
            return;
        }
        let lost = fault == Some(FaultKind::RequestLost);
        let answered = fault != Some(FaultKind::AckLost);
        if lost || !answered {
            let unknown = outcome(SubmitOutcome::Unknown(UnknownCause::Timeout));
            self.reports.push(at + self.timeout, unknown);
        }
        if !lost {
            let refused = refusal(fault);
            let due = self.network.request(at);
            self.requests.push(due, Request::Submit { request: *request, answered, refused });
        }
    }

    /// Does what is due at the venue by `now`: requests that have arrived, and the exchange's own
    /// business.
    fn settle(&mut self, now: Timestamp) {
        loop {
            let own = self.exchange.next_due().filter(|&due| due <= now);
            let arrival = self.requests.next_due().filter(|&due| due <= now);
            match (own, arrival) {
                (Some(own), arrival) if arrival.is_none_or(|arrival| own <= arrival) => {
                    self.exchange.advance(own);
                    self.tell(true);
                }
                (_, Some(arrival)) => {
                    if let Some((at, request)) = self.requests.pop_due(arrival) {
                        self.handle(at, request);
                    }
                }
                (_, None) => return,
            }
        }
    }

    fn handle(&mut self, at: Timestamp, request: Request) {
        match request {
            Request::Submit { request, answered, refused } => {
                let result = match refused {
                    Some(code) => Err(code),
                    None => self.exchange.place(at, self.account, &new_order(&request)),
                };
                let outcome = match result {
                    Ok(_) => {
                        self.accepted.push(request.id);
                        SubmitOutcome::Accepted
                    }
                    Err(code) => SubmitOutcome::Refused(code),
                };
                if answered {
                    let due = self.network.answer(at);
                    self.reports.push(due, VenueReport::Submit { order: request.id, outcome });
                }
                self.tell(true);
            }
            Request::Cancel { order, answered, refused } => {
                let result = match (refused, self.sent.get(&order)) {
                    (Some(code), _) => Err(code),
                    (None, Some(sent)) => self.exchange.cancel(at, self.account, sent.client),
                    (None, None) => Err(VenueCode::CANCEL_REJECTED),
                };
                if let Err(code) = result
                    && answered
                {
                    let due = self.network.answer(at);
                    self.reports.push(due, VenueReport::CancelRefused { order, code });
                }
                self.tell(answered);
            }
            Request::QueryOrder { order } => self.answer_order(at, order),
            Request::QueryPosition { symbol } => {
                let due = self.network.answer(at);
                let quantity = self.position(symbol);
                self.reports.push(due, VenueReport::Position { symbol, quantity, at });
            }
            Request::Release(fill) => {
                if self.held_back == Some(fill) {
                    self.held_back = None;
                    self.reports.push(at, VenueReport::Fill(fill));
                }
            }
        }
    }

    /// Answers what became of an order. Fills that would arrive only later are told first: the
    /// answer of the real exchange comes with them.
    fn answer_order(&mut self, at: Timestamp, order: OrderId) {
        let status = (self.sent.get(&order))
            .and_then(|sent| self.exchange.order_status(self.account, sent.client));
        let due = self.network.answer(at);
        let under_way = self.reports.after(due).filter_map(|report| match report {
            VenueReport::Fill(fill) => Some(*fill),
            _ => None,
        });
        let untold: Vec<Fill> =
            under_way.chain(self.held_back).filter(|fill| fill.order == Some(order)).collect();
        for fill in untold {
            self.reports.push(due, VenueReport::Fill(fill));
        }
        let (state, filled) = status.map_or((VenueOrderState::Absent, QtyLots::ZERO), |status| {
            (status.state, status.filled)
        });
        self.reports.push(due, VenueReport::OrderStatus { order, state, filled, at });
    }

    fn position(&self, symbol: SymbolId) -> QtyLots {
        let holding = self.exchange.holding(self.account, symbol);
        holding.map_or(QtyLots::ZERO, |holding| holding.position.quantity)
    }

    /// Pushes what the exchange has to tell; without its removals where their telling is lost.
    fn tell(&mut self, removals: bool) {
        if !self.exchange.has_events() {
            return;
        }
        let events: Vec<Event> = self.exchange.drain_events().collect();
        for event in events {
            match event {
                Event::Fill(execution) => self.tell_fill(&execution),
                Event::Removed { order, removal, filled, at, .. } => {
                    let order = self.our_number(order.0);
                    if let Some(order) = order
                        && removals
                    {
                        let due = self.network.push(at);
                        self.reports.push(due, VenueReport::Removed { order, removal, filled });
                    }
                }
                Event::Funding { symbol, amount, at, .. } => {
                    let due = self.network.push(at);
                    self.reports.push(due, VenueReport::Funding { symbol, amount });
                }
            }
        }
    }

    fn tell_fill(&mut self, execution: &Execution) {
        let Execution { symbol, at, .. } = *execution;
        let order = execution.order.and_then(|number| self.our_number(number.0));
        let purpose = order.and_then(|order| self.sent.get(&order)).map(|sent| sent.purpose);
        let fill = Fill {
            symbol,
            trade: execution.trade,
            order,
            side: execution.side,
            price: execution.price,
            quantity: execution.quantity,
            fee: execution.fee,
            maker: execution.maker,
            at,
        };
        let due = self.network.push(at);
        let report = VenueReport::Fill(fill);
        let follows = self.held_back.take();
        match self.faults.strike(FaultTrigger::Fill, symbol, purpose) {
            Some(FaultKind::DuplicateFill) => {
                self.reports.push(due, report);
                self.reports.push(due, report);
            }
            Some(FaultKind::LateFill(delay)) => self.reports.push(due + delay, report),
            Some(FaultKind::OutOfOrderFill) => {
                self.held_back = Some(fill);
                self.requests.push(due + self.timeout, Request::Release(fill));
            }
            _ => self.reports.push(due, report),
        }
        if let Some(earlier) = follows {
            self.reports.push(due, VenueReport::Fill(earlier));
        }
        let quantity = execution.position;
        self.reports.push(due, VenueReport::Position { symbol, quantity, at });
    }

    fn our_number(&self, number: u64) -> Option<OrderId> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        self.accepted.get(place).copied()
    }
}

impl Venue for PaperVenue {
    fn submit(&mut self, at: Timestamp, order: Approved<OrderRequest>) {
        self.hand_over(at, order.get());
    }

    fn cancel(&mut self, at: Timestamp, symbol: SymbolId, order: OrderId) {
        let purpose = self.sent.get(&order).map(|sent| sent.purpose);
        let fault = self.faults.strike(FaultTrigger::Cancel, symbol, purpose);
        if matches!(fault, Some(FaultKind::NeverSent | FaultKind::RequestLost)) {
            return;
        }
        let answered = fault != Some(FaultKind::AckLost);
        let due = self.network.request(at);
        self.requests.push(due, Request::Cancel { order, answered, refused: refusal(fault) });
    }

    fn query_order(&mut self, at: Timestamp, _symbol: SymbolId, order: OrderId) {
        let due = self.network.request(at);
        self.requests.push(due, Request::QueryOrder { order });
    }

    fn query_position(&mut self, at: Timestamp, symbol: SymbolId) {
        let due = self.network.request(at);
        self.requests.push(due, Request::QueryPosition { symbol });
    }

    fn next_due(&self) -> Option<Timestamp> {
        [self.requests.next_due(), self.reports.next_due(), self.exchange.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    fn advance(&mut self, now: Timestamp, reports: &mut Vec<(Timestamp, VenueReport)>) {
        self.settle(now);
        reports.extend(std::iter::from_fn(|| self.reports.pop_due(now)));
    }

    fn on_market(&mut self, at: Timestamp, symbol: SymbolId, event: &FeedEvent<'_>) {
        self.settle(at);
        match event {
            FeedEvent::BarOpens(bar) => self.exchange.bar_opens(at, symbol, bar.open),
            FeedEvent::BarPlays(bar) => self.exchange.bar_range(at, symbol, bar),
            FeedEvent::Market(event) => self.exchange.on_market(at, symbol, event),
        }
        self.tell(true);
    }
}

/// The code of a scripted refusal.
const fn refusal(fault: Option<FaultKind>) -> Option<VenueCode> {
    match fault {
        Some(FaultKind::Refused(code)) => Some(code),
        _ => None,
    }
}

fn new_order(request: &OrderRequest) -> NewOrder {
    NewOrder {
        client: request.client_id.into(),
        symbol: request.symbol,
        side: request.side,
        quantity: request.quantity,
        kind: request.kind,
        reduce_only: request.reduce_only,
        close_position: request.close_position,
        expires: Some(request.expires),
    }
}
