//! `why`: the lineage of one thing.

use clap::Args;
use serde::Serialize;
use serde_json::Value as Json;

use super::console::{self, Output};
use super::desk::JournalArgs;
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
    /// How to write it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Told {
    id: String,
    kind: &'static str,
    run: String,
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
        let mut reader = JournalReader::open(&path).map_err(Failure::input)?;
        let traced = trace(&mut reader, self.journal.run, self.subject);
        let lineage = traced.map_err(|error| match error {
            LineageError::Store(_) => Failure::run(error),
            other => Failure::input(other),
        })?;
        let Some(lineage) = lineage else {
            let subject = self.subject;
            return Err(Failure::input(format!("{}: holds no {subject}", path.display())));
        };
        match self.output {
            Output::Table => {
                console::print(&self.tell(&lineage));
                Ok(())
            }
            Output::Json => console::print_json(&self.as_data(&lineage)?),
        }
    }

    fn tell(&self, lineage: &Lineage) -> String {
        let mut text = format!("{} of run {}\n", self.subject, lineage.run);
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
            lineage: lineage.steps.iter().map(step).collect::<Result<_, _>>()?,
        })
    }
}
