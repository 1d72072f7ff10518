//! `why`: the lineage of one thing.

use clap::Args;
use serde::Serialize;
use serde_json::Value as Json;

use super::console::{self, Output};
use super::desk::{JournalArgs, RunArgs, no_run};
use super::failure::Failure;
use crate::lineage::{Lineage, LineageError, Subject, trace};
use crate::store::JournalReader;

/// `why`.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// d12 (a decision), o34 (an order), t56 (a fill), r41 (a round), c3 (a command), or the id that
    /// the venue knows an order by (sph-…).
    #[arg(value_name = "ID")]
    subject: Subject,
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    run: RunArgs,
    /// How to write it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Told {
    id: String,
    kind: &'static str,
    run: String,
    /// Why none of it may be true, where the journal is not what was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
    lineage: Vec<ToldStep>,
}

#[derive(Debug, Serialize)]
struct ToldStep {
    sequence: u64,
    at: String,
    summary: String,
    record: Json,
}

impl Why {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let path = self.journal.path(None)?;
        let mut reader = JournalReader::open(&path).map_err(Failure::store)?;
        let traced = trace(&mut reader, self.run.run, self.subject);
        let lineage = traced.map_err(|error| match error {
            LineageError::Store(error) => Failure::store(error),
            LineageError::NoRun => no_run(&path),
            LineageError::NotThatRun(_) => Failure::input(format!("{}: {error}", path.display())),
        })?;
        let Some(lineage) = lineage else {
            let subject = self.subject;
            return Err(Failure::input(format!("{}: holds no {subject}", path.display())));
        };
        match self.output {
            Output::Table => console::print(&self.tell(&lineage))?,
            Output::Json => console::print_json(&self.as_data(&lineage)?)?,
        }
        lineage.damage.map_or(Ok(()), |damage| {
            Err(Failure::run(format!(
                "{path}: run {run}: {damage}: this is not the journal that was written, so what is told \
                 above may be forged. `sapphire-trader journal verify --db {path}` shows where it breaks",
                path = path.display(),
                run = lineage.run,
            )))
        })
    }

    fn tell(&self, lineage: &Lineage) -> String {
        let mut text = format!("{} of run {}\n", self.subject, lineage.run);
        if let Some(damage) = &lineage.damage {
            text.push_str(&format!(
                "WARNING: the journal is not what was written ({damage}): this may be forged\n"
            ));
        }
        for step in &lineage.steps {
            let words = step.words.replace('\n', "\n                                    ");
            text.push_str(&format!("{:>8}  {}  {words}\n", step.sequence, step.at));
        }
        text
    }

    fn as_data(&self, lineage: &Lineage) -> Result<Told, Failure> {
        let step = |step: &crate::lineage::Step| -> Result<ToldStep, Failure> {
            Ok(ToldStep {
                sequence: step.sequence,
                at: step.at.to_string(),
                summary: step.words.clone(),
                record: serde_json::to_value(&step.record).map_err(Failure::run)?,
            })
        };
        Ok(Told {
            id: self.subject.to_string(),
            kind: self.subject.kind(),
            run: lineage.run.to_string(),
            damage: lineage.damage.as_ref().map(ToString::to_string),
            lineage: lineage.steps.iter().map(step).collect::<Result<_, _>>()?,
        })
    }
}
