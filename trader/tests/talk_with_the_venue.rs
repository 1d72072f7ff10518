//! What passes between a desk and its venue, listened to from both ends: nothing leaves before it is
//! durable, nothing leaves twice, and a request whose fate is unknown is resolved by proof.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use rstest::rstest;
use sapphire_crds::manifest::{Request, load};
use sapphire_engine::Engine;
use sapphire_engine::effect::Alert;
use sapphire_engine::event::{Command, CommandRequest};
use sapphire_engine::ids::{CommandId, OrderId, RunId};
use sapphire_engine::instrument::{QtyLots, SymbolId};
use sapphire_engine::journal::{Link, Record};
use sapphire_engine::market::MarketEvent;
use sapphire_engine::order::{OrderRequest, OrderState, Purpose, Side};
use sapphire_engine::risk::Approved;
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{SubmitOutcome, VenueCode, VenueReport};
use sapphire_trader::config::{Environment, Plan};
use sapphire_trader::desk::{Assembly, Desk, Input, OnHalted, Witness, backtest};
use sapphire_trader::market::{FeedEvent, Recording};
use sapphire_trader::store::{JournalSink, MemoryJournal, StoreError};
use sapphire_trader::venue::Venue;
use sapphire_trader::venue::paper::{Fault, FaultKind, FaultTrigger, PaperVenue};

const BTC: SymbolId = SymbolId(0);

/// What was heard, shared by both ends.
#[derive(Debug, Default)]
struct Wire {
    appended: Cell<u64>,
    durable: Cell<u64>,
    /// Requests that left while a record was not durable.
    hasty: Cell<u32>,
    sent: RefCell<Vec<OrderRequest>>,
    cancels: Cell<u32>,
}

impl Wire {
    fn leaves(&self) {
        if self.durable.get() < self.appended.get() {
            self.hasty.set(self.hasty.get() + 1);
        }
    }
}

#[derive(Debug)]
struct Heard<T> {
    inner: T,
    wire: Rc<Wire>,
}

impl JournalSink for Heard<MemoryJournal> {
    fn append(&mut self, at: Timestamp, record: &Record) -> Result<Link, StoreError> {
        let link = self.inner.append(at, record)?;
        self.wire.appended.set(link.sequence);
        Ok(link)
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        self.inner.flush()?;
        self.wire.durable.set(self.wire.appended.get());
        Ok(())
    }
    fn head(&self) -> Link {
        self.inner.head()
    }
}

impl Venue for Heard<PaperVenue> {
    fn submit(&mut self, at: Timestamp, order: Approved<OrderRequest>) {
        self.wire.leaves();
        self.wire.sent.borrow_mut().push(*order.get());
        self.inner.submit(at, order);
    }
    fn cancel(&mut self, at: Timestamp, symbol: SymbolId, order: OrderId) {
        self.wire.leaves();
        self.wire.cancels.set(self.wire.cancels.get() + 1);
        self.inner.cancel(at, symbol, order);
    }
    fn query_order(&mut self, at: Timestamp, symbol: SymbolId, order: OrderId) {
        self.inner.query_order(at, symbol, order);
    }
    fn query_position(&mut self, at: Timestamp, symbol: SymbolId) {
        self.inner.query_position(at, symbol);
    }
    fn next_due(&self) -> Option<Timestamp> {
        self.inner.next_due()
    }
    fn advance(&mut self, now: Timestamp, reports: &mut Vec<(Timestamp, VenueReport)>) {
        self.inner.advance(now, reports);
    }
    fn on_market(&mut self, at: Timestamp, symbol: SymbolId, event: &FeedEvent<'_>) {
        self.inner.on_market(at, symbol, event);
    }
}

/// Looks at the exposure at every record while an entry's fate is unknown.
#[derive(Debug, Default)]
struct Doubt {
    looked: u32,
    understated: u32,
}

