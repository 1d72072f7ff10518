//! Objects that were stored under another schema and cannot be read: each says so itself, and no other
//! notices.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource};
use sapphire_crds::conditions::{Conditions, Reason};
use sapphire_crds::names::FIELD_MANAGER;
use serde_json::json;

use super::conditions::Setting;
use super::events::Severity;
use super::key::Key;
use super::mirror::{Mirror, Refers};
use super::outcome::Hold;
use super::stored::{Stored, Unreadable};
use crate::context::Context;

/// The object, if it is there and can be read; one that cannot is told so.
///
/// # Errors
/// Stalled where it cannot be read: only a person can mend it.
pub async fn read<K>(
    context: &Context,
    mirror: &Mirror<K>,
    key: &Key,
) -> Result<Option<Arc<Stored<K>>>, Hold>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Refers,
{
    match mirror.read(key) {
        None => Ok(None),
        Some(Ok(object)) => Ok(Some(object)),
        Some(Err(invalid)) => tell::<K>(context, key, &invalid).await.map(|_| None),
    }
}

/// Why nothing can be made of an object, which a message calls `name`.
pub fn hold(context: &Context, name: &str, unreadable: &Unreadable) -> Hold {
    let (reason, remedy) = match context.definitions.excuse() {
        Some(excuse) => (Reason::OperatorOutdated, excuse),
        None => (Reason::Undecodable, "apply it again as today's schema wants it".into()),
    };
    Hold::stalled(reason, format!("{name} cannot be read: {}; {remedy}", unreadable.error))
}

/// Writes into the object's status what keeps it from being read, once a generation.
///
/// # Errors
/// Stalled, always: only a person can mend it.
pub async fn tell<K>(
    context: &Context,
    key: &Key,
    invalid: &Unreadable,
) -> Result<Option<Duration>, Hold>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Debug,
{
    let hold = hold(context, "the object", invalid);
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> =
        Api::namespaced_with(context.client.clone(), &key.namespace, &resource);
    let action = format!("read {} {key}", resource.kind);
    let stored = api.get_opt(&key.name).await.map_err(|error| Hold::of_call(&action, &error))?;
    // Not a successor of its name, of which nothing is known yet.
    let Some(stored) = stored.filter(|stored| stored.metadata.uid == invalid.metadata.uid) else {
        return Ok(None);
    };
    let before = stored.data.pointer("/status/conditions").cloned().unwrap_or_default();
    let before: Conditions = serde_json::from_value(before).unwrap_or_default();
    let generation = invalid.metadata.generation.unwrap_or(0);
    let mut setting = Setting::new(&before, generation, Timestamp::now());
    if let Hold::Stalled { reason, message, .. } = &hold {
        setting.stalled(*reason, message.clone());
    }
    let after = setting.finish();
    if after != before {
        // A merge leaves what else the status holds as it is; nobody knows what that is.
        let version = &stored.metadata.resource_version;
        let patch = json!({"metadata": {"resourceVersion": version},
            "status": {"observedGeneration": generation, "conditions": after}});
        let params =
            PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        let written = api.patch_status(&key.name, &params, &Patch::Merge(&patch)).await;
        let action = format!("write the status of {} {key}", resource.kind);
        match written.map_err(|error| Hold::of_call(&action, &error)) {
            // The whole object must pass the rules for its status to be written. Where it does not, an
            // event tells it, beside the metric and the log.
            Err(Hold::Stalled { .. }) => {
                let reference = stored.object_ref(&resource);
                let (severity, note) = (Severity::Warning, hold.to_string());
                context.events.tell_of(reference, severity, "Undecodable", note).await;
            }
            Err(other) => return Err(other),
            Ok(_) => {}
        }
    }
    Err(hold)
}
