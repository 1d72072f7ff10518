//! The loop: one thing after another, in event time. The same code runs a backtest, a replay and a
//! desk that somebody watches.

use sapphire_engine::Engine;
use sapphire_engine::effect::{Alert, Effect};
use sapphire_engine::event::{Event, EventKind};
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::journal::{Link, Record, RunStarted};
use sapphire_engine::market::MarketEvent;
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::VenueReport;

use super::input::Input;
use super::queue::{Due, Queue};
use super::roster::Roster;
use crate::market::{FeedEvent, MarketFeed};
use crate::store::{JournalSink, StoreError};
use crate::venue::Venue;

/// Looks on while a desk works. It is told, and changes nothing.
pub trait Witness {
    /// A record was appended.
    fn record(&mut self, at: Timestamp, link: Link, record: &Record, engine: &Engine);
    /// Market data were taken in; `engine` has seen them.
    fn market(&mut self, at: Timestamp, symbol: SymbolId, event: &MarketEvent<'_>, engine: &Engine);
    /// A symbol's bar closed; `engine` has seen it.
    fn bar(&mut self, at: Timestamp, symbol: SymbolId, engine: &Engine);
    /// An order leaves now: its intent is durable.
    fn sends(&mut self);
    /// People should know of something.
    fn alert(&mut self, at: Timestamp, alert: &Alert);
}

/// Nobody looks on.
impl Witness for () {
    #[inline]
    fn record(&mut self, _: Timestamp, _: Link, _: &Record, _: &Engine) {}
    #[inline]
    fn market(&mut self, _: Timestamp, _: SymbolId, _: &MarketEvent<'_>, _: &Engine) {}
    #[inline]
    fn bar(&mut self, _: Timestamp, _: SymbolId, _: &Engine) {}
    #[inline]
    fn sends(&mut self) {}
    #[inline]
    fn alert(&mut self, _: Timestamp, _: &Alert) {}
}

/// What a desk is put together from.
#[derive(Debug)]
pub struct Parts<V> {
    /// Before its first event.
    pub engine: Engine,
    /// Where its orders go.
    pub venue: V,
    /// Its agents.
    pub roster: Roster,
    /// Its data.
    pub feed: MarketFeed,
}

/// A desk at work.
#[derive(Debug)]
pub struct Desk<V, J, W = ()> {
    feed: MarketFeed,
    floor: Floor<V, J, W>,
}

/// Everything but the feed, whose events are borrowed while the rest works on them.
#[derive(Debug)]
struct Floor<V, J, W> {
    engine: Engine,
    venue: V,
    roster: Roster,
    queue: Queue,
    journal: J,
    witness: W,
    now: Timestamp,
    /// Steps of the engine.
    steps: u64,
    /// Records were appended since the last flush.
    unflushed: bool,
    effects: Vec<Effect>,
    reports: Vec<(Timestamp, VenueReport)>,
}

impl<V: Venue, J: JournalSink, W: Witness> Desk<V, J, W> {
    /// A desk before its first event; `started` is its journal's first record.
    ///
    /// # Errors
    /// When the journal does not take it.
    pub fn open(
        parts: Parts<V>,
        started: RunStarted,
        journal: J,
        witness: W,
    ) -> Result<Self, StoreError> {
        let Parts { engine, venue, roster, feed } = parts;
        let now = feed.peek_time().unwrap_or_default();
        let mut floor = Floor {
            engine,
            venue,
            roster,
            queue: Queue::default(),
            journal,
            witness,
            now,
            steps: 0,
            unflushed: false,
            effects: Vec::with_capacity(64),
            reports: Vec::with_capacity(16),
        };
        floor.record(&Record::RunStarted(Box::new(started)))?;
        // Event time is the only clock there is, so nothing about it is uncertain.
        floor.step(now, EventKind::ClockUncertainty(Span::ZERO))?;
        Ok(Self { feed, floor })
    }

    /// When the next thing happens; `None` when the data are over. What is on its way then arrives
    /// with [`finish`](Self::finish).
    #[inline]
    pub fn next_time(&self) -> Option<Timestamp> {
        let feed = self.feed.peek_time()?;
        Some(self.floor.next_due().map_or(feed, |due| due.min(feed)))
    }

