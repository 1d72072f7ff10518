//! Finds and reads manifests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Faults;
use super::fault::{FaultCode, ManifestFault};

/// One manifest as it was read.
#[derive(Debug)]
pub(super) struct ManifestFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Reads files, and directories not recursively; a file that is named twice is read once.
pub(super) fn read<P: AsRef<Path>>(paths: &[P], faults: &mut Faults) -> Vec<ManifestFile> {
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        for path in expand(path, faults) {
            let identity = path.canonicalize().unwrap_or_else(|_| path.clone());
            if seen.insert(identity) {
                files.extend(read_file(&path, faults));
            }
        }
    }
    files
}

/// The manifests that a path stands for.
fn expand(path: &Path, faults: &mut Faults) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            faults.push(unreadable(path, &error));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => found.push(entry.path()),
            Err(error) => faults.push(unreadable(path, &error)),
        }
    }
    found.retain(|file| {
        let extension = file.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("yaml" | "yml")) && !file.is_dir()
    });
    found.sort();
    if found.is_empty() {
        faults.push(ManifestFault::of_file(
            FaultCode::Unreadable,
            path,
            "holds no manifest".into(),
            "name a directory with *.yaml files, or the files themselves".into(),
        ));
    }
    found
}

/// Reads one file.
pub(super) fn read_file(path: &Path, faults: &mut Faults) -> Vec<ManifestFile> {
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => vec![ManifestFile { path: path.to_owned(), text }],
        Ok(Err(_)) => {
            faults.push(ManifestFault::of_file(
                FaultCode::NotYaml,
                path,
                "is not UTF-8 text".into(),
                "save it as UTF-8, or leave it out".into(),
            ));
            Vec::new()
        }
        Err(error) => {
            faults.push(unreadable(path, &error));
            Vec::new()
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ManifestFault {
    ManifestFault::of_file(
        FaultCode::Unreadable,
        path,
        format!("cannot be read: {error}"),
        "check the path and its permissions".into(),
    )
}
