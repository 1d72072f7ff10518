//! From a market event to an order in the venue's hands, its intent durable on the way.
//!
//! The clock starts when the desk takes in the trade that closes a bar. It stops when the paper venue
//! has taken the order: after book and bar, snapshot, agent, sizing, gate, record, hash and commit.
//! After each order the same bytes that its commit wrote are written to a file beside the database
//! and synced: what the disk alone takes, at the same moment and under the same load.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use sapphire_engine::Engine;
use sapphire_engine::effect::Alert;
use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::journal::{Link, Record};
use sapphire_engine::market::MarketEvent;
use sapphire_engine::order::{OrderRequest, Purpose};
use sapphire_engine::risk::Approved;
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::VenueReport;
use sapphire_trader::desk::{Assembly, Desk, Parts, Witness};
use sapphire_trader::market::FeedEvent;
use sapphire_trader::store::{
    ChainedJournal, JournalSink, MemoryJournal, SqliteJournal, StoreError,
};
use sapphire_trader::venue::Venue;

use crate::Failure;
use crate::measured::{Measured, Series, Unit};
use crate::speed::Journal;

/// Runs over the data; each gives a few hundred orders.
const RUNS: usize = 9;
/// What the floor's file holds before the first write, so that no write makes it longer: SQLite's
/// log does not grow after its first checkpoint either.
const FLOOR_FILE: usize = 8 << 20;

/// When what is going on began; shared by those who look at the desk from its sides.
#[derive(Debug, Default)]
struct Stopwatch {
    event: Cell<Option<Instant>>,
    bar: Cell<Option<Instant>>,
    samples: RefCell<Vec<Duration>>,
}

/// The bar's agents are asked within the step of the event that closed it.
#[derive(Debug)]
struct OnBar(Rc<Stopwatch>);

