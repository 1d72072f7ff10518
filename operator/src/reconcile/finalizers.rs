//! Finalizers: put on an object once, taken off when it may go.

use std::fmt::Debug;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt as _};
use sapphire_crds::names::FIELD_MANAGER;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::deadline::in_time;
use super::key::Key;
use super::mirror::{Mirror, Refers};
use super::outcome::Hold;
use super::stored::Wire;
use crate::context::Context;

/// Puts a finalizer on an object that has none of it. One that is being deleted gets none any more.
///
/// # Errors
/// When it cannot be written. Nothing that the finalizer is to guard may be made then.
pub async fn ensure<K>(
    context: &Context,
    mirror: &Mirror<K>,
    meta: &ObjectMeta,
    finalizer: &str,
) -> Result<(), Hold>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned + Refers,
{
    let there = meta.finalizers.clone().unwrap_or_default();
    if meta.deletion_timestamp.is_some() || there.iter().any(|name| name == finalizer) {
        return Ok(());
    }
    let wanted = there.into_iter().chain([finalizer.to_owned()]).collect();
    write(context, mirror, meta, wanted).await
}

/// Takes a finalizer off; an object that is being deleted and has no other goes.
///
/// # Errors
/// When it cannot be written.
pub async fn release<K>(
    context: &Context,
    mirror: &Mirror<K>,
    meta: &ObjectMeta,
    finalizer: &str,
) -> Result<(), Hold>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned + Refers,
{
    let there = meta.finalizers.clone().unwrap_or_default();
    let wanted: Vec<String> = there.iter().filter(|name| *name != finalizer).cloned().collect();
    if wanted.len() == there.len() {
        return Ok(());
    }
    write(context, mirror, meta, wanted).await
}

/// Only over the state that was read: of two writers one is refused, and no finalizer of others is lost.
async fn write<K>(
    context: &Context,
    mirror: &Mirror<K>,
    meta: &ObjectMeta,
    finalizers: Vec<String>,
) -> Result<(), Hold>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned + Refers,
{
    let key =
        Key::new(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default());
    let kind = K::kind(&());
    let patch = json!({"metadata": {
        "resourceVersion": meta.resource_version, "uid": meta.uid, "finalizers": finalizers}});
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let api: Api<Wire<K>> = Api::namespaced(context.client.clone(), &key.namespace);
    let action = format!("write the finalizers of {kind} {key}");
    let patch = Patch::Merge(&patch);
    let call = api.patch(&key.name, &params, &patch);
    match in_time(&action, call).await? {
        Ok(written) => {
            // What has gone by this write is answered, too; the watch tells that it is gone.
            if !(written.meta().deletion_timestamp.is_some() && written.finalizers().is_empty()) {
                mirror.observe(written);
            }
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(Hold::of_call(&action, &error)),
    }
}
