//! The desks that are measured: manifests of this folder over the caller's data.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use sapphire_agents::Strategy;
use sapphire_crds::manifest::{self, Request};
use sapphire_engine::market::Bar;
use sapphire_engine::time::Span;
use sapphire_trader::config::{Environment, Plan};
use sapphire_trader::desk::Assembly;
use sapphire_trader::market::Recording;

use crate::Failure;

pub(crate) const EMA_CROSS: &str = "ema-cross";
pub(crate) const FIVE_AGENTS: &str = "five-agents";
pub(crate) const STREAM: &str = "stream";
pub(crate) const INTENT: &str = "intent";

/// A desk's plan, with its data taken from `data`.
pub(crate) fn plan(name: &str, data: &Path) -> Result<Plan, Failure> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("benches/desks/{name}.yaml"));
    // A manifest finds its data beside itself.
    let folder = tempfile::tempdir()?;
    fs::copy(manifest, folder.path().join("desk.yaml"))?;
    for file in fs::read_dir(data)? {
        let file = file?;
        symlink(file.path(), folder.path().join(file.file_name()))?;
    }
    let strategies = Strategy::catalogue().map(|strategy| strategy.name());
    let venues = ["paper.data.file", "paper.data.files"];
    let request = Request { system: None, strategies: &strategies, venues: &venues };
    let manifests = manifest::load(&[folder.path().join("desk.yaml")], request)?;
    let mut plan = Plan::of(&manifests, &Environment::default())?;
    for recording in &mut plan.data {
        recording.path = fs::canonicalize(&recording.path)?;
    }
    Ok(plan)
}

/// A desk with its data decoded.
pub(crate) fn assembly(name: &str, data: &Path) -> Result<Assembly, Failure> {
    Ok(Assembly::read(plan(name, data)?, |_| {})?)
}

/// The same bars `times` over, one after the other, without a gap.
pub(crate) fn repeated(assembly: &Assembly, times: i64) -> Result<Assembly, Failure> {
    let interval = assembly.plan.engine.bar_interval;
    let mut recordings = Vec::new();
    for recording in &assembly.recordings {
        let bars = recording.bars().ok_or("only bars are repeated")?;
        let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
            return Err("there are no bars".into());
        };
        let length = last.open_time + interval - first.open_time;
        let shifted = |time: i64| {
            bars.iter()
                .map(move |bar| Bar { open_time: bar.open_time + Span(length.0 * time), ..*bar })
        };
        let bars = (0..times).flat_map(shifted).collect();
        recordings.push(Arc::new(Recording::of_bars(recording.symbol(), interval, bars)?));
    }
    Ok(Assembly { plan: assembly.plan.clone(), recordings })
}
