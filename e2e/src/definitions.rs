//! Sapphire's kinds on a cluster.

use sapphire_crds::custom_resource_definitions;
use serde_json::json;

use crate::cluster::Cluster;
use crate::command::Outcome;
use crate::error::Error;

/// Installs the definitions from the types, as a chart does, and waits until they are served. What
/// kubectl said; warnings are on its standard error.
///
/// # Errors
/// When one is refused or does not become Established.
pub async fn install(cluster: &Cluster) -> Result<Outcome, Error> {
    // JSON is YAML, and a list is one object to kubectl.
    let list =
        json!({ "apiVersion": "v1", "kind": "List", "items": custom_resource_definitions() });
    let apply = ["apply", "--server-side", "-f", "-"];
    let applied = cluster.kubectl_with(&apply, &list.to_string()).await?;
    let said = applied.clone();
    applied.ok()?;
    let mut wait = vec!["wait".to_owned(), "--for=condition=Established".into()];
    wait.push("--timeout=60s".into());
    for definition in custom_resource_definitions() {
        wait.push(format!("crd/{}", definition.metadata.name.unwrap_or_default()));
    }
    cluster.kubectl(&wait).await?.ok()?;
    Ok(said)
}
