//! `journal verify` and `journal export`.

use std::io::Write;
use std::path::Path;

use clap::{Args, Subcommand};
use sapphire_engine::ids::RunId;
use sapphire_engine::time::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::console::{self, Output};
use super::desk::{JournalArgs, RunArgs, known, no_run, run_id};
use super::examples;
use super::failure::Failure;
use crate::store::{Head, JournalReader, StoreError, StoredRun, verify_run};

/// What to do with a journal.
#[derive(Debug, Subcommand)]
pub(super) enum Journal {
    /// Follows the hash chain of every run, or of one.
    #[command(after_help = examples::VERIFY)]
    Verify(Verify),
    /// Writes a run's records, one JSON object a line.
    #[command(after_help = examples::EXPORT)]
    Export(Export),
}

/// `journal verify`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    journal: JournalArgs,
    /// Which run, as 16 hexadecimal digits. [default: the one that --head belongs to; without --head
    /// every run]
    #[arg(long, value_parser = run_id)]
    run: Option<RunId>,
    /// The head that was published for a run (in its log or report): shows a cut tail, which the chain
    /// alone cannot.
    #[arg(long, value_name = "SEQUENCE:HASH")]
    head: Option<Head>,
    /// How to write the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// `journal export`.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    run: RunArgs,
}

impl Journal {
    pub(super) fn execute(self) -> Result<(), Failure> {
        match self {
            Self::Verify(verify) => verify.execute(),
            Self::Export(export) => export.execute(),
        }
    }
}

/// A run's verdict.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    run: String,
    records: u64,
    whole: bool,
    /// `SEQUENCE:HASH` of the last record, where it is whole.
    head: Option<String>,
    damage: Option<String>,
}

impl Verify {
    fn execute(self) -> Result<(), Failure> {
        let path = self.journal.path(None)?;
        let mut reader = JournalReader::open(&path).map_err(Failure::store)?;
        let damage = reader.integrity().map_err(Failure::store)?;
        let runs = reader.runs().map_err(Failure::store)?;
        if runs.is_empty() {
            return Err(no_run(&path));
        }
        let meant = self.meant(&path, &mut reader, &runs)?;
        let mut verdicts = Vec::new();
        for stored in runs.iter().filter(|stored| meant.run().is_none_or(|run| run == stored.run)) {
            let head = self.head.filter(|_| meant.run().is_some());
            let verified = verify_run(&mut reader, stored.run, head).map_err(Failure::store)?;
            verdicts.push(Verdict {
                run: stored.run.to_string(),
                records: stored.records,
                whole: verified.is_ok(),
                head: verified.as_ref().ok().map(|verified| Head(verified.head).to_string()),
                damage: verified.err().map(|damage| damage.to_string()),
            });
        }
        match self.output {
            Output::Json => console::print_json(&verdicts)?,
            Output::Table => verdicts.iter().try_for_each(Verdict::show)?,
        }
        if let Some(damage) = damage {
            return Err(Failure::run(format!("{}: the file is damaged: {damage}", path.display())));
        }
        let broken = verdicts.iter().filter(|verdict| !verdict.whole).count();
        if broken > 0 {
            let runs = if broken == 1 { "run is" } else { "runs are" };
            return Err(distrust(&path, &format!("{broken} {runs} not what was written")));
        }
        if let (Meant::Nobodys, Some(head)) = (meant, self.head) {
            let what = format!(
                "no run in it has the record {head} that was published: its tail was cut, its records \
                 were rewritten, or the head is another journal's (`--run` shows how a run differs)"
            );
            return Err(distrust(&path, &what));
        }
        match reader.removed().map_err(Failure::store)? {
            0 => Ok(()),
            gone => Err(distrust(
                &path,
                &format!(
                    "{gone} records of another run were taken out: only what is left is whole"
                ),
            )),
        }
    }

    /// Whose chain is to be followed. A head belongs to one run, and says which.
    fn meant(
        &self,
        path: &Path,
        reader: &mut JournalReader,
        runs: &[StoredRun],
    ) -> Result<Meant, Failure> {
        let of_head = match self.head {
            Some(Head(head)) => reader.run_of(head).map_err(Failure::store)?,
            None => None,
        };
        if let Some(run) = self.run {
            let run = known(path, run, runs)?;
            if let Some(other) = of_head.filter(|other| *other != run) {
                let path = path.display();
                return Err(Failure::input(format!(
                    "{path}: this head is of run {other}, not of {run}: leave --run out, or give its \
                     own head"
                )));
            }
            return Ok(Meant::One(run));
        }
        Ok(match (self.head, of_head, runs) {
            (None, _, _) => Meant::Every,
            (Some(_), Some(run), _) => Meant::One(run),
            (Some(_), None, [only]) => Meant::One(only.run),
            (Some(_), None, _) => Meant::Nobodys,
        })
    }
}

/// Which runs a verification is about.
#[derive(Debug, Clone, Copy)]
enum Meant {
    Every,
    One(RunId),
    /// A head was given that none of several runs has: every run is followed, and the head is missing.
    Nobodys,
}

impl Meant {
    const fn run(self) -> Option<RunId> {
        match self {
            Self::One(run) => Some(run),
            Self::Every | Self::Nobodys => None,
        }
    }
}

fn distrust(path: &Path, what: &str) -> Failure {
    Failure::run(format!(
        "{}: {what}: do not trade on it; restore a copy, or begin with another database (--db PATH)",
        path.display()
    ))
}

impl Verdict {
    fn show(&self) -> Result<(), Failure> {
        let Self { run, records, head, damage, .. } = self;
        let said = match (head, damage) {
            (Some(head), _) => format!("whole, head {head}"),
            (None, damage) => format!("BROKEN: {}", damage.as_deref().unwrap_or_default()),
        };
        console::print(&format!("run {run}  {records} records  {said}"))
    }
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    run: &'a str,
    sequence: u64,
    at: Timestamp,
    hash: String,
    record: &'a RawValue,
}

impl Export {
    fn execute(self) -> Result<(), Failure> {
        let path = self.journal.path(None)?;
        let mut reader = JournalReader::open(&path).map_err(Failure::store)?;
        let runs = reader.runs().map_err(Failure::store)?;
        let run = self.run.choose(&path, &runs)?;
        let name = run.to_string();
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let written = reader.each(run, |stored| {
            let record: &RawValue = serde_json::from_slice(&stored.payload).map_err(|error| {
                Failure::run(format!(
                    "record {} is no JSON, so it was altered: {error}; look at it with `sapphire-trader \
                     journal verify --db {}`",
                    stored.link.sequence,
                    path.display()
                ))
            })?;
            let line = Line {
                run: &name,
                sequence: stored.link.sequence,
                at: stored.at,
                hash: stored.link.hash.to_string(),
                record,
            };
            let written = serde_json::to_writer(&mut out, &line).map_err(std::io::Error::from);
            written.and_then(|()| out.write_all(b"\n")).map_err(Stop::from)?;
            Ok::<_, Stop>(())
        });
        match written.and_then(|()| out.flush().map_err(Stop::from)) {
            Ok(()) | Err(Stop::Enough) => Ok(()),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }
}

/// Why an export ends early.
enum Stop {
    /// The reader went away (`| head`): nothing to complain about.
    Enough,
    Failed(Failure),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(Failure::store(error))
    }
}
impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::Enough,
            _ => Self::Failed(Failure::run(format!(
                "cannot write to standard output: {error}; the export is not whole"
            ))),
        }
    }
}
