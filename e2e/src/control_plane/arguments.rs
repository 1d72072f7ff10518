//! The command line of each part.

use std::fs;
use std::path::Path;

use crate::certificates::{AUTHORITY, SERVER, TOKENS_KEY, TOKENS_PUBLIC_KEY};
use crate::error::Error;
use crate::plays::EXPRESSION;

/// The API server's record of requests, in the plane's folder.
pub(super) const AUDIT_LOG: &str = "audit.log";
const AUDIT_POLICY: &str = "audit.yaml";

/// How nodes and pods are played, a file a kind.
const STAGES: [(&str, &str); 4] = [
    ("node.yaml", include_str!("../../stages/node.yaml")),
    ("pod-runs.yaml", include_str!("../../stages/pod-runs.yaml")),
    ("pod-waits.yaml", include_str!("../../stages/pod-waits.yaml")),
    ("pod-ends.yaml", include_str!("../../stages/pod-ends.yaml")),
];

/// Requests per second of each controller: the defaults are made for clusters with other users.
const RATE: [&str; 2] = ["--kube-api-qps=500", "--kube-api-burst=1000"];

/// Writes what the arguments refer to, but for certificates and kubeconfigs.
pub(super) fn write_files(folder: &Path) -> Result<(), Error> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(Error::file("cannot write", path))
    };
    write(AUDIT_POLICY, include_str!("audit.yaml"))?;
    for (name, text) in STAGES {
        write(name, &text.replace("$PLAY", EXPRESSION))?;
    }
    Ok(())
}

/// etcd listens on sockets in its folder: it takes no port, and only the folder's owner reaches it.
/// (Its addresses need a port by their form; the sockets are called `etcd:1` and `peer:1`.)
pub(super) fn etcd(folder: &Path) -> Vec<String> {
    [
        format!("--data-dir={}", folder.join("etcd").display()),
        "--listen-client-urls=unix://etcd:1".into(),
        "--advertise-client-urls=unix://etcd:1".into(),
        "--listen-peer-urls=unix://peer:1".into(),
        "--initial-advertise-peer-urls=unix://peer:1".into(),
        "--initial-cluster=default=unix://peer:1".into(),
        // The data live as long as the test.
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
    ]
    .into()
}

pub(super) fn api_server(folder: &Path, server: &str) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let port = server.rsplit(':').next().unwrap_or_default();
    [
        "--etcd-servers=unix://etcd:1".into(),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        // There is no pod that could use the `kubernetes` Service.
        "--endpoint-reconciler-type=none".into(),
        format!("--secure-port={port}"),
        format!("--tls-cert-file={}", file(SERVER.certificate)),
        format!("--tls-private-key-file={}", file(SERVER.key)),
        format!("--client-ca-file={}", file(AUTHORITY)),
        format!("--cert-dir={}", file("apiserver")),
        "--authorization-mode=RBAC".into(),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-account-key-file={}", file(TOKENS_PUBLIC_KEY)),
        format!("--service-account-signing-key-file={}", file(TOKENS_KEY)),
        // Room for thousands of Services.
        "--service-cluster-ip-range=10.96.0.0/14".into(),
        format!("--audit-policy-file={}", file(AUDIT_POLICY)),
        format!("--audit-log-path={}", file(AUDIT_LOG)),
        // In MiB; a rotated log would lose its first half to the reader.
        "--audit-log-maxsize=100000".into(),
        "--profiling=false".into(),
    ]
    .into()
}

pub(super) fn controller_manager(folder: &Path, kubeconfig: &Path) -> Vec<String> {
    let mut arguments = vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--root-ca-file={}", folder.join(AUTHORITY).display()),
        format!("--service-account-private-key-file={}", folder.join(TOKENS_KEY).display()),
        "--use-service-account-credentials=true".into(),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
        // 15 s by default.
        "--horizontal-pod-autoscaler-sync-period=2s".into(),
    ];
    arguments.extend(RATE.map(str::to_owned));
    arguments
}

pub(super) fn scheduler(_: &Path, kubeconfig: &Path) -> Vec<String> {
    let mut arguments = vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
    ];
    arguments.extend(RATE.map(str::to_owned));
    arguments
}

pub(super) fn kwok(folder: &Path, kubeconfig: &Path) -> Vec<String> {
    let mut arguments = vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        "--manage-all-nodes=true".into(),
        "--node-ip=10.0.0.1".into(),
        "--cidr=10.128.0.0/16".into(),
        "--node-lease-duration-seconds=40".into(),
    ];
    for (name, _) in STAGES {
        arguments.push(format!("--config={}", folder.join(name).display()));
    }
    arguments
}