    /// Does the next thing. Returns `false` when the data are over.
    ///
    /// # Errors
    /// When the journal does not take a record; nothing is sent then, and the desk must not go on.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, StoreError> {
        let Some(feed) = self.feed.peek_time() else { return Ok(false) };
        if self.floor.next_due().is_some_and(|due| due < feed) {
            self.floor.do_what_is_due()?;
        } else if let Some((at, symbol, event)) = self.feed.next() {
            self.floor.take(at, symbol, event)?;
        }
        Ok(true)
    }

    /// Lets what is on its way arrive, without new data.
    fn settle(&mut self) -> Result<(), StoreError> {
        /// What is not there after this long, nothing but new data could bring.
        const PATIENCE: Span = Span::secs(60);
        let until = self.floor.now + PATIENCE;
        self.floor.catch_up(self.feed.peek_time().map_or(until, |feed| until.min(feed)))
    }

    /// Takes in something from outside of the data, at `at` or, if that is past, now; everything
    /// due by then comes first. It is durable when this returns, and a policy acts whole. Returns the
    /// number of its record.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn inject(&mut self, at: Timestamp, input: &Input) -> Result<u64, StoreError> {
        let limit = self.feed.peek_time().unwrap_or(at);
        let at = at.min(limit).max(self.floor.now);
        self.floor.catch_up(at)?;
        self.floor.now = at;
        let cursor = self.floor.record(&Record::Cursor { events: self.feed.position() })?;
        if let Some(record) = input.record() {
            self.floor.record(&record)?;
        }
        if let Some(event) = input.event() {
            self.floor.step(at, event)?;
        }
        self.floor.flush()?;
        if let Input::Policy(change) = input {
            let durable = EventKind::PolicyDurable { generation: change.generation };
            self.floor.step(at, durable)?;
        }
        // What came in follows its cursor at once, and what follows from it comes after.
        Ok(cursor.sequence + 1)
    }

    /// Ends the run: lets what is on its way arrive, and says why it is over. The next start
    /// begins a new one.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn finish(&mut self, reason: &str) -> Result<(), StoreError> {
        self.settle()?;
        self.inject(self.floor.now, &Input::Finished(reason.to_owned())).map(drop)
    }

    /// Makes everything recorded so far durable.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.floor.flush()
    }

    /// The engine, to look at.
    pub const fn engine(&self) -> &Engine {
        &self.floor.engine
    }

    /// The data, to look at.
    pub const fn feed(&self) -> &MarketFeed {
        &self.feed
    }

    /// The venue, to look at.
    pub const fn venue(&self) -> &V {
        &self.floor.venue
    }

    /// The journal.
    pub const fn journal(&self) -> &J {
        &self.floor.journal
    }

    /// Who looks on.
    pub const fn witness(&self) -> &W {
        &self.floor.witness
    }

    /// Who looks on.
    pub const fn witness_mut(&mut self) -> &mut W {
        &mut self.floor.witness
    }

    /// Who looks on, and what there is to look at.
    pub const fn witness_and_view(&mut self) -> (&mut W, &Engine, &mut J) {
        (&mut self.floor.witness, &self.floor.engine, &mut self.floor.journal)
    }

    /// Event time.
    pub const fn now(&self) -> Timestamp {
        self.floor.now
    }

    /// Steps that the engine has taken.
    pub const fn steps(&self) -> u64 {
        self.floor.steps
    }

    /// The journal and the witness, when the desk is no longer needed.
    pub fn into_journal_and_witness(self) -> (J, W) {
        (self.floor.journal, self.floor.witness)
    }
}

impl<V: Venue, J: JournalSink, W: Witness> Floor<V, J, W> {
    #[inline]
    fn next_due(&self) -> Option<Timestamp> {
        match (self.venue.next_due(), self.queue.next_due()) {
            (Some(venue), Some(queue)) => Some(venue.min(queue)),
            (venue, queue) => venue.or(queue),
        }
    }

