//! Begins a run, or takes up the one that the journal left unfinished.

use std::collections::VecDeque;

use sapphire_engine::VERSION;
use sapphire_engine::ids::RunId;
use sapphire_engine::journal::{Chain, Hash, Record, RunStarted};

use crate::desk::{Assembly, AssemblyError, Desk, Input, PastInputs, Retrace, Witness, bring_back};
use crate::store::{SqliteJournal, StoreError, StoredRecord, difference};
use crate::venue::paper::PaperVenue;

/// A desk, and where it stands.
#[derive(Debug)]
pub struct Taken<W> {
    /// The desk.
    pub desk: Desk<PaperVenue, Retrace<SqliteJournal>, W>,
    /// Whether it goes on with a run that was there.
    pub continued: bool,
    /// Commands that the run has taken so far.
    pub commands: u64,
    /// What a person should know of how it was taken up.
    pub notes: Vec<String>,
}

/// Why there is no desk.
#[derive(Debug, thiserror::Error)]
pub enum TakeUpError {
    /// The journal, or what it holds.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The desk cannot be put together.
    #[error(transparent)]
    Assembly(#[from] AssemblyError),
    /// The run is another version's.
    #[error(
        "the run in {path} was begun by version {found}, this is {VERSION}, which may decide otherwise: \
         finish it with that version, or begin another journal with --db"
    )]
    OtherVersion {
        /// The journal.
        path: String,
        /// Whose it is.
        found: String,
    },
    /// What came out is not what is stored.
    #[error(
        "the journal {path} does not agree with its data at record {sequence}; not trading. Ask \
         `sapphire-trader journal verify --db {path}`.\n  {}\n  journal: {stored}\n  again:   {rebuilt}",
        difference(("journal", stored), ("again", rebuilt))
    )]
    Diverged {
        /// The journal.
        path: String,
        /// Where.
        sequence: u64,
        /// What is stored.
        stored: String,
        /// What came out.
        rebuilt: String,
    },
}

/// How the newest run was left.
enum RunLeft {
    /// Its last record says that it ended.
    Over,
    /// It is not of these manifests and data.
    OfOtherMatter,
    /// Another version began it.
    OfVersion(String),
    /// It goes on, or shows what is wrong with it.
    Unfinished,
}

/// What is read of a run's first record whatever build wrote it.
#[derive(serde::Deserialize)]
struct FirstRecord {
    body: Began,
}

#[derive(serde::Deserialize)]
struct Began {
    engine: String,
    manifests: Hash,
    data: Vec<Hash>,
}

/// What is read of a run's last one.
#[derive(serde::Deserialize)]
struct LastRecord {
    kind: String,
}

/// An unfinished run.
struct Unfinished {
    started: RunStarted,
    stored: VecDeque<StoredRecord<'static>>,
    inputs: PastInputs,
    commands: u64,
    stopped: bool,
}

/// Takes up the newest run in `journal` if it is of these manifests and data and unfinished;
/// otherwise begins one. `witness` is made for the run's first record. `progress` is told events of
/// the feed that were worked through again.
///
/// # Errors
/// See [`TakeUpError`].
pub fn take_up<W: Witness>(
    assembly: &Assembly,
    mut journal: SqliteJournal,
    witness: impl FnOnce(&RunStarted) -> W,
    progress: impl FnMut(u64),
) -> Result<Taken<W>, TakeUpError> {
    let path = journal.path().display().to_string();
    let runs = journal.runs()?;
    let mut notes = Vec::new();
    if let Some(newest) = runs.last() {
        match standing(&mut journal, newest.run, assembly)? {
            RunLeft::Over => follow(&journal, newest.run)?,
            RunLeft::OfOtherMatter => {
                follow(&journal, newest.run)?;
                notes.push(format!(
                    "the journal's last run {} is of other manifests or data: it stays unfinished, with all that it \
                     had open, and goes on where it is started with its own; this is a new run",
                    newest.run
                ));
            }
            RunLeft::OfVersion(found) => return Err(TakeUpError::OtherVersion { path, found }),
            RunLeft::Unfinished => {
                let left = unfinished(&mut journal, newest.run)?;
                return continue_run(assembly, journal, left, witness, progress)
                    .map_err(|error| with_place(error, path));
            }
        }
    }
    let started = assembly.started(runs.len() as u64)?;
    let run = started.config.run;
    journal.begin(run);
    let witness = witness(&started);
    let parts = assembly.parts(run, started.config.policy.clone())?;
    let journal = Retrace::new(VecDeque::new(), journal);
    let mut desk = Desk::open(parts, started, journal, witness)?;
    desk.flush()?;
    Ok(Taken { desk, continued: false, commands: 0, notes })
}

