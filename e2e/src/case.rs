//! One test's corner of a cluster.

mod play;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use crate::assets::Tool;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::failure;
use crate::ports::random;

/// Namespaces of tests bear it, so that they can be told from those of people.
pub const LABEL: &str = "sapphiretrade.xyz/e2e";

/// A test's namespace. When the test panics, the cluster's logs and the namespace's objects are kept
/// in a folder that the output names; else the namespace goes.
pub struct Case<'a> {
    cluster: &'a Cluster,
    name: String,
    namespace: String,
    client: Client,
    forsaken: bool,
}

impl<'a> Case<'a> {
    /// A new namespace on a cluster, called after the test.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn new(cluster: &'a Cluster, name: &str) -> Result<Self, Error> {
        let client = cluster.client().await?;
        let word: String = name.replace('_', "-").chars().take(40).collect();
        let namespace = format!("{}-{:04x}", word.trim_end_matches('-'), random(0) & 0xffff);
        let object = Namespace {
            metadata: ObjectMeta {
                name: Some(namespace.clone()),
                labels: Some([(LABEL.to_owned(), String::new())].into()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        Api::all(client.clone()).create(&PostParams::default(), &object).await?;
        Ok(Self { cluster, name: name.to_owned(), namespace, client, forsaken: false })
    }

    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The administrator's client.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The cluster.
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// A kind's objects in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Applies manifests to this namespace with kubectl, every field checked; what kubectl said, and
    /// on standard error any warning.
    ///
    /// # Errors
    /// When kubectl cannot be started.
    pub async fn apply(&self, manifests: &str) -> Result<crate::command::Outcome, Error> {
        let arguments = ["apply", "-n", &self.namespace, "--validate=strict", "-f", "-"];
        self.cluster.kubectl_with(&arguments, manifests).await
    }

    /// No operator is left: what it would take its finalizers off goes without that.
    pub fn forsake(&mut self) {
        self.forsaken = true;
    }

    /// Keeps logs and objects now; the folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self) -> Result<PathBuf, Error> {
        failure::keep(self.cluster, &self.name, &self.namespace)
    }
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            match self.keep() {
                Ok(folder) => eprintln!("logs and objects are kept in {}", folder.display()),
                Err(error) => eprintln!("logs and objects could not be kept: {error}"),
            }
        }
        let Ok(kubectl) = self.cluster.assets().path(Tool::Kubectl) else { return };
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&kubectl);
            command.args(arguments).args(["-n", &self.namespace, "--request-timeout=5s"]);
            command.env("KUBECONFIG", self.cluster.kubeconfig()).stdin(Stdio::null());
            // The cluster may be gone, by the test's own doing.
            command.output().map_or_else(|_| Vec::new(), |output| output.stdout)
        };
        run(&["delete", "namespace", &self.namespace, "--wait=false"]);
        if self.forsaken {
            let names = run(&["get", "tsys,tagent,rpol", "-o", "name"]);
            let names = String::from_utf8_lossy(&names);
            let names: Vec<&str> = names.lines().collect();
            let patch = ["patch", "--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#];
            if !names.is_empty() {
                run(&[&patch[..], &names].concat());
            }
        }
    }
}
