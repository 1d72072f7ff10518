//! The cluster that `KUBECONFIG` names.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, Client};
use sapphire_crds::TradingSystem;
use tokio::sync::OnceCell;

use super::Cluster;
use crate::assets::Assets;
use crate::case::LABEL;
use crate::control_plane::{ControlPlane, new_folder};
use crate::error::Error;
use crate::supervisor::Supervisor;

/// A cluster of somebody else's, and the supervisor of the folder for what is written for it.
struct Existing {
    cluster: Cluster,
    _supervisor: Supervisor,
}

impl Cluster {
    /// The cluster for tests that need an API server and nothing of its inside: the one that
    /// `KUBECONFIG` names, else [`ControlPlane::shared`]'s.
    ///
    /// # Errors
    /// When there is none, or people trade on it.
    pub async fn shared() -> Result<&'static Self, Error> {
        static EXISTING: OnceCell<Existing> = OnceCell::const_new();
        let named = std::env::var("KUBECONFIG").unwrap_or_default();
        match named.split(':').find(|path| !path.is_empty()) {
            None => Ok(ControlPlane::shared().await?.cluster()),
            Some(path) => {
                let existing = EXISTING.get_or_try_init(|| take(PathBuf::from(path))).await?;
                Ok(&existing.cluster)
            }
        }
    }
}

async fn take(kubeconfig: PathBuf) -> Result<Existing, Error> {
    let folder = new_folder()?;
    let supervisor = Supervisor::start(&folder)?;
    let cluster = Cluster::new(kubeconfig, folder, Assets::from_environment());
    refuse_if_in_use(&cluster.client().await?).await?;
    Ok(Existing { cluster, _supervisor: supervisor })
}

/// Tests replace our definitions and act on all systems: a cluster with desks of people is not for
/// them.
async fn refuse_if_in_use(client: &Client) -> Result<(), Error> {
    let systems: Api<TradingSystem> = Api::all(client.clone());
    let desks = match systems.list(&ListParams::default()).await {
        Ok(list) => list.items,
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let tests = namespaces.list_metadata(&ListParams::default().labels(LABEL)).await?;
    let of_tests = |namespace: &Option<String>| {
        tests.items.iter().any(|test| test.metadata.name == *namespace)
    };
    match desks.iter().find(|desk| !of_tests(&desk.metadata.namespace)) {
        None => Ok(()),
        Some(desk) => {
            let name = desk.metadata.name.as_deref().unwrap_or_default();
            let namespace = desk.metadata.namespace.as_deref().unwrap_or_default();
            Err(Error::InUse { what: format!("a TradingSystem {namespace}/{name}") })
        }
    }
}
