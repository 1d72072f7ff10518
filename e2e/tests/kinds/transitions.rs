//! What may change of an object and what may not, in pairs of the corpus.

use std::path::Path;

use sapphire_e2e::Case;

use super::cluster;
use super::corpus::{documents, manifests};

/// As it was, and as it would be.
fn pairs(file: &Path) -> Vec<(String, String)> {
    let texts: Vec<String> = documents(file).into_iter().map(|(_, text)| text).collect();
    assert!(texts.len().is_multiple_of(2), "{} is not of pairs", file.display());
    texts.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// What the API server says to the change, on standard error.
async fn change(case: &Case<'_>, old: &str, new: &str) -> Result<String, String> {
    let kubectl = async |verb: &str, text: &str| {
        let arguments = [verb, "-n", case.namespace(), "--validate=strict", "-f", "-"];
        let dry: &[&str] = if verb == "replace" { &["--dry-run=server"] } else { &[] };
        case.cluster().kubectl_with(&[&arguments, dry].concat(), text).await.unwrap()
    };
    kubectl("create", old).await.ok().unwrap();
    let said = kubectl("replace", new).await;
    if said.status.success() { Ok(said.err) } else { Err(said.err) }
}

#[tokio::test]
async fn changes_that_the_local_run_allows_are_allowed() {
    let case = Case::new(cluster().await, "changes-allowed").await.unwrap();
    for file in manifests("transitions/allowed") {
        for (old, new) in pairs(&file) {
            assert_eq!(change(&case, &old, &new).await, Ok(String::new()), "{new}");
        }
    }
}

#[tokio::test]
async fn changes_that_the_local_run_refuses_are_refused_in_the_same_words() {
    let case = Case::new(cluster().await, "changes-refused").await.unwrap();
    for file in manifests("transitions/refused") {
        let snap = std::fs::read_to_string(file.with_extension("snap")).unwrap();
        let mut local = snap.split("there is 1 fault in the manifests").skip(1);
        for (old, new) in pairs(&file) {
            // Object, field, what is wrong, and after an arrow what to do.
            let lines: Vec<&str> = local.next().unwrap().trim().lines().map(str::trim).collect();
            let words = format!("{}; {}", lines[2], lines[3].trim_start_matches("→ "));
            let said = change(&case, &old, &new).await.expect_err(&new);
            assert!(said.contains(&words), "{said}\ndoes not say\n{words}");
        }
    }
}
