//! `backtest`: recorded data as fast as they go, and a report.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use sapphire_engine::ids::RunId;

use super::console::{self, Output};
use super::desk::DeskArgs;
use super::failure::Failure;
use super::sweep::{self, Sweep};
use crate::desk::{Assembly, Desk, Halts, OnHalted, Reporter, backtest};
use crate::report::{self, Report, Surroundings, trades_csv};
use crate::store::{ChainedJournal, Head, JournalSink, MemoryJournal, SqliteJournal};

/// `backtest`.
#[derive(Debug, Args)]
pub(super) struct Backtest {
    #[command(flatten)]
    desk: DeskArgs,
    /// How to write the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Writes report.html, report.json and trades.csv into this directory.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Goes on after a halt, as if a person resumed at once. Otherwise a halt ends the backtest.
    #[arg(long)]
    resume_halts: bool,
    /// Keeps the journal in this database, for `replay`, `why` and `journal`.
    #[arg(long, visible_alias = "db", value_name = "FILE", conflicts_with = "sweep")]
    journal: Option<PathBuf>,
    /// Runs every combination of values, in parallel, such as
    /// `trend-momentum.strategy.trendMomentum.fastPeriod=8,12,16` (an agent's name and a path below its spec),
    /// `policy.limits.riskPerTrade=0.005,0.01` or `system.consensus.minAgents=2,3`. May be repeated.
    #[arg(long, value_name = "NAME=A,B,C")]
    sweep: Vec<Sweep>,
}

/// What a backtest came to.
pub(super) struct Done {
    pub(super) report: Report,
    pub(super) halts: Halts,
    head: Head,
}

impl Backtest {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let (manifests, assembly) = self.desk.assembly()?;
        let on_halted = if self.resume_halts { OnHalted::Resume } else { OnHalted::End };
        if !self.sweep.is_empty() {
            return sweep::run(&self.sweep, &manifests, &assembly, on_halted, self.output);
        }
        let waiting = console::spinner(format!("backtesting {}", assembly.plan.system));
        let done = match &self.journal {
            None => run(&assembly, on_halted)?,
            Some(path) => {
                // Before the work: a database that is in use or another's is told at once.
                let mut database = SqliteJournal::open(path).map_err(Failure::store)?;
                let (done, journal) = run_with(&assembly, on_halted, MemoryJournal::new)?;
                database.keep(&journal).and_then(|()| database.close()).map_err(Failure::store)?;
                done
            }
        };
        waiting.finish_and_clear();
        if let Some(folder) = &self.report {
            write_report(folder, &done.report)?;
        }
        match self.output {
            Output::Json => console::print_json(&done.report),
            Output::Table => show(&done),
        }
    }
}

/// Runs a backtest of whose journal only the head remains.
pub(super) fn run(assembly: &Assembly, on_halted: OnHalted) -> Result<Done, Failure> {
    run_with(assembly, on_halted, ChainedJournal::new).map(|(done, _)| done)
}

fn run_with<J: JournalSink>(
    assembly: &Assembly,
    on_halted: OnHalted,
    journal: impl FnOnce(RunId) -> J,
) -> Result<(Done, J), Failure> {
    let started = assembly.started(0).map_err(Failure::input)?;
    let (run, policy) = (started.config.run, started.config.policy.clone());
    let parts = assembly.parts(run, policy).map_err(Failure::input)?;
    let reporter = Reporter::new(&started);
    let began = Instant::now();
    let mut desk = Desk::open(parts, started, journal(run), reporter).map_err(Failure::run)?;
    let halts = backtest(&mut desk, on_halted).map_err(Failure::run)?;
    let head = desk.journal().head();
    let surroundings = Surroundings {
        journal: Some((head.sequence, head.hash)),
        recordings: assembly.recordings.iter().map(AsRef::as_ref).collect(),
        speed: Some((began.elapsed(), desk.feed().position())),
    };
    let report = desk.witness().report(desk.engine(), &surroundings);
    let (journal, _) = desk.into_journal_and_witness();
    Ok((Done { report, halts, head: Head(head) }, journal))
}

fn show(done: &Done) -> Result<(), Failure> {
    let Done { report, halts, head } = done;
    let table = if console::is_watched() { report::boxed(report) } else { report::plain(report) };
    console::print(&table)?;
    for (at, reason) in &halts.halts {
        console::print(&format!("halted at {at}: {reason}"))?;
    }
    if halts.ended {
        console::print("the halt ended the backtest; --resume-halts goes on")?;
    }
    console::print(&format!("journal head {head}"))
}

pub(super) fn write_report(folder: &Path, report: &Report) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::run(format!(
            "{}: cannot be written: {error}; give another folder to --report",
            path.display()
        ))
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let write = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| failed(&path, error))
    };
    write("report.html", report::page(report).as_bytes())?;
    write("report.json", &serde_json::to_vec_pretty(report).map_err(Failure::run)?)?;
    let mut trades = Vec::new();
    trades_csv::write(report, &mut trades).map_err(|error| failed(folder, error))?;
    write("trades.csv", &trades)?;
    Ok(())
}