impl Witness for OnBar {
    fn record(&mut self, _: Timestamp, _: Link, _: &Record, _: &Engine) {}
    fn market(&mut self, _: Timestamp, _: SymbolId, _: &MarketEvent<'_>, _: &Engine) {}
    fn bar(&mut self, _: Timestamp, _: SymbolId, _: &Engine) {
        self.0.bar.set(self.0.event.get());
    }
    fn sends(&mut self) {}
    fn alert(&mut self, _: Timestamp, _: &Alert) {}
}

/// A venue that looks at the clock when it has taken an entry.
#[derive(Debug)]
struct Timed<V> {
    venue: V,
    watch: Rc<Stopwatch>,
}

impl<V: Venue> Venue for Timed<V> {
    fn submit(&mut self, at: Timestamp, order: Approved<OrderRequest>) {
        let purpose = order.get().purpose;
        self.venue.submit(at, order);
        if let (Purpose::Entry, Some(began)) = (purpose, self.watch.bar.get()) {
            self.watch.samples.borrow_mut().push(began.elapsed());
        }
    }
    fn cancel(&mut self, at: Timestamp, symbol: SymbolId, order: OrderId) {
        self.venue.cancel(at, symbol, order);
    }
    fn query_order(&mut self, at: Timestamp, symbol: SymbolId, order: OrderId) {
        self.venue.query_order(at, symbol, order);
    }
    fn query_position(&mut self, at: Timestamp, symbol: SymbolId) {
        self.venue.query_position(at, symbol);
    }
    fn next_due(&self) -> Option<Timestamp> {
        self.venue.next_due()
    }
    fn advance(&mut self, now: Timestamp, reports: &mut Vec<(Timestamp, VenueReport)>) {
        self.venue.advance(now, reports);
    }
    fn on_market(&mut self, at: Timestamp, symbol: SymbolId, event: &FeedEvent<'_>) {
        self.venue.on_market(at, symbol, event);
    }
}

/// A journal that remembers how many records it held at each flush.
#[derive(Debug)]
struct Counted<J> {
    journal: J,
    flushes: Vec<u64>,
}

impl<J: JournalSink> JournalSink for Counted<J> {
    fn append(&mut self, at: Timestamp, record: &Record) -> Result<Link, StoreError> {
        self.journal.append(at, record)
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        self.flushes.push(self.journal.head().sequence);
        self.journal.flush()
    }
    fn head(&self) -> Link {
        self.journal.head()
    }
}

/// What the disk alone takes.
#[derive(Debug)]
struct Floor {
    file: File,
    position: usize,
    samples: Vec<Duration>,
}

impl Floor {
    fn beside(folder: &Path) -> Result<Self, Failure> {
        let mut file = File::create(folder.join("floor"))?;
        file.write_all(&vec![0; FLOOR_FILE])?;
        file.sync_all()?;
        Ok(Self { file, position: FLOOR_FILE, samples: Vec::new() })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.position + bytes.len() > FLOOR_FILE {
            self.file.seek(SeekFrom::Start(0))?;
            self.position = 0;
        }
        let began = Instant::now();
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        self.samples.push(began.elapsed());
        self.position += bytes.len();
        Ok(())
    }
}

/// Measures every entry of a desk, over several runs.
pub(crate) fn measure(assembly: &Assembly, journal: Journal) -> Result<Measured, Failure> {
    let payloads = commits(assembly)?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (mut p50, mut p99, mut worst) = (Vec::new(), Vec::new(), Vec::new());
    let (mut floor50, mut floor99, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut orders = 0;
    for number in 0..RUNS {
        let run = assembly.started(0)?.config.run;
        let (mut samples, floor) = if journal == Journal::Sqlite {
            let mut journal = SqliteJournal::open(&folder.path().join(format!("{number}.db")))?;
            journal.begin(run);
            work(assembly, journal, Some((Floor::beside(folder.path())?, &payloads)))?
        } else {
            work(assembly, ChainedJournal::new(run), None)?
        };
        orders += samples.len();
        let middle = percentile(&mut samples, 50)?;
        p50.push(middle);
        p99.push(percentile(&mut samples, 99)?);
        worst.push(percentile(&mut samples, 100)?);
        if let Some(mut floor) = floor {
            let least = percentile(&mut floor, 50)?;
            ratios.push(middle / least);
            floor50.push(least);
            floor99.push(percentile(&mut floor, 99)?);
        }
    }
    let series = |what: &str, unit, values: Vec<f64>| {
        (!values.is_empty()).then(|| Series { what: what.to_owned(), unit, values })
    };
    let all = [
        series("p99", Unit::Seconds, p99),
        series("p50", Unit::Seconds, p50),
        series("max", Unit::Seconds, worst),
        series("floor's p50", Unit::Seconds, floor50),
        series("floor's p99", Unit::Seconds, floor99),
        series("p50 over the floor's", Unit::Times, ratios),
    ];
    let bytes: usize = payloads.iter().map(Vec::len).sum();
    let facts =
        [("orders", orders.to_string()), ("bytes", (bytes / payloads.len().max(1)).to_string())];
    Ok(Measured {
        series: all.into_iter().flatten().collect(),
        facts: facts.map(|(name, value)| (name.to_owned(), value)).into(),
        peak_kib: None,
    })
}

/// The bytes of each commit: the same in every run, since the desk decides the same.
fn commits(assembly: &Assembly) -> Result<Vec<Vec<u8>>, Failure> {
    let started = assembly.started(0)?;
    let run = started.config.run;
    let parts = assembly.parts(run, started.config.policy.clone())?;
    let journal = Counted { journal: MemoryJournal::new(run), flushes: Vec::new() };
    let mut desk = Desk::open(parts, started, journal, ())?;
    while desk.advance()? {}
    let (Counted { journal, flushes }, ()) = desk.into_journal_and_witness();
    let mut records = journal.records();
    let mut done = 0;
    let mut commits = Vec::with_capacity(flushes.len());
    for until in flushes {
        let count = usize::try_from(until - done)?;
        commits.push(records.by_ref().take(count).flat_map(|r| r.payload.into_owned()).collect());
        done = until;
    }
    Ok(commits)
}

type Samples = (Vec<Duration>, Option<Vec<Duration>>);

fn work<J: JournalSink>(
    assembly: &Assembly,
    journal: J,
    mut floor: Option<(Floor, &[Vec<u8>])>,
) -> Result<Samples, Failure> {
    let started = assembly.started(0)?;
    let parts = assembly.parts(started.config.run, started.config.policy.clone())?;
    let watch = Rc::new(Stopwatch::default());
    let Parts { engine, venue, roster, feed } = parts;
    let venue = Timed { venue, watch: Rc::clone(&watch) };
    let parts = Parts { engine, venue, roster, feed };
    let journal = Counted { journal, flushes: Vec::new() };
    let mut desk = Desk::open(parts, started, journal, OnBar(Rc::clone(&watch)))?;
    let mut seen = 0;
    loop {
        watch.event.set(Some(Instant::now()));
        if !desk.advance()? {
            break;
        }
        let orders = watch.samples.borrow().len();
        if orders > seen {
            seen = orders;
            if let Some((floor, payloads)) = &mut floor {
                let commit = desk.journal().flushes.len().saturating_sub(1);
                floor.write(payloads.get(commit).ok_or("a run differs from the one before it")?)?;
            }
        }
    }
    let samples = watch.samples.take();
    Ok((samples, floor.map(|(floor, _)| floor.samples)))
}

/// In seconds. The hundredth is the greatest.
fn percentile(samples: &mut [Duration], percent: usize) -> Result<f64, Failure> {
    samples.sort_unstable();
    let place = (samples.len() * percent).div_ceil(100).max(1) - 1;
    let sample = samples.get(place).ok_or("void: the desk sent no order")?;
    Ok(sample.as_secs_f64())
}
