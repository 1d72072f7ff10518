//! Finds and reads manifests.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::Faults;
use super::fault::{FaultCode, ManifestFault};
use super::regular_file::open_regular;

/// The largest manifest that is read: a thousand objects of several kilobytes each.
const LARGEST: usize = 4 << 20;

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
    found.retain(|file| is_manifest(file));
    found.sort();
    if found.is_empty() {
        let below = folders_with_manifests(path);
        let (message, remedy) = if below.is_empty() {
            (
                "holds no manifest",
                "name a directory with *.yaml, *.yml or *.json files, or the files themselves"
                    .into(),
            )
        } else {
            let names: Vec<String> = below.iter().map(|path| path.display().to_string()).collect();
            (
                "holds no manifest itself, but its folders do",
                format!("name one: {}", names.join(", ")),
            )
        };
        faults.push(ManifestFault::of_file(FaultCode::Unreadable, path, message.into(), remedy));
    }
    found
}

fn is_manifest(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json")) && !file.is_dir()
}

/// Folders right below one that hold manifests, in the order of their names.
fn folders_with_manifests(path: &Path) -> Vec<PathBuf> {
    let entries = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries(path)
        .map(|entry| entry.path())
        .filter(|below| entries(below).any(|entry| is_manifest(&entry.path())))
        .collect();
    folders.sort();
    folders
}

/// Reads one file.
pub(super) fn read_file(path: &Path, faults: &mut Faults) -> Option<ManifestFile> {
    let fault = |code, message: &str, remedy: &str| {
        ManifestFault::of_file(code, path, message.to_owned(), remedy.to_owned())
    };
    match content(path).map(|bytes| (bytes.len(), String::from_utf8(bytes))) {
        Ok((length, _)) if length > LARGEST => faults.push(fault(
            FaultCode::Unreadable,
            &format!("is longer than {} MiB, as no manifest is", LARGEST >> 20),
            "name the file of the manifest, or split it",
        )),
        Ok((_, Ok(text))) => return Some(ManifestFile { path: path.to_owned(), text }),
        Ok((_, Err(_))) => faults.push(fault(
            FaultCode::NotYaml,
            "is not UTF-8 text",
            "save it as UTF-8, or leave it out",
        )),
        Err(error) => faults.push(unreadable(path, &error)),
    }
    None
}

/// What a file holds, or the first bytes of it when it is longer than a manifest may be.
fn content(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> ManifestFault {
    let remedy = match error.kind() {
        ErrorKind::InvalidInput => "write the manifest to a file, and name that",
        _ => "check the path and its permissions",
    };
    let message = format!("cannot be read: {error}");
    ManifestFault::of_file(FaultCode::Unreadable, path, message, remedy.into())
}
