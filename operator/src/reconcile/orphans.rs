//! Removes what the operator made and no longer wants.

use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Preconditions, PropagationPolicy};

use super::apply::Applied;
use super::child::{ChildRef, Live};
use super::deadline::in_time;
use super::desired::Owner;
use super::key::Key;
use super::outcome::Hold;
use crate::context::Context;

/// Deletes the children that bear the desk's label, are controlled by `owner`, and are neither among
/// what was applied nor `kept` for another reason.
///
/// # Errors
/// A [`Hold`] when the API server does not do it.
pub async fn collect(
    context: &Context,
    desk: &Key,
    owner: &Owner,
    applied: &Applied,
    kept: impl Fn(&ChildRef) -> bool,
) -> Result<(), Hold> {
    let wanted: std::collections::HashSet<&ChildRef> = applied.all().collect();
    for (child, live) in context.children.of_desk(desk) {
        let orphan = child.kind.is_collected()
            && live.is_controlled_by(&owner.uid)
            && !live.deleting
            && !wanted.contains(&child)
            && !kept(&child);
        if orphan {
            delete(context, &child, &live.uid).await?;
        }
    }
    Ok(())
}

/// Deletes one child, if it still is the one with this uid.
///
/// # Errors
/// A [`Hold`] when the API server does not do it. That it is gone already is no error.
pub async fn delete(context: &Context, child: &ChildRef, uid: &str) -> Result<(), Hold> {
    remove(context, child, uid, None).await.map(drop)
}

/// Deletes one child, if nobody wrote it since it was read. Whether it did.
///
/// # Errors
/// As [`delete`].
pub(super) async fn delete_as_read(
    context: &Context,
    child: &ChildRef,
    live: &Live,
) -> Result<bool, Hold> {
    remove(context, child, &live.uid, live.version.text()).await
}

async fn remove(
    context: &Context,
    child: &ChildRef,
    uid: &str,
    resource_version: Option<String>,
) -> Result<bool, Hold> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(context.client.clone(), &child.key.namespace, &child.kind.resource());
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version }),
        ..DeleteParams::default()
    };
    tracing::info!(kind = child.kind.name(), object = %child.key, "deletes what is no longer wanted");
    let action = format!("delete {child}");
    match in_time(&action, api.delete(&child.key.name, &params)).await? {
        Ok(_) => {
            context.metrics.writes.with_label_values(&[child.kind.name(), "delete"]).inc();
            Ok(true)
        }
        // Gone, or another object of the same name or version by now: the watch will tell.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
            context.children.forget(child.kind, &child.key);
            Ok(false)
        }
        Err(error) => Err(Hold::of_call(&action, &error)),
    }
}
