//! Arguments that several commands share, and what they lead to.

use std::path::{Path, PathBuf};

use clap::Args;
use sapphire_agents::Strategy;
use sapphire_crds::manifest::{self, Desk as Manifests, ManifestFaults, Request};
use sapphire_engine::ids::RunId;

use super::console;
use super::failure::Failure;
use crate::config::{Environment, Plan};
use crate::desk::Assembly;
use crate::live::ManifestSource;
use crate::market::Recording;
use crate::store::{self, StoredRun};

/// Which desk.
#[derive(Debug, Clone, Args)]
pub(super) struct DeskArgs {
    /// Manifests, or directories of them: what `kubectl apply` takes.
    #[arg(short = 'f', long = "filename", value_name = "DIR|FILE", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// Which TradingSystem, where the manifests hold several.
    #[arg(long)]
    system: Option<String>,
}

/// Which journal.
#[derive(Debug, Clone, Args)]
pub(super) struct JournalArgs {
    /// The journal's database.
    /// [default: the one in ${XDG_STATE_HOME:-~/.local/state}/sapphire]
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,
}

/// Which run of a journal.
#[derive(Debug, Clone, Args)]
pub(super) struct RunArgs {
    /// Which run, as 16 hexadecimal digits. [default: the newest]
    #[arg(long, value_parser = run_id)]
    pub(super) run: Option<RunId>,
}

/// A run's id, as it is written everywhere.
pub(super) fn run_id(text: &str) -> Result<RunId, String> {
    let sixteen = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16)
        .ok()
        .filter(|_| sixteen)
        .map(RunId)
        .ok_or_else(|| "a run is 16 hexadecimal digits, such as 74fc8e97baf8d689".to_owned())
}

/// What this release trades on.
const VENUES: [&str; 2] = ["paper.data.file", "paper.data.files"];

impl DeskArgs {
    /// Reads the manifests.
    pub(super) fn manifests(&self) -> Result<Manifests, Failure> {
        let manifests = self.load().map_err(Failure::input)?;
        for ignored in &manifests.ignored {
            tracing::info!("{ignored} is for a cluster and ignored here");
        }
        Ok(manifests)
    }

    /// How a running desk looks at its manifests again.
    pub(super) fn watched(&self, started: Manifests) -> ManifestSource {
        let (desk, paths) = (self.clone(), self.files.clone());
        ManifestSource { started, paths, load: Box::new(move || desk.load()) }
    }

    fn load(&self) -> Result<Manifests, ManifestFaults> {
        let system = self.system.as_deref();
        let strategies = Strategy::catalogue().map(|strategy| strategy.name());
        manifest::load(&self.files, Request { system, strategies: &strategies, venues: &VENUES })
    }

    /// Reads the manifests and the data.
    pub(super) fn assembly(&self) -> Result<(Manifests, Assembly), Failure> {
        let manifests = self.manifests()?;
        let environment = Environment::of_process().map_err(Failure::input)?;
        let plan = Plan::of(&manifests, &environment).map_err(Failure::input)?;
        for note in &plan.notes {
            tracing::warn!("{note}");
        }
        let assembly = read(plan)?;
        Ok((manifests, assembly))
    }
}

/// Reads a plan's data, and says what is odd about them.
pub(super) fn read(plan: Plan) -> Result<Assembly, Failure> {
    let mut waiting = None;
    let assembly = Assembly::read(plan, |path| {
        waiting = Some(console::spinner(format!("reading {}", path.display())));
    });
    drop(waiting);
    let assembly = assembly.map_err(Failure::input)?;
    assembly.recordings.iter().for_each(|recording| tell_quality(recording));
    Ok(assembly)
}

/// Says what is odd about a recording, kind by kind: where first, and what was made of it.
fn tell_quality(recording: &Recording) {
    let (symbol, quality) = (recording.symbol(), recording.quality());
    if quality.is_clean() {
        return;
    }
    for (oddity, count, first) in quality.oddities() {
        let (rows, words, treatment) = (quality.rows, oddity.words(), oddity.treatment());
        let first = first.map(|first| format!(", first in {first}")).unwrap_or_default();
        let told = format!("{symbol}: of {rows} rows {count} {words}{first}: {treatment}");
        if oddity.is_suspicious() {
            tracing::warn!("{told}");
        } else {
            tracing::info!("{told}");
        }
    }
    quality.notes.iter().for_each(|note| tracing::warn!("{symbol}: {note}"));
}

impl JournalArgs {
    /// Where it is; `system`'s where a desk is named.
    pub(super) fn path(&self, system: Option<&str>) -> Result<PathBuf, Failure> {
        match (&self.db, system) {
            (Some(path), _) => Ok(path.clone()),
            (None, Some(system)) => store::default_path(system).map_err(Failure::store),
            (None, None) => store::only_journal().map_err(Failure::store),
        }
    }
}

impl RunArgs {
    /// The run that is meant, of those in the journal at `path`.
    pub(super) fn choose(&self, path: &Path, runs: &[StoredRun]) -> Result<RunId, Failure> {
        let newest = runs.last().ok_or_else(|| no_run(path))?.run;
        self.run.map_or(Ok(newest), |run| known(path, run, runs))
    }
}

/// `run`, if the journal holds it.
pub(super) fn known(path: &Path, run: RunId, runs: &[StoredRun]) -> Result<RunId, Failure> {
    if runs.iter().any(|stored| stored.run == run) {
        return Ok(run);
    }
    let known: Vec<_> = runs.iter().map(|stored| stored.run.to_string()).collect();
    let (path, known) = (path.display(), known.join(", "));
    Err(Failure::input(format!("{path}: holds no run {run}; it has {known}")))
}

/// A desk commits its first record as it starts, so a journal without one has lost what it had, or its
/// desk was killed within its first moments.
pub(super) fn no_run(path: &Path) -> Failure {
    Failure::run(format!(
        "{}: holds no run. A desk writes its first record as it starts: either the one that made this \
         file was stopped before that, or its records were deleted. Restore a copy if there should be a \
         run in it",
        path.display()
    ))
}
