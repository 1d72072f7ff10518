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
