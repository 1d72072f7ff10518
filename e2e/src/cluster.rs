//! What a test talks to: an API server, as an administrator or as a service account.

mod existing;

use std::path::{Path, PathBuf};

use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tokio::process::Command;

use crate::assets::{Assets, Tool};
use crate::command::{self, Outcome};
use crate::error::Error;
use crate::kubeconfig;

/// A token's life, in seconds: longer than any test.
const TOKEN_SECONDS: i64 = 24 * 60 * 60;

/// An API server, and a folder for what talking to it needs.
#[derive(Debug)]
pub struct Cluster {
    kubeconfig: PathBuf,
    folder: PathBuf,
    assets: Assets,
    /// The logs of its parts, where they are this process's own.
    pub(crate) logs: Option<PathBuf>,
}

impl Cluster {
    /// The cluster of a kubeconfig. What is written for it goes to `folder`.
    pub fn new(kubeconfig: PathBuf, folder: PathBuf, assets: Assets) -> Self {
        Self { kubeconfig, folder, assets, logs: None }
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where the programs come from.
    pub fn assets(&self) -> &Assets {
        &self.assets
    }

    /// A folder that goes with the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A client of the administrator's. It belongs to the runtime in which it is made: each test
    /// takes its own.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used.
    pub async fn client(&self) -> Result<Client, Error> {
        client_of(&self.kubeconfig).await
    }

    /// Runs kubectl as administrator.
    ///
    /// # Errors
    /// When it cannot be started; what it says of itself is in the outcome.
    pub async fn kubectl<S: AsRef<str>>(&self, arguments: &[S]) -> Result<Outcome, Error> {
        self.kubectl_with(arguments, "").await
    }

    /// Runs kubectl as administrator with `input` on its standard input, for `-f -`.
    ///
    /// # Errors
    /// When it cannot be started; what it says of itself is in the outcome.
    pub async fn kubectl_with<S: AsRef<str>>(
        &self,
        arguments: &[S],
        input: &str,
    ) -> Result<Outcome, Error> {
        let mut command = self.command(Tool::Kubectl)?;
        command.args(arguments.iter().map(AsRef::as_ref));
        // Its caches of discovery are the cluster's, not the user's.
        command.env("KUBECACHEDIR", self.folder.join("kubectl-cache"));
        command::run(command, input).await
    }

    /// Runs a Helm, which `helm` names, as administrator, with nothing of the user's own configuration.
    ///
    /// # Errors
    /// When it cannot be started; what it says of itself is in the outcome.
    pub async fn helm_of<S: AsRef<str>>(
        &self,
        helm: Tool,
        arguments: &[S],
    ) -> Result<Outcome, Error> {
        let mut command = self.command(helm)?;
        command.args(arguments.iter().map(AsRef::as_ref));
        for (variable, folder) in [
            ("HELM_CACHE_HOME", "helm/cache"),
            ("HELM_CONFIG_HOME", "helm/config"),
            ("HELM_DATA_HOME", "helm/data"),
        ] {
            command.env(variable, self.folder.join(folder));
        }
        command::run(command, "").await
    }

    /// Runs Helm 4 as administrator, with nothing of the user's own configuration.
    ///
    /// # Errors
    /// When it cannot be started; what it says of itself is in the outcome.
    pub async fn helm<S: AsRef<str>>(&self, arguments: &[S]) -> Result<Outcome, Error> {
        self.helm_of(Tool::Helm, arguments).await
    }

    fn command(&self, tool: Tool) -> Result<Command, Error> {
        let mut command = Command::new(self.assets.path(tool)?);
        command.env("KUBECONFIG", &self.kubeconfig).current_dir(&self.folder);
        Ok(command)
    }

    /// A kubeconfig with a token of a service account: a process that uses it has that account's
    /// rights and no other.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn service_account_kubeconfig(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<PathBuf, Error> {
        self.token_kubeconfig(namespace, name, None).await
    }

    /// A kubeconfig with the token that the kubelet would mount into a pod: of the service account,
    /// and saying which pod asks.
    ///
    /// # Errors
    /// When there is no such pod, or it does not say its service account.
    pub async fn pod_kubeconfig(&self, namespace: &str, pod: &str) -> Result<PathBuf, Error> {
        let pods: Api<Pod> = Api::namespaced(self.client().await?, namespace);
        let pod = pods.get(pod).await?;
        let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.clone());
        let bound = BoundObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: pod.metadata.name,
            uid: pod.metadata.uid,
        };
        self.token_kubeconfig(namespace, &account.unwrap_or_default(), Some(bound)).await
    }

    async fn token_kubeconfig(
        &self,
        namespace: &str,
        account: &str,
        bound_object_ref: Option<BoundObjectReference>,
    ) -> Result<PathBuf, Error> {
        let bearer = bound_object_ref.as_ref().and_then(|bound| bound.name.as_deref());
        let file = format!("{namespace}-{}.kubeconfig", bearer.unwrap_or(account));
        let file = self.folder.join(file);
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await?, namespace);
        let spec = TokenRequestSpec {
            audiences: Vec::new(),
            expiration_seconds: Some(TOKEN_SECONDS),
            bound_object_ref,
        };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let answer = accounts.create_token_request(account, &Default::default(), &request).await?;
        let token = answer.status.map(|status| status.token).unwrap_or_default();
        let own = Kubeconfig::read_from(&self.kubeconfig)?;
        kubeconfig::write_for_token(&file, &own, &token, namespace)?;
        Ok(file)
    }
}

/// A client for whomever a kubeconfig names.
///
/// # Errors
/// When the kubeconfig cannot be used.
pub async fn client_of(kubeconfig: &Path) -> Result<Client, Error> {
    let file = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}
