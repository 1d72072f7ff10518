//! Removes what the operator made and no longer wants.

use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Preconditions, PropagationPolicy};

use super::apply::Applied;
use super::child::ChildRef;
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
    let api: Api<DynamicObject> =
        Api::namespaced_with(context.client.clone(), &child.key.namespace, &child.kind.resource());
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        ..DeleteParams::default()
    };
    tracing::info!(kind = child.kind.name(), object = %child.key, "deletes what is no longer wanted");
    match api.delete(&child.key.name, &params).await {
        Ok(_) => {
            context.metrics.writes.with_label_values(&[child.kind.name(), "delete"]).inc();
            Ok(())
        }
        // Gone, or another object of the same name by now: the watch will tell.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
            context.children.forget(child.kind, &child.key);
            Ok(())
        }
        Err(error) => Err(Hold::of_call(&format!("delete {child}"), &error)),
    }
}