fn continue_run<W: Witness>(
    assembly: &Assembly,
    mut journal: SqliteJournal,
    left: Unfinished,
    witness: impl FnOnce(&RunStarted) -> W,
    progress: impl FnMut(u64),
) -> Result<Taken<W>, TakeUpError> {
    let Unfinished { started, stored, inputs, commands, stopped } = left;
    let run = started.config.run;
    if let Some(last) = stored.back() {
        journal.resume(run, last.link);
    }
    let witness = witness(&started);
    let parts = assembly.parts(run, started.config.policy.clone())?;
    let mut desk = Desk::open(parts, started, Retrace::new(stored, journal), witness)?;
    bring_back(&mut desk, &inputs.finish(), progress)?;
    if stopped {
        desk.inject(desk.now(), &Input::Continuing)?;
    }
    desk.flush()?;
    Ok(Taken { desk, continued: true, commands, notes: Vec::new() })
}

/// Follows the chain of a run that does not go on, whatever build wrote it: nothing is written behind what is damaged.
/// Runs before the newest one were followed when that began.
fn follow(journal: &SqliteJournal, run: RunId) -> Result<(), StoreError> {
    let path = journal.path().to_path_buf();
    let mut chain = Chain::new(run);
    journal.reader()?.each(run, |record| {
        chain.verify_next(record.link, record.at, &record.payload).map_err(|error| {
            StoreError::BrokenChain { path: path.clone(), run: run.to_string(), error }
        })?;
        Ok(())
    })
}

/// Tells from a run's ends how it was left: other builds' records are not read for that.
fn standing(
    journal: &mut SqliteJournal,
    run: RunId,
    assembly: &Assembly,
) -> Result<RunLeft, StoreError> {
    let ends = journal.reader()?.ends(run)?;
    let follows = |mut before: Chain, record: &StoredRecord<'_>| {
        before.verify_next(record.link, record.at, &record.payload).is_ok()
    };
    if let [.., before, last] = ends.as_slice()
        && follows(Chain::resume(before.link), last)
        && serde_json::from_slice::<LastRecord>(&last.payload)
            .is_ok_and(|last| last.kind == "runFinished")
    {
        return Ok(RunLeft::Over);
    }
    let first = ends.first().filter(|first| follows(Chain::new(run), first));
    let Some(Ok(FirstRecord { body: began })) =
        first.map(|first| serde_json::from_slice(&first.payload))
    else {
        return Ok(RunLeft::Unfinished);
    };
    Ok(if began.manifests != assembly.plan.manifests || began.data != assembly.data() {
        RunLeft::OfOtherMatter
    } else if began.engine != VERSION {
        RunLeft::OfVersion(began.engine)
    } else {
        RunLeft::Unfinished
    })
}

fn unfinished(journal: &mut SqliteJournal, run: RunId) -> Result<Unfinished, StoreError> {
    let (mut stored, mut inputs) = (VecDeque::new(), PastInputs::default());
    let (mut started, mut stopped, mut commands) = (None, false, 0);
    let mut chain = Chain::new(run);
    let path = journal.path().to_path_buf();
    journal.reader()?.each(run, |record| {
        chain.verify_next(record.link, record.at, &record.payload).map_err(|error| {
            StoreError::BrokenChain { path: path.clone(), run: run.to_string(), error }
        })?;
        let read = record.record()?;
        match &read {
            Record::RunStarted(first) => started = Some((**first).clone()),
            Record::Stopping => stopped = true,
            Record::Continuing => stopped = false,
            Record::Command(_) => commands += 1,
            _ => {}
        }
        inputs.take(record.link.sequence, record.at, read)?;
        stored.push_back(record);
        Ok::<_, StoreError>(())
    })?;
    let started = started.ok_or_else(|| StoreError::Record {
        what: "read",
        detail: format!("record 1 of run {run} is not its beginning"),
    })?;
    Ok(Unfinished { started, stored, inputs, commands, stopped })
}

fn with_place(error: TakeUpError, path: String) -> TakeUpError {
    match error {
        TakeUpError::Store(StoreError::Diverged { sequence, stored, rebuilt }) => {
            TakeUpError::Diverged { path, sequence, stored, rebuilt }
        }
        other => other,
    }
}
