//! The examples are applied as they are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sapphire_e2e::Case;

use super::cluster;

fn folders_with_manifests(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folders_with_manifests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.insert(folder.to_owned());
        }
    }
}

/// Whoever applies an example as it is gets no password that somebody else knows, but one that says what to
/// do with it.
#[test]
fn secrets_of_examples_hold_nothing_but_words_to_replace() {
    let mut folders = BTreeSet::new();
    folders_with_manifests(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples"),
        &mut folders,
    );
    let mut values = 0;
    for folder in folders {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let secrets =
                text.split("\n---").filter(|document| document.contains("\nkind: Secret\n"));
            for secret in secrets {
                assert!(!secret.contains("\ndata:"), "{}: encoded is not hidden", path.display());
                let (_, data) = secret.split_once("\nstringData:\n").unwrap();
                let data = data.lines().map(str::trim).filter(|line| !line.starts_with('#'));
                for line in data.filter(|line| !line.is_empty()) {
                    assert!(line.contains("replace-me"), "{}: {line}", path.display());
                    values += 1;
                }
            }
        }
    }
    assert!(values >= 6, "{values}");
}

#[tokio::test]
async fn examples_are_accepted_without_a_warning() {
    let case = Case::new(cluster().await, "examples").await.unwrap();
    let mut folders = BTreeSet::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    folders_with_manifests(&examples, &mut folders);
    assert!(folders.len() > 2, "{folders:?}");
    for folder in folders {
        let folder = folder.to_str().unwrap();
        let arguments = [
            "apply",
            "-n",
            case.namespace(),
            "--dry-run=server",
            "--validate=strict",
            "-f",
            folder,
        ];
        let said = case.cluster().kubectl(&arguments).await.unwrap();
        assert_eq!(said.err, "", "{folder}");
        said.ok().unwrap();
    }
}