impl Witness for Doubt {
    fn record(&mut self, _: Timestamp, _: Link, _: &Record, engine: &Engine) {
        let unknown = |side| -> i64 {
            let entries = engine.working_orders().filter(|tracked| {
                let request = &tracked.order.request;
                tracked.order.state == OrderState::Unknown
                    && request.purpose == Purpose::Entry
                    && request.side == side
            });
            entries.map(|tracked| tracked.order.request.quantity.0 - tracked.order.filled.0).sum()
        };
        let (buys, sells) = (unknown(Side::Buy), unknown(Side::Sell));
        if buys + sells == 0 {
            return;
        }
        self.looked += 1;
        let position = engine.portfolio().position(BTC).quantity().0;
        let worst = (position + buys).abs().max((position - sells).abs());
        let mark = engine.portfolio().mark_price(BTC).expect("it traded");
        let notional = engine.config().instruments[0].notional(mark, QtyLots(worst));
        self.understated += u32::from(engine.exposure().0 < notional);
    }
    fn market(&mut self, _: Timestamp, _: SymbolId, _: &MarketEvent<'_>, _: &Engine) {}
    fn bar(&mut self, _: Timestamp, _: SymbolId, _: &Engine) {}
    fn sends(&mut self) {}
    fn alert(&mut self, _: Timestamp, _: &Alert) {}
}

type Listened = Desk<Heard<PaperVenue>, Heard<MemoryJournal>, Doubt>;

/// The quickstart's first bars, with a script of faults.
fn desk(bars: usize, faults: Vec<Fault>) -> (Listened, Rc<Wire>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart");
    let strategies = sapphire_agents::Strategy::catalogue().map(|strategy| strategy.name());
    let venues = ["paper.data.file", "paper.data.files"];
    let request = Request { system: None, strategies: &strategies, venues: &venues };
    let manifests = load(&[path], request).unwrap();
    let mut plan = Plan::of(&manifests, &Environment::default()).unwrap();
    plan.venue.faults = faults;
    let whole = Assembly::read(plan, |_| ()).unwrap();
    let first = &whole.recordings[0];
    let kept = first.bars().unwrap()[..bars].to_vec();
    let recording =
        Recording::of_bars(first.symbol(), whole.plan.engine.bar_interval, kept).unwrap();
    let assembly = Assembly { plan: whole.plan, recordings: vec![Arc::new(recording)] };
    let started = assembly.started(0).unwrap();
    let run = RunId(1);
    let parts = assembly.parts(run, started.config.policy.clone()).unwrap();
    let wire = Rc::new(Wire::default());
    let venue = Heard { inner: parts.venue, wire: wire.clone() };
    let parts = sapphire_trader::desk::Parts {
        engine: parts.engine,
        venue,
        roster: parts.roster,
        feed: parts.feed,
    };
    let journal = Heard { inner: MemoryJournal::new(run), wire: wire.clone() };
    (Desk::open(parts, started, journal, Doubt::default()).unwrap(), wire)
}

#[test]
fn nothing_leaves_before_everything_that_led_to_it_is_durable() {
    let (mut desk, wire) = desk(2600, Vec::new());
    backtest(&mut desk, OnHalted::Resume).unwrap();
    assert!(wire.sent.borrow().len() > 50 && wire.cancels.get() > 10);
    assert_eq!(wire.hasty.get(), 0);
}

#[test]
fn a_command_is_durable_when_it_is_answered() {
    let (mut desk, wire) = desk(300, Vec::new());
    for _ in 0..400 {
        desk.advance().unwrap();
    }
    desk.flush().unwrap();
    let (who, reason) = ("ada".to_owned(), "a test".to_owned());
    let command = Command::Halt { flatten: false };
    let command = CommandRequest { id: CommandId(1), command, who, reason };
    let before = wire.durable.get();
    let sequence = desk.inject(desk.now(), &Input::Command(command)).unwrap();
    assert!(sequence > before, "it is in the journal");
    assert!(wire.durable.get() >= sequence, "and on the disk");
    let mut records = desk.journal().inner.records();
    let stored = records.find(|stored| stored.link.sequence == sequence).unwrap();
    assert!(matches!(stored.record().unwrap(), Record::Command(_)), "it is its own record");
    let (_, last) = (stored, records.last().unwrap());
    assert!(last.link.sequence > sequence, "what the halt did follows it");
}

const SLOW: Span = Span::secs(90);

/// The data from beginning to end, with a person who resumes after each halt and closes each position
/// as soon as it is there; it has to be gone within a day.
fn closing_each_position(desk: &mut Listened) {
    let mut commands = 0;
    let mut asked = None;
    while desk.advance().unwrap() {
        let open = desk.engine().portfolio().position(BTC).quantity() != QtyLots::ZERO;
        let command = match (asked, open) {
            (Some(at), true) => {
                assert!(desk.now() - at < Span::hours(24), "asked to be closed, and still open");
                None
            }
            (_, open) => {
                asked = open.then(|| desk.now());
                open.then_some(Command::Close { symbol: BTC })
            }
        };
        let resume = desk.engine().halted_since().map(|_| Command::Resume);
        for command in command.into_iter().chain(resume) {
            commands += 1;
            let (who, reason) = ("ada".to_owned(), "a test".to_owned());
            let request = CommandRequest { id: CommandId(commands), command, who, reason };
            desk.inject(desk.now(), &Input::Command(request)).unwrap();
        }
    }
    desk.finish("the data are over").unwrap();
}

#[rstest]
fn a_scripted_fault_sends_nothing_twice_and_leaves_no_doubt(
    #[values(
        FaultKind::NeverSent,
        FaultKind::AckLost,
        FaultKind::RequestLost,
        FaultKind::Refused(VenueCode(-2019)),
        FaultKind::DuplicateFill,
        FaultKind::LateFill(SLOW),
        FaultKind::OutOfOrderFill
    )]
    kind: FaultKind,
    #[values(Purpose::Entry, Purpose::Exit, Purpose::Stop, Purpose::TakeProfit, Purpose::Flatten)]
    purpose: Purpose,
) {
    let on_fill = matches!(
        kind,
        FaultKind::DuplicateFill | FaultKind::LateFill(_) | FaultKind::OutOfOrderFill
    );
    let on = if on_fill { FaultTrigger::Fill } else { FaultTrigger::Submit };
    let faults = (1..=40)
        .step_by(3)
        .map(|nth| Fault { on, nth, symbol: None, purpose: Some(purpose), kind })
        .collect();
    let (mut desk, wire) = desk(2600, faults);
    if purpose == Purpose::Flatten {
        closing_each_position(&mut desk);
    } else {
        backtest(&mut desk, OnHalted::Resume).unwrap();
    }

    let sent = wire.sent.borrow();
    let mut names: Vec<_> = sent.iter().map(|request| request.client_id).collect();
    assert!(sent.iter().filter(|request| request.purpose == Purpose::Entry).count() > 20);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), sent.len(), "nothing is sent twice");

    let unknown = |(_, record): &(Timestamp, Record)| {
        matches!(
            record,
            Record::Venue(VenueReport::Submit { outcome: SubmitOutcome::Unknown(_), .. })
        )
    };
    let stored = desk.journal().inner.records();
    let records: Vec<_> = stored.map(|stored| (stored.at, stored.record().unwrap())).collect();
    let doubted = records.iter().filter(|record| unknown(record)).count();
    let doubts = matches!(kind, FaultKind::AckLost | FaultKind::RequestLost);
    assert_eq!(doubted > 0, doubts && sent.iter().any(|request| request.purpose == purpose));
    for tracked in desk.engine().orders() {
        assert_ne!(tracked.order.state, OrderState::Unknown, "{:?}", tracked.order);
    }
    let venue = &desk.venue().inner;
    let held = venue.exchange().holding(venue.account(), BTC).unwrap().position.quantity;
    assert_eq!(desk.engine().portfolio().position(BTC).quantity(), held, "both ends agree");
    assert_eq!(desk.witness().understated, 0, "what is unknown counts on its worse side");
    // Where only the answer is lost the fill arrives before the time-out, and there is no doubt.
    let entries_in_doubt = kind == FaultKind::RequestLost && purpose == Purpose::Entry;
    assert_eq!(desk.witness().looked > 0, entries_in_doubt);
}