    /// The next thing that is due: the venue's first, then what waits here.
    fn do_what_is_due(&mut self) -> Result<(), StoreError> {
        match (self.venue.next_due(), self.queue.next_due()) {
            (Some(venue), queue) if queue.is_none_or(|queue| venue <= queue) => {
                self.hear_venue(venue)
            }
            _ => match self.queue.take() {
                Some((at, Due::Timer(timer))) => self.step(at, EventKind::Timer(timer)),
                Some((at, Due::Opinion(opinion))) => self.step(at, EventKind::Opinion(&opinion)),
                None => Ok(()),
            },
        }
    }

    #[inline]
    fn catch_up(&mut self, until: Timestamp) -> Result<(), StoreError> {
        while self.next_due().is_some_and(|due| due <= until) {
            self.do_what_is_due()?;
        }
        Ok(())
    }

    fn hear_venue(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut reports = std::mem::take(&mut self.reports);
        self.venue.advance(now, &mut reports);
        let heard = reports
            .iter()
            .try_for_each(|(at, report)| self.step((*at).max(self.now), EventKind::Venue(report)));
        reports.clear();
        self.reports = reports;
        heard
    }

    /// An event of the feed. What is due before it has happened.
    #[inline]
    fn take(
        &mut self,
        at: Timestamp,
        symbol: SymbolId,
        event: FeedEvent<'_>,
    ) -> Result<(), StoreError> {
        self.catch_up(at)?;
        self.now = at;
        self.venue.on_market(at, symbol, &event);
        self.catch_up(at)?;
        match event {
            FeedEvent::Market(event) => self.tell(at, symbol, event),
            FeedEvent::BarOpens(_) | FeedEvent::BarPlays(_) => Ok(()),
        }
    }

    #[inline]
    fn tell(
        &mut self,
        at: Timestamp,
        symbol: SymbolId,
        event: MarketEvent<'_>,
    ) -> Result<(), StoreError> {
        self.step(at, EventKind::Market(symbol, event))?;
        self.witness.market(at, symbol, &event, &self.engine);
        Ok(())
    }

    #[inline]
    fn step(&mut self, at: Timestamp, kind: EventKind<'_>) -> Result<(), StoreError> {
        self.now = at;
        self.steps += 1;
        let mut effects = std::mem::take(&mut self.effects);
        self.engine.step(&Event { at, kind }, &mut effects);
        let performed = self.perform(&mut effects);
        effects.clear();
        self.effects = effects;
        performed
    }

    /// Performs a step's effects in order, but records all that happened first: one commit then
    /// makes every intent of the step durable before the first of its orders leaves.
    fn perform(&mut self, effects: &mut Vec<Effect>) -> Result<(), StoreError> {
        let mut sends = false;
        for effect in &*effects {
            match effect {
                Effect::Record(record) => drop(self.record(record)?),
                Effect::Submit(_) | Effect::Cancel { .. } => sends = true,
                _ => {}
            }
        }
        if sends {
            self.flush()?;
        }
        effects.drain(..).for_each(|effect| self.act(effect));
        Ok(())
    }

    fn act(&mut self, effect: Effect) {
        let now = self.now;
        match effect {
            Effect::Record(_) => {}
            Effect::Submit(order) => {
                self.witness.sends();
                self.venue.submit(now, order);
            }
            Effect::Cancel { symbol, order } => self.venue.cancel(now, symbol, order),
            Effect::Query { symbol, order } => self.venue.query_order(now, symbol, order),
            Effect::VerifyPosition(symbol) => self.venue.query_position(now, symbol),
            Effect::PublishSnapshot(symbol) => {
                if let Some(snapshot) = self.engine.snapshot(symbol) {
                    let queue = &mut self.queue;
                    self.roster.ask(&snapshot, |latency, opinion| {
                        queue.put(now + latency, Due::Opinion(opinion));
                    });
                }
                self.witness.bar(now, symbol, &self.engine);
            }
            Effect::WakeAt(at, timer) => self.queue.put(at, Due::Timer(timer)),
            Effect::Alert(alert) => self.witness.alert(now, &alert),
        }
    }

    fn record(&mut self, record: &Record) -> Result<Link, StoreError> {
        let link = self.journal.append(self.now, record)?;
        self.unflushed = true;
        self.witness.record(self.now, link, record, &self.engine);
        Ok(link)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.unflushed) { self.journal.flush() } else { Ok(()) }
    }
}
