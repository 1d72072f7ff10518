//! Plays a provisioner: a volume for each claim. What pods would keep there is nowhere.

use std::convert::Infallible;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::api::PostParams;
use kube::runtime::watcher::{Config, Event};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use crate::error::Error;

/// Provides volumes until it is dropped; a claim's volume goes with it.
///
/// # Errors
/// When a volume cannot be made.
pub async fn provide(client: Client) -> Result<Infallible, Error> {
    let claims: Api<PersistentVolumeClaim> = Api::all(client.clone());
    let volumes: Api<PersistentVolume> = Api::all(client);
    let mut events = std::pin::pin!(watcher(claims, Config::default()).default_backoff());
    loop {
        match events.next().await {
            Some(Ok(Event::Apply(claim) | Event::InitApply(claim))) => {
                if claim.spec.as_ref().is_some_and(|spec| spec.volume_name.is_none()) {
                    bind(&volumes, &claim).await?;
                }
            }
            Some(Ok(Event::Delete(claim))) => {
                // It may never have had one.
                let _ = volumes.delete(&name(&claim), &Default::default()).await;
            }
            // The watch recovers by itself.
            Some(Ok(Event::Init | Event::InitDone) | Err(_)) | None => {}
        }
    }
}

fn name(claim: &PersistentVolumeClaim) -> String {
    format!("played-{}", claim.uid().unwrap_or_default())
}

async fn bind(volumes: &Api<PersistentVolume>, claim: &PersistentVolumeClaim) -> Result<(), Error> {
    let spec = claim.spec.clone().unwrap_or_default();
    let requests = spec.resources.and_then(|resources| resources.requests).unwrap_or_default();
    let volume = json!({
        "metadata": { "name": name(claim) },
        "spec": {
            "capacity": requests,
            "accessModes": spec.access_modes,
            "storageClassName": spec.storage_class_name.unwrap_or_default(),
            "claimRef": {
                "namespace": claim.namespace(), "name": claim.name_any(), "uid": claim.uid(),
            },
            "hostPath": { "path": "/nowhere" },
            "persistentVolumeReclaimPolicy": "Retain",
        },
    });
    let volume = serde_json::from_value(volume).map_err(kube::Error::SerdeError)?;
    match volumes.create(&PostParams::default(), &volume).await {
        Ok(_) => Ok(()),
        // Bound already, and the claim does not say so yet.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(error.into()),
    }
}
