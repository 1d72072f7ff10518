//! Manifests on a laptop: what `kubectl apply -f DIR` gives a cluster, [`load`] gives a local run.
//!
//! Every document is held against the same schema and CEL rules as the API server would, then the
//! objects are held against each other. All faults of all files come back at once.

mod desk;
mod document;
mod fault;
mod files;
mod hidden;
mod in_memory;
mod object;
mod regular_file;
mod relations;
mod rules;
mod shape;
mod suggestion;
mod yaml;

use std::path::Path;

pub use desk::{Desk, MarketData, Source};
pub use fault::{FaultCode, ManifestFault, ManifestFaults};
pub use in_memory::{Checked, check_change, check_object};
pub use regular_file::open_regular;

use crate::RiskPolicy;
use document::{Document, Kind};
use files::ManifestFile;
use hidden::Hidden;

/// What the caller asks for and can run.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Which TradingSystem to run, where the manifests hold several.
    pub system: Option<&'a str>,
    /// The strategies that the caller has an engine for, by their names in the manifest.
    pub strategies: &'a [&'a str],
    /// The venues that the caller can trade on: of `paper.data.file`, `paper.data.files`,
    /// `paper.data.exchange` and `aster`.
    pub venues: &'a [&'a str],
}

/// Reads a desk: `paths` are manifests, or directories whose `*.yaml`, `*.yml` and `*.json` are read in order
/// of their names.
///
/// # Errors
/// Every fault of every file: unreadable, not YAML, not of the schema, against a rule, or at odds with
/// another object.
pub fn load<P: AsRef<Path>>(paths: &[P], request: Request<'_>) -> Result<Desk, ManifestFaults> {
    let mut faults = Vec::new();
    let files = files::read(paths, &mut faults);
    let mut hidden = Hidden::default();
    if !faults.is_empty() {
        hidden.anything();
    }
    let documents = document::parse_all(&files, &mut faults, &mut hidden);
    let objects = object::check_all(&documents, hidden, &mut faults);
    if faults.is_empty() && objects.systems.is_empty() {
        faults.push(no_system(paths));
    }
    let chosen = relations::check(&objects, request, &mut faults);
    let desk = chosen.map(|chosen| Desk::of(&chosen, &documents));
    match desk {
        Some(desk) if faults.is_empty() => Ok(desk.with_sources(files)),
        _ => Err(ManifestFaults::new(faults)),
    }
}

/// Checks every object by itself, as the API server does when they are applied: schemas and rules, but
/// not what objects say of each other. Gives their number.
///
/// # Errors
/// Every fault of every file.
pub fn check<P: AsRef<Path>>(paths: &[P]) -> Result<usize, ManifestFaults> {
    read_objects(paths).map(|written| written.objects.len())
}

/// What manifests hold, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The objects of our kinds, in the order of the files, as JSON.
    pub objects: Vec<serde_json::Value>,
    /// The kinds of all others, such as Secret, which nobody looked at.
    pub others: Vec<String>,
}

/// Reads manifests and checks every object of ours by itself, as [`check`] does.
///
/// # Errors
/// Every fault of every file.
pub fn read_objects<P: AsRef<Path>>(paths: &[P]) -> Result<Written, ManifestFaults> {
    let mut faults = Vec::new();
    let files = files::read(paths, &mut faults);
    let mut hidden = Hidden::default();
    if !faults.is_empty() {
        hidden.anything();
    }
    let documents = document::parse_all(&files, &mut faults, &mut hidden);
    let _ = object::check_all(&documents, hidden, &mut faults);
    if !faults.is_empty() {
        return Err(ManifestFaults::new(faults));
    }
    let (others, ours): (Vec<_>, Vec<_>) =
        documents.into_iter().partition(|document| matches!(document.kind, Kind::Foreign(_)));
    Ok(Written {
        objects: ours.iter().map(|document| document.root.value.to_json()).collect(),
        others: others.iter().map(|document| document.kind.name().to_owned()).collect(),
    })
}

fn no_system<P: AsRef<Path>>(paths: &[P]) -> ManifestFault {
    let path = paths.first().map_or(Path::new("."), AsRef::as_ref);
    ManifestFault::of_file(
        FaultCode::NotFound,
        path,
        "holds no TradingSystem".into(),
        "name the manifest of a TradingSystem as well, such as examples/quickstart".into(),
    )
}

/// The manifests as they are now, unjudged: for who wants to know whether they changed. What cannot be
/// read is left out.
pub fn read_sources<P: AsRef<Path>>(paths: &[P]) -> Vec<Source> {
    files::read(paths, &mut Vec::new()).into_iter().map(Source::from).collect()
}

/// Reads one manifest, as a running desk does to see whether it changed.
///
/// # Errors
/// When it is no regular file, is longer than a manifest may be, or cannot be read.
pub fn read(path: &Path) -> Result<Source, ManifestFaults> {
    let mut faults = Vec::new();
    let read = files::read_file(path, &mut faults);
    read.map(Source::from).ok_or_else(|| ManifestFaults::new(faults))
}

/// The objects of a text as [`policy_in`] reads them, whatever their kind: of documents that can be read, the others left
/// out.
pub fn objects_in(text: &str) -> Vec<serde_json::Value> {
    let documents = yaml::parse(text).into_iter().filter_map(Result::ok);
    documents.flat_map(document::objects).map(|object| object.value.to_json()).collect()
}

/// The RiskPolicy of that name in a manifest that was read. What else the manifest holds is not judged.
///
/// # Errors
/// Every fault of the policy, or that the manifest does not hold it.
pub fn policy_in(source: &Source, name: &str) -> Result<RiskPolicy, ManifestFaults> {
    let mut faults = Vec::new();
    let path = &source.path;
    let files = [ManifestFile { path: path.clone(), text: source.text.clone() }];
    let documents = document::parse_all(&files, &mut faults, &mut Hidden::default());
    let wanted: Vec<&Document<'_>> = documents
        .iter()
        .filter(|document| document.kind == Kind::RiskPolicy && document.name() == Some(name))
        .collect();
    // Others' faults are others' business, but a file that is not YAML may hide the policy.
    faults.retain(|fault| matches!(fault.code, FaultCode::Unreadable | FaultCode::NotYaml));
    match wanted.as_slice() {
        [document] => {
            let policy = object::check_policy(document, &mut faults);
            if let (Some(policy), true) = (policy, faults.is_empty()) {
                return Ok(policy);
            }
        }
        [] if faults.is_empty() => faults.push(ManifestFault::of_file(
            FaultCode::NotFound,
            path,
            format!("holds no RiskPolicy named {name}"),
            format!(
                "put the RiskPolicy {name} back, or restart with the manifests as they are now"
            ),
        )),
        [] => {}
        [_, second, ..] => faults.push(second.fault(
            FaultCode::Duplicate,
            "metadata.name",
            format!("is a second RiskPolicy named {name} in this file"),
            "remove one of them".into(),
        )),
    }
    Err(ManifestFaults::new(faults))
}

pub(crate) type Faults = Vec<ManifestFault>;
