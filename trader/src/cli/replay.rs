//! `replay`: is the journal what these manifests and data make?

use std::collections::VecDeque;

use clap::Args;
use sapphire_engine::VERSION;
use sapphire_engine::journal::{Record, RunStarted};

use super::console;
use super::desk::{DeskArgs, JournalArgs, RunArgs};
use super::failure::Failure;
use crate::desk::{Assembly, Desk, PastInputs, Retrace, bring_back};
use crate::store::{
    Followed, Head, JournalReader, NoJournal, StoreError, StoredRecord, difference,
};

/// `replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    #[command(flatten)]
    desk: DeskArgs,
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    run: RunArgs,
}

impl Replay {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let (_, assembly) = self.desk.assembly()?;
        let path = self.journal.path(Some(&assembly.plan.system))?;
        let mut reader = JournalReader::open(&path).map_err(Failure::store)?;
        let runs = reader.runs().map_err(Failure::store)?;
        let run = self.run.choose(&path, &runs)?;

        let (mut stored, mut inputs) = (VecDeque::new(), PastInputs::default());
        let mut followed = Followed::new(&path, run);
        reader
            .each(run, |record| {
                followed.follow(&record);
                inputs.take_stored(&record).map_err(|error| followed.explain(error))?;
                stored.push_back(record);
                Ok::<_, StoreError>(())
            })
            .map_err(Failure::run)?;
        let started = match stored.front().map(StoredRecord::record) {
            Some(Ok(Record::RunStarted(started))) => *started,
            Some(Err(error)) => return Err(Failure::run(error)),
            _ => return Err(Failure::run(format!("run {run} does not begin with its beginning"))),
        };
        same_matter(&started, &assembly)?;

        let records = stored.len();
        let head = stored.back().map(|last| last.link);
        // A life may have ended in the middle of a step: what that made further is not compared.
        let sink = Retrace::new(stored, NoJournal::default());
        let parts = assembly.parts(run, started.config.policy.clone()).map_err(Failure::input)?;
        let events = parts.feed.len();
        let waiting = console::progress("replaying", events);
        let replayed = Desk::open(parts, started, sink, ()).and_then(|mut desk| {
            bring_back(&mut desk, &inputs.finish(), |taken| waiting.set_position(taken))
        });
        waiting.finish_and_clear();
        replayed.map_err(|error| match error {
            StoreError::Diverged { sequence, stored, rebuilt } => Failure::run(format!(
                "the replay differs from the journal at record {sequence}\n  {}\n  journal: {stored}\n  \
                 replay:  {rebuilt}",
                difference(("journal", &stored), ("replay", &rebuilt))
            )),
            other => Failure::run(other),
        })?;
        let head = head.map(|link| Head(link).to_string()).unwrap_or_default();
        console::print(&format!("run {run}: {records} records, the same bytes; head {head}"))
    }
}

/// Whether manifests and data are those that the journal names; a person wants to know that before
/// the first record that differs because of it.
fn same_matter(started: &RunStarted, assembly: &Assembly) -> Result<(), Failure> {
    let differs = |what: &str| {
        Failure::run(format!("the journal was made {what}: give `replay` what the run had"))
    };
    if started.engine != VERSION {
        let version = &started.engine;
        return Err(differs(&format!("by version {version}, this is {VERSION}")));
    }
    if started.manifests != assembly.plan.manifests {
        return Err(differs("from other manifests (venue, consensus, bars or agents)"));
    }
    if started.data != assembly.data() {
        return Err(differs("from other data"));
    }
    Ok(())
}
