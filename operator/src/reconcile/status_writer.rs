//! Writes statuses so that it cannot hurt: only what changed, in one call, within a deadline.

use std::fmt::Debug;
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource};
use sapphire_crds::conditions::Reason;
use sapphire_crds::names::FIELD_MANAGER;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::key::Key;
use super::mirror::{Mirror, Refers};
use super::outcome::{Hold, Transient};
use super::stored::Wire;
use crate::context::Context;

/// A call that takes longer is given up and tried again with a pause.
const DEADLINE: Duration = Duration::from_secs(10);

/// Writes `after` unless the object's status is `before` and equal to it.
///
/// There is no queue: each worker writes its own, so that what waits is bounded by their number.
///
/// # Errors
/// A [`Hold`] when the API server does not take it in time.
pub async fn write<K, S>(
    context: &Context,
    mirror: &Mirror<K>,
    object: &K,
    before: Option<&S>,
    after: &S,
) -> Result<(), Hold>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned + Refers,
    S: Serialize + PartialEq,
{
    let kind = K::kind(&());
    let count = |result: &str| {
        context.metrics.status_writes.with_label_values(&[kind.as_ref(), result]).inc();
    };
    if before == Some(after) {
        count("unchanged");
        return Ok(());
    }
    let meta = object.meta();
    let key =
        Key::new(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default());
    let api: Api<Wire<K>> = Api::namespaced(context.client.clone(), &key.namespace);
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": kind,
        // The uid keeps the status of a deleted object from its successor of the same name.
        "metadata": {"name": key.name, "uid": meta.uid},
        "status": after,
    });
    let action = format!("write the status of {kind} {key}");
    // Forced: the status has one writer, and it is this one.
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let patch = Patch::Apply(&patch);
    let patched = api.patch_status(&key.name, &params, &patch);
    match tokio::time::timeout(DEADLINE, patched).await {
        Ok(Ok(written)) => {
            count("written");
            mirror.observe(written);
            Ok(())
        }
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
            // Deleted meanwhile: nobody is left to be told.
            count("gone");
            Ok(())
        }
        Ok(Err(error)) => {
            count("failed");
            Err(match Hold::of_call(&action, &error) {
                // The schema of an older CRD may refuse what we write; a new CRD may come without an
                // event on this object.
                Hold::Stalled { message, .. } => Hold::Waiting {
                    reason: Reason::CrdsOutdated,
                    message,
                    again: Some(Duration::from_secs(60)),
                },
                hold => hold,
            })
        }
        Err(_) => {
            count("late");
            Err(Hold::Transient(Transient {
                action,
                code: 0,
                message: format!("no answer within {} s", DEADLINE.as_secs()),
                after: None,
            }))
        }
    }
}
