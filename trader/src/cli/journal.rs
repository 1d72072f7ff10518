//! `journal verify` and `journal export`.

use std::io::Write;

use clap::{Args, Subcommand};
use sapphire_engine::time::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::console::{self, Output};
use super::desk::JournalArgs;
use super::failure::Failure;
use crate::store::{Head, JournalReader, StoreError, verify_run};

/// What to do with a journal.
#[derive(Debug, Subcommand)]
pub(super) enum Journal {
    /// Follows the hash chain of every run, or of one. Exit code 0: whole; 1: not what was
    /// written, and where; 2: cannot be read.
    Verify(Verify),
    /// Writes a run's records, one JSON object a line.
    Export(Export),
}

/// `journal verify`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    journal: JournalArgs,
    /// The head that was published for the run (in its log or report): shows a cut tail, which the
    /// chain alone cannot.
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
        let mut reader = JournalReader::open(&path).map_err(unreadable)?;
        let damage = reader.integrity().map_err(unreadable)?;
        let runs = reader.runs().map_err(unreadable)?;
        // A head is one run's: the one that is named, or the newest.
        let one = match (self.journal.run, self.head) {
            (None, None) => None,
            _ => Some(self.journal.choose(&runs)?),
        };
        let mut verdicts = Vec::new();
        for stored in runs.iter().filter(|stored| one.is_none_or(|run| run == stored.run)) {
            let verified = verify_run(&mut reader, stored.run, self.head).map_err(unreadable)?;
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
            Output::Table => verdicts.iter().for_each(Verdict::show),
        }
        if let Some(damage) = damage {
            return Err(Failure::run(format!("{}: the file is damaged: {damage}", path.display())));
        }
        let broken = verdicts.iter().filter(|verdict| !verdict.whole).count();
        if broken > 0 {
            let runs = if broken == 1 { "run is" } else { "runs are" };
            return Err(Failure::run(format!(
                "{}: {broken} {runs} not what was written: do not trade on it; restore a copy, or \
                 begin with another database (--db PATH)",
                path.display()
            )));
        }
        Ok(())
    }
}

impl Verdict {
    fn show(&self) {
        let Self { run, records, head, damage, .. } = self;
        let said = match (head, damage) {
            (Some(head), _) => format!("whole, head {head}"),
            (None, damage) => format!("BROKEN: {}", damage.as_deref().unwrap_or_default()),
        };
        console::print(&format!("run {run}  {records} records  {said}"));
    }
}

/// What SQLite finds damaged is not what was written; everything else cannot be read.
fn unreadable(error: StoreError) -> Failure {
    match error {
        StoreError::Damaged { .. } => Failure::run(error),
        other => Failure::input(other),
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
        let mut reader = JournalReader::open(&path).map_err(unreadable)?;
        let runs = reader.runs().map_err(unreadable)?;
        let run = self.journal.choose(&runs)?;
        let name = run.to_string();
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let written = reader.each(run, |stored| {
            let record: &RawValue = serde_json::from_slice(&stored.payload).map_err(|error| {
                Failure::run(format!("record {}: {error}", stored.link.sequence))
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
        Self::Failed(unreadable(error))
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
            _ => Self::Failed(Failure::run(error)),
        }
    }
}
