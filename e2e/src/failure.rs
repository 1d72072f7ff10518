//! What is kept of a test that failed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::assets::Tool;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::ports::random;

/// What is written of a test's namespace, a file each. (Not Secrets: what they hold stays theirs.)
const KINDS: [&str; 18] = [
    "tradingsystems.sapphiretrade.xyz",
    "tradingagents.sapphiretrade.xyz",
    "riskpolicies.sapphiretrade.xyz",
    "pods",
    "deployments.apps",
    "replicasets.apps",
    "controllerrevisions.apps",
    "leases.coordination.k8s.io",
    "events",
    "services",
    "configmaps",
    "persistentvolumeclaims",
    "serviceaccounts",
    "roles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "horizontalpodautoscalers.autoscaling",
    "poddisruptionbudgets.policy",
    "networkpolicies.networking.k8s.io",
];

/// Copies the cluster's logs and writes the namespace's objects to a folder in [`place`]; the folder.
///
/// # Errors
/// When the folder cannot be written. What kubectl cannot tell is left out.
pub fn keep(cluster: &Cluster, name: &str, namespace: &str) -> Result<PathBuf, Error> {
    let folder = place().join(format!("{name}-{:08x}", random(0) & 0xffff_ffff));
    let objects = folder.join("objects");
    fs::create_dir_all(&objects).map_err(Error::file("cannot create", &objects))?;
    if let Some(logs) = &cluster.logs {
        copy_files(logs, &folder.join("logs"))?;
    }
    let kubectl = cluster.assets().path(Tool::Kubectl)?;
    for kind in KINDS {
        let output = Command::new(&kubectl)
            .args(["get", kind, "--namespace", namespace, "--output=yaml"])
            .args(["--request-timeout=5s"])
            .env("KUBECONFIG", cluster.kubeconfig())
            .stdin(Stdio::null())
            .output();
        if let Some(output) = output.ok().filter(|output| output.status.success()) {
            let file = objects.join(format!("{}.yaml", kind.split('.').next().unwrap_or(kind)));
            fs::write(&file, output.stdout).map_err(Error::file("cannot write", file))?;
        }
    }
    Ok(folder)
}

/// Where failures are kept: `SAPPHIRE_E2E_FAILURES`, else `e2e-failures` beside the build's output.
pub fn place() -> PathBuf {
    if let Some(named) = std::env::var_os("SAPPHIRE_E2E_FAILURES").filter(|v| !v.is_empty()) {
        return named.into();
    }
    // TARGET/debug/deps/test-…
    let own = std::env::current_exe().unwrap_or_default();
    let target = own
        .ancestors()
        .nth(3)
        .filter(|_| own.parent().and_then(Path::file_name).is_some_and(|folder| folder == "deps"));
    target.map_or_else(std::env::temp_dir, Path::to_owned).join("e2e-failures")
}

fn copy_files(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::file("cannot create", to))?;
    let entries = fs::read_dir(from).map_err(Error::file("cannot read", from))?;
    for entry in entries.flatten() {
        let path = entry.path();
        fs::copy(&path, to.join(entry.file_name())).map_err(Error::file("cannot copy", path))?;
    }
    Ok(())
}
