//! What the API tells of a decision's or an order's origin, read from the journal.

use std::path::{Path, PathBuf};

use futures::future::BoxFuture;
use sapphire_engine::ids::RunId;

use crate::api::lineage::{LineageError, LineageId, LineageSource};
use crate::api::view;
use crate::lineage;
use crate::store::JournalReader;

/// `/api/why`, from the journal on disk.
pub(super) struct Journaled {
    /// The journal's file.
    pub(super) path: PathBuf,
    /// The run that is asked about.
    pub(super) run: RunId,
}

impl LineageSource for Journaled {
    fn lineage(&self, id: LineageId) -> BoxFuture<'_, Result<Option<view::Lineage>, LineageError>> {
        let (path, run) = (self.path.clone(), self.run);
        Box::pin(async move {
            let traced = tokio::task::spawn_blocking(move || trace(&path, run, id)).await;
            traced.map_err(|error| LineageError(error.to_string()))?
        })
    }
}

fn trace(path: &Path, run: RunId, id: LineageId) -> Result<Option<view::Lineage>, LineageError> {
    let failed = |error: &dyn std::fmt::Display| LineageError(error.to_string());
    let mut reader = JournalReader::open(path).map_err(|error| failed(&error))?;
    let subject: lineage::Subject = id.to_string().parse().map_err(|error| failed(&error))?;
    let traced = lineage::trace(&mut reader, Some(run), subject).map_err(|error| failed(&error))?;
    let Some(traced) = traced else { return Ok(None) };
    if let Some(damage) = &traced.damage {
        return Err(LineageError(format!(
            "the journal is not what was written ({damage}): ask `sapphire-trader journal verify`"
        )));
    }
    let steps = traced.steps.into_iter().map(|step| {
        let record = serde_json::to_value(&step.record).map_err(|error| failed(&error))?;
        let kind = record.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default();
        Ok(view::LineageStep {
            sequence: step.sequence,
            at: step.at.into(),
            kind: kind.to_owned(),
            summary: step.words,
            record: record.get("body").cloned().unwrap_or_default(),
        })
    });
    let lineage = steps.collect::<Result<Vec<_>, LineageError>>()?;
    Ok(Some(view::Lineage { id: id.to_string(), kind: subject.kind().to_owned(), lineage }))
}
