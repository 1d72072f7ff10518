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
use serde_json::{Value, json};

use super::deadline::in_time;
use super::key::Key;
use super::mirror::{Mirror, Refers};
use super::outcome::Hold;
use super::stored::Wire;
use crate::context::Context;

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
    let action = format!("write the status of {kind} {key}");
    let written = |error| Hold::stalled(Reason::InvalidSpec, format!("{action}: {error}"));
    let after = serde_json::to_value(after).map_err(written)?;
    let before = serde_json::to_value(before).map_err(written)?;
    // The API server does not look at the uid of a patch of a custom resource's status, but at its version: where that is
    // another, it refuses, and the status is made anew of what is there. What is known is newer than what was read.
    let Some(known) = mirror.get(&key).filter(|known| known.meta().uid == meta.uid) else {
        // Deleted meanwhile, and perhaps made again under its name: what was found out is not about that.
        count("gone");
        return Ok(());
    };
    let version = known.meta().resource_version.clone();
    let patch = json!({
        "metadata": {"resourceVersion": version}, "status": in_place_of(&before, after)});
    // Not applied: what somebody else once wrote, as a tool that restores statuses does, would stay theirs.
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let patch = Patch::Merge(&patch);
    let patched = api.patch_status(&key.name, &params, &patch);
    let answer = in_time(&action, patched).await.inspect_err(|_| count("late"))?;
    match answer {
        Ok(written) => {
            count("written");
            mirror.observe(written);
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.code == 404 => {
            // Deleted meanwhile: nobody is left to be told.
            count("gone");
            Ok(())
        }
        Err(error) => {
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
    }
}

/// A merge patch (RFC 7386) that makes `after` of `before`: all of the one, and the end of whatever only the
/// other has.
fn in_place_of(before: &Value, after: Value) -> Value {
    let Value::Object(before) = before else { return after };
    let Value::Object(mut members) = after else { return after };
    for (name, was) in before {
        let is = members.remove(name).map_or(Value::Null, |is| in_place_of(was, is));
        members.insert(name.clone(), is);
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_status_has_no_more_is_taken_away() {
        let before = json!({"a": 1, "b": {"c": [1, 2], "d": {"e": 1}}, "f": "g"});
        let after = json!({"a": 2, "b": {"c": [3]}, "h": {"i": 4}});
        let patch = in_place_of(&before, after);
        let wanted = json!({"a": 2, "b": {"c": [3], "d": null}, "f": null, "h": {"i": 4}});
        assert_eq!(patch, wanted);
        assert_eq!(in_place_of(&Value::Null, json!({"a": 1})), json!({"a": 1}));
    }
}
