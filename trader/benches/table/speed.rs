//! How fast a desk works through recorded data, and how fast data are decoded.

use std::path::Path;
use std::time::{Duration, Instant};

use sapphire_engine::ids::RunId;
use sapphire_trader::desk::{Assembly, Desk, Halts, OnHalted, Reporter, Witness, backtest};
use sapphire_trader::market::{Reading, Recording};
use sapphire_trader::report::Surroundings;
use sapphire_trader::store::{
    ChainedJournal, JournalSink, MemoryJournal, NoJournal, SqliteJournal,
};
use sapphire_trader::venue::paper::PaperVenue;

use crate::measured::{Measured, Series, Unit};
use crate::tally::Tally;
use crate::{Failure, desk};

const RUNS: usize = 9;

/// Where records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Journal {
    /// Nowhere; they are made all the same.
    Off,
    /// Encoded and chained; only the head remains.
    Chained,
    /// In memory, and kept in SQLite at the end: what `backtest --journal` does.
    Kept,
    /// Chained, with the report that `backtest` prints: what `backtest` does.
    Reported,
    /// SQLite, durable before each order leaves: what `run` does.
    Sqlite,
}

impl Journal {
    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Chained => "chained",
            Self::Kept => "in memory, kept in SQLite at the end",
            Self::Reported => "chained, with the report",
            Self::Sqlite => "SQLite, synchronous=FULL",
        }
    }
}

/// Runs a desk over its data, again and again.
pub(crate) fn measure(
    assembly: &Assembly,
    journal: Journal,
    on_halted: OnHalted,
) -> Result<Measured, Failure> {
    let (_, desk, halts) = once(assembly, NoJournal::default(), Tally::default(), on_halted)?;
    let mut facts = desk.witness().facts(desk.engine());
    facts.insert("halts".to_owned(), halts.to_string());
    let bars = assembly.recordings.iter().map(|recording| recording.bars().map(<[_]>::len)).sum();
    let (what, unit, count) = match bars {
        Some(bars) => ("speed", Unit::Bars, bars),
        None => ("speed", Unit::Events, usize::try_from(desk.feed().position())?),
    };
    drop(desk);
    let count = f64::from(u32::try_from(count)?);
    let mut values = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        values.push(count / timed(assembly, journal, on_halted)?.as_secs_f64());
    }
    let series = Series { what: what.to_owned(), unit, values };
    Ok(Measured { series: vec![series], facts, peak_kib: None })
}

fn timed(assembly: &Assembly, journal: Journal, on_halted: OnHalted) -> Result<Duration, Failure> {
    let run = assembly.started(0)?.config.run;
    match journal {
        Journal::Off => Ok(once(assembly, NoJournal::default(), (), on_halted)?.0),
        Journal::Chained => Ok(once(assembly, ChainedJournal::new(run), (), on_halted)?.0),
        Journal::Kept => {
            let (worked, desk, _) = once(assembly, MemoryJournal::new(run), (), on_halted)?;
            Ok(worked + keep(&desk.into_journal_and_witness().0)?)
        }
        Journal::Reported => {
            let reporter = Reporter::new(&assembly.started(0)?);
            let (worked, desk, _) = once(assembly, ChainedJournal::new(run), reporter, on_halted)?;
            let began = Instant::now();
            std::hint::black_box(desk.witness().report(desk.engine(), &Surroundings::default()));
            Ok(worked + began.elapsed())
        }
        Journal::Sqlite => Ok(durable(assembly, run, on_halted)?),
    }
}

/// Keeps a journal in a database of its own.
fn keep(journal: &MemoryJournal) -> Result<Duration, Failure> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let began = Instant::now();
    let mut database = SqliteJournal::open(&folder.path().join("journal.db"))?;
    database.keep(journal)?;
    database.close()?;
    Ok(began.elapsed())
}

fn durable(assembly: &Assembly, run: RunId, on_halted: OnHalted) -> Result<Duration, Failure> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut journal = SqliteJournal::open(&folder.path().join("journal.db"))?;
    journal.begin(run);
    Ok(once(assembly, journal, (), on_halted)?.0)
}

/// How long a desk worked, the desk, and how often it was resumed.
type Worked<J, W> = (Duration, Desk<PaperVenue, J, W>, usize);

/// Runs a desk once, from its first record to its last.
fn once<J: JournalSink, W: Witness>(
    assembly: &Assembly,
    journal: J,
    witness: W,
    on_halted: OnHalted,
) -> Result<Worked<J, W>, Failure> {
    let started = assembly.started(0)?;
    let parts = assembly.parts(started.config.run, started.config.policy.clone())?;
    let began = Instant::now();
    let mut desk = Desk::open(parts, started, journal, witness)?;
    let Halts { halts, ended } = backtest(&mut desk, on_halted)?;
    let took = began.elapsed();
    if let (true, Some((at, reason))) = (ended, halts.first()) {
        return Err(format!("void: the desk halted at {at}: {reason}").into());
    }
    Ok((took, desk, halts.len()))
}

/// Decodes the raw streams.
pub(crate) fn decode(data: &Path) -> Result<Measured, Failure> {
    let plan = desk::plan(desk::STREAM, data)?;
    let (mut lines, mut compressed) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (mut rows, mut bytes) = (0, 0);
        let began = Instant::now();
        for (data, listing) in plan.data.iter().zip(&plan.venue.instruments) {
            let how = Reading {
                instrument: &listing.instrument,
                bar_interval: plan.engine.bar_interval,
                volume_unit: data.volume_unit,
            };
            rows += Recording::read(&data.path, &how)?.quality().rows;
            bytes += std::fs::metadata(&data.path)?.len();
        }
        let took = began.elapsed().as_secs_f64();
        lines.push(f64::from(u32::try_from(rows)?) / took);
        compressed.push(f64::from(u32::try_from(bytes)?) / took);
    }
    let series = |what: &str, unit, values| Series { what: what.to_owned(), unit, values };
    Ok(Measured {
        series: vec![
            series("speed", Unit::Lines, lines),
            series("gzip bytes a second", Unit::Bytes, compressed),
        ],
        ..Measured::default()
    })
}
