//! Whether manifests are what the API server takes: asked of the API server itself, every field checked,
//! and of kubeconform, with schemas made of what this API server says of its kinds. (Published schemas
//! would be of other releases, and far away.)

use std::path::{Path, PathBuf};

use http::Request;
use sapphire_e2e::command::run;
use sapphire_e2e::{Cluster, Tool, until};
use serde_json::{Map, Value, json};
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::installation::{DEFINITIONS, HOME};
use crate::rendering::{cluster, documents};

/// Kinds of Prometheus' operator, as far as the charts use them.
const MONITORING: &str = include_str!("monitoring.yaml");

/// Panics where a rendered document is not taken, or is with a warning.
pub(crate) async fn conforms(rendered: &str) {
    assert!(!documents(rendered).is_empty());
    let schemas = schemas().await;
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), rendered).unwrap();
    let path = file.path().to_str().unwrap();

    // Forced: what Helm installed here meanwhile is not the question.
    let apply = ["apply", "--server-side", "--force-conflicts", "--dry-run=server"];
    let apply = [&apply[..], &["--validate=strict", "-f", path]].concat();
    let said = cluster().await.kubectl(&apply).await.unwrap();
    assert_eq!(said.err, "", "the API server warns or refuses");
    said.ok().unwrap();

    let said = kubeconform(schemas, path).await;
    assert!(said.contains("Invalid: 0, Errors: 0, Skipped: 0"), "{said}");
}

async fn kubeconform(schemas: &Path, path: &str) -> String {
    let location =
        format!("{}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json", schemas.display());
    let mut command = Command::new(cluster().await.assets().path(Tool::Kubeconform).unwrap());
    command.args(["-strict", "-summary", "-schema-location", &location, path]);
    let said = run(command, "").await.unwrap();
    format!("{}{}", said.out, said.err)
}

/// A folder with a schema for each kind that this API server serves; made once.
async fn schemas() -> &'static Path {
    static SCHEMAS: OnceCell<PathBuf> = OnceCell::const_new();
    SCHEMAS.get_or_init(|| async { write_schemas(cluster().await).await }).await
}

async fn write_schemas(cluster: &Cluster) -> PathBuf {
    let _ = cluster.kubectl(&["create", "namespace", HOME]).await.unwrap();
    let apply = ["apply", "--server-side", "-f", "-"];
    cluster.kubectl_with(&apply, MONITORING).await.unwrap().ok().unwrap();
    cluster
        .helm(&["upgrade", "--install", "sapphire-crds", DEFINITIONS, "--wait"])
        .await
        .unwrap()
        .ok()
        .unwrap();
    let established = ["wait", "--for=condition=Established", "crd", "--all"];
    cluster.kubectl(&established).await.unwrap().ok().unwrap();
    let folder = cluster.folder().join("schemas");
    std::fs::create_dir_all(&folder).unwrap();
    for document in said_of_kinds(cluster).await {
        write_kinds(&folder, &document);
    }
    folder
}

/// What the API server says of its kinds, a document a group. It is made anew while kinds come and go: empty for a
/// moment, and then at addresses that an index read before does not know.
async fn said_of_kinds(cluster: &Cluster) -> Vec<Value> {
    let client = &cluster.client().await.unwrap();
    let get = |path: String| async move {
        client.request::<Value>(Request::get(path).body(Vec::new()).ok()?).await.ok()
    };
    until("what the API server says of its kinds", || async {
        let index = get("/openapi/v3".to_owned()).await?;
        let mut documents = Vec::new();
        for (_, group) in index["paths"].as_object()? {
            documents.push(get(group["serverRelativeURL"].as_str()?.to_owned()).await?);
        }
        Some(documents)
    })
    .await
}

/// A file a kind, each with everything that it refers to.
fn write_kinds(folder: &Path, document: &Value) {
    let Some(schemas) = document["components"]["schemas"].as_object() else { return };
    let mut strict = schemas.clone();
    strict.values_mut().for_each(refuse_unknown_fields);
    for (name, schema) in schemas {
        for kind in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let word = |key: &str| kind[key].as_str().unwrap_or_default().to_lowercase();
            // As kubeconform names them: the group's first label, then the version.
            let group = word("group");
            let group = group.split('.').next().unwrap_or_default();
            let version = word("version");
            let suffix = [group, &version].into_iter().filter(|part| !part.is_empty());
            let suffix: String = suffix.map(|part| format!("-{part}")).collect();
            let path = folder.join(format!("{}{suffix}.json", word("kind")));
            let schema = json!({
                "$schema": "http://json-schema.org/draft-07/schema#",
                "$ref": format!("#/components/schemas/{name}"),
                "components": { "schemas": strict },
            });
            std::fs::write(path, schema.to_string()).unwrap();
        }
    }
}

/// The API server prunes what it does not know; a manifest should not have it.
fn refuse_unknown_fields(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    let open = object.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    if object.contains_key("properties") && !object.contains_key("additionalProperties") && !open {
        object.insert("additionalProperties".into(), json!(false));
    }
    if object.remove("nullable") == Some(json!(true)) {
        let inner = Value::Object(std::mem::take(object));
        *object = Map::from_iter([("anyOf".to_owned(), json!([inner, { "type": "null" }]))]);
        return;
    }
    for key in ["properties", "items", "additionalProperties", "allOf", "oneOf", "anyOf"] {
        match object.get_mut(key) {
            Some(Value::Object(below)) if key == "properties" => {
                below.values_mut().for_each(refuse_unknown_fields);
            }
            Some(Value::Array(below)) => below.iter_mut().for_each(refuse_unknown_fields),
            Some(below @ Value::Object(_)) => refuse_unknown_fields(below),
            _ => {}
        }
    }
}

#[tokio::test]
async fn the_definitions_conform() {
    let arguments = ["template", "sapphire-crds", DEFINITIONS];
    let rendered = cluster().await.helm(&arguments).await.unwrap().ok().unwrap();
    conforms(&rendered).await;
}

#[tokio::test]
async fn examples_conform() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let said = kubeconform(schemas().await, examples.to_str().unwrap()).await;
    assert!(said.contains("Invalid: 0, Errors: 0, Skipped: 0"), "{said}");
}

/// Else the tests above would say nothing.
#[tokio::test]
async fn what_is_wrong_is_found() {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    let wrong = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replica: 1, selector: {}, template: {}}\n";
    std::fs::write(file.path(), wrong).unwrap();
    let said = kubeconform(schemas().await, file.path().to_str().unwrap()).await;
    assert!(said.contains("Invalid: 1") && said.contains("replica"), "{said}");
}
