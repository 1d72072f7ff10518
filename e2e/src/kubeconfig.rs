//! Kubeconfigs: who talks to which API server.

use std::io::Write;
use std::path::Path;

use kube::config::{AuthInfo, Cluster, Kubeconfig};
use serde_json::{Value, json};

use crate::certificates::{AUTHORITY, Pair};
use crate::error::Error;

const NAME: &str = "sapphire-e2e";

/// Writes a kubeconfig for the holder of a certificate. `folder` holds the certificates.
///
/// # Errors
/// When the file cannot be written.
pub fn write_for_certificate(
    file: &Path,
    server: &str,
    folder: &Path,
    user: Pair,
) -> Result<(), Error> {
    let cluster = Cluster {
        server: Some(server.to_owned()),
        certificate_authority: Some(folder.join(AUTHORITY).display().to_string()),
        ..Cluster::default()
    };
    let user = AuthInfo {
        client_certificate: Some(folder.join(user.certificate).display().to_string()),
        client_key: Some(folder.join(user.key).display().to_string()),
        ..AuthInfo::default()
    };
    write(file, &cluster, &json!(user), None)
}

/// Writes a kubeconfig for the bearer of a token, for the cluster of another kubeconfig's current
/// context.
///
/// # Errors
/// When the other kubeconfig names no cluster, or the file cannot be written.
pub fn write_for_token(
    file: &Path,
    of: &Kubeconfig,
    token: &str,
    namespace: &str,
) -> Result<(), Error> {
    write(file, &current_cluster(of)?, &json!({ "token": token }), Some(namespace))
}

fn current_cluster(of: &Kubeconfig) -> Result<Cluster, Error> {
    let context =
        of.contexts.iter().find(|context| Some(&context.name) == of.current_context.as_ref());
    let name = context.and_then(|context| context.context.as_ref()).map(|context| &context.cluster);
    let named = of.clusters.iter().find(|cluster| Some(&cluster.name) == name);
    named.and_then(|cluster| cluster.cluster.clone()).ok_or_else(|| {
        let none = "the current context names no cluster".to_owned();
        Error::Command { command: "reading the kubeconfig".to_owned(), output: none }
    })
}

fn write(
    file: &Path,
    cluster: &Cluster,
    user: &Value,
    namespace: Option<&str>,
) -> Result<(), Error> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": NAME, "cluster": cluster }],
        "users": [{ "name": NAME, "user": user }],
        "contexts": [{
            "name": NAME,
            "context": { "cluster": NAME, "user": NAME, "namespace": namespace.unwrap_or("default") },
        }],
        "current-context": NAME,
    });
    // JSON is YAML.
    let text = format!("{config:#}");
    // Beside its place, so that whoever reads it meanwhile finds the former one whole. A temporary file is
    // its owner's alone.
    let beside = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")));
    let written = beside.and_then(|mut beside| {
        beside.write_all(text.as_bytes())?;
        Ok(beside.persist(file)?)
    });
    written.map(|_| ()).map_err(Error::file("cannot write", file))
}
