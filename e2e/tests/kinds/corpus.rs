//! The corpus of manifests: the API server judges each object as the local run does.

use std::path::{Path, PathBuf};

use futures::stream::{self, StreamExt};
use sapphire_e2e::Cluster;
use sapphire_e2e::command::Outcome;

use super::cluster;

/// kubectl is a process each: as many at once as keep two cores busy.
const AT_ONCE: usize = 4;

pub(super) fn manifests(part: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/corpus").join(part);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Where a document stands, and the document.
pub(super) fn documents(file: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let documents = text.split("\n---\n").enumerate();
    documents
        .map(|(index, text)| (format!("{name}, document {}", index + 1), text.to_owned()))
        .collect()
}

async fn judge(cluster: &Cluster, manifests: &str) -> Outcome {
    let arguments = ["create", "--dry-run=server", "--validate=strict", "-f", "-"];
    cluster.kubectl_with(&arguments, manifests).await.unwrap()
}

/// What is said against a document. One of ours goes to the API server as it is written, since kubectl
/// makes JSON of it and by that drops a key that is written twice; all else is kubectl's to refuse.
async fn refusal(cluster: &Cluster, manifest: &str) -> Option<String> {
    let Some(plural) = plural_of(manifest) else {
        let said = judge(cluster, manifest).await;
        return (!said.status.success()).then_some(said.err);
    };
    let path = format!(
        "/apis/{}/namespaces/default/{plural}?dryRun=All&fieldValidation=Strict",
        sapphire_crds::API_VERSION
    );
    let request = http::Request::post(path).header("content-type", "application/yaml");
    let request = request.body(manifest.as_bytes().to_vec()).unwrap();
    match cluster.client().await.unwrap().request_text(request).await {
        Ok(_) => None,
        Err(kube::Error::Api(status)) => Some(status.message.clone()),
        Err(error) => panic!("{error}"),
    }
}

/// The plural of a document of ours that names no namespace (a path would have to name it too).
fn plural_of(manifest: &str) -> Option<String> {
    let value = |key: &str| manifest.lines().find_map(|line| line.strip_prefix(key));
    let ours = value("apiVersion: ") == Some(sapphire_crds::API_VERSION);
    let kind = value("kind: ").filter(|_| ours && !manifest.contains("namespace:"))?;
    let definitions = sapphire_crds::custom_resource_definitions();
    definitions.into_iter().find(|d| d.spec.names.kind == kind).map(|d| d.spec.names.plural)
}

async fn create_namespaces(cluster: &Cluster, files: &[PathBuf]) {
    let mut names = std::collections::BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for rest in text.split("namespace:").skip(1) {
            let word = rest.trim_start().split([',', '}', '\n']).next().unwrap();
            names.insert(word.trim().to_owned());
        }
    }
    for name in names {
        let said = cluster.kubectl(&["create", "namespace", &name]).await.unwrap();
        assert!(said.status.success() || said.err.contains("AlreadyExists"), "{}", said.err);
    }
}

#[rstest::rstest]
#[case::good("good")]
#[case::conflicts("conflicts")]
#[tokio::test]
async fn objects_that_the_local_run_accepts_are_accepted(#[case] part: &str) {
    let cluster = cluster().await;
    let files = manifests(part);
    create_namespaces(cluster, &files).await;
    let refusals: Vec<String> = stream::iter(files)
        .map(|file| async move {
            let said = judge(cluster, &std::fs::read_to_string(&file).unwrap()).await;
            (!said.err.is_empty()).then(|| format!("{}: {}", file.display(), said.err))
        })
        .buffered(AT_ONCE)
        .filter_map(|refusal| async { refusal })
        .collect()
        .await;
    assert!(refusals.is_empty(), "refused or warned of:\n{}", refusals.join("\n"));
}

async fn refusals() -> Vec<(String, Option<String>)> {
    let cluster = cluster().await;
    let documents: Vec<_> = manifests("bad").iter().flat_map(|file| documents(file)).collect();
    stream::iter(documents)
        .map(|(place, text)| async move { (place, refusal(cluster, &text).await) })
        .buffered(AT_ONCE)
        .collect()
        .await
}

#[tokio::test]
async fn every_document_that_the_local_run_refuses_is_refused() {
    let refusals = refusals().await;
    let accepted: Vec<&String> =
        refusals.iter().filter(|(_, said)| said.is_none()).map(|(place, _)| place).collect();
    assert!(accepted.is_empty(), "accepted: {accepted:#?}");
}

/// A percentage is a mistake with its unit; which of two limits is the greater is not the question then.
#[tokio::test]
async fn a_wrong_unit_is_refused_in_words_and_leads_nobody_astray() {
    let refusals = refusals().await;
    let units: Vec<&str> = refusals
        .iter()
        .filter(|(place, _)| place.starts_with("wrong-units.yaml"))
        // Of an object with a wrong type or word no rule is judged.
        .filter(|(_, said)| said.as_ref().is_none_or(|said| !said.contains("must be of type")))
        .filter_map(|(_, said)| said.as_deref())
        .collect();
    assert_eq!(units.len(), 3);
    for said in &units {
        assert!(said.contains("; write "), "{said}");
        for astray in ["type conversion error", "should match", "above maxDrawdown"] {
            assert!(!said.contains(astray), "{said}");
        }
    }
    let told = ["25 % is \"0.25\"", "one unit of us, ms, s, m or h", "a Kubernetes quantity"];
    for words in told {
        assert!(units.iter().any(|said| said.contains(words)), "{words}: {units:#?}");
    }
}

#[tokio::test]
async fn every_rule_is_refused_in_its_own_words() {
    let said: String = refusals().await.into_iter().filter_map(|(_, said)| said).collect();
    let unsaid: Vec<String> = rules().into_iter().filter(|rule| !said.contains(rule)).collect();
    assert!(unsaid.is_empty(), "no refusal says: {unsaid:#?}");
}

/// The messages of all rules; of one that puts values in, the words after the last of them.
fn rules() -> Vec<String> {
    let mut messages = Vec::new();
    for definition in sapphire_crds::custom_resource_definitions() {
        collect(&serde_json::to_value(&definition).unwrap(), &mut messages);
    }
    assert!(messages.len() > 30, "{messages:?}");
    messages
}

fn collect(node: &serde_json::Value, messages: &mut Vec<String>) {
    for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
        // A rule on a change has nothing to say of a new object.
        if rule["rule"].as_str().unwrap().contains("oldSelf") {
            continue;
        }
        messages.push(match (rule["message"].as_str(), rule["messageExpression"].as_str()) {
            (Some(message), _) => message.to_owned(),
            (None, expression) => {
                let last = expression.unwrap().rsplit(" + '").next().unwrap();
                last.trim_end_matches('\'').to_owned()
            }
        });
    }
    match node {
        serde_json::Value::Object(members) => {
            members.values().for_each(|member| collect(member, messages));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, messages)),
        _ => {}
    }
}
