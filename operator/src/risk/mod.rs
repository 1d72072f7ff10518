//! RiskPolicies.

pub mod bindings;
pub mod generations;
mod status;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sapphire_crds::RiskPolicy;
use sapphire_crds::conditions::Reason;
use sapphire_crds::names::{annotations, finalizers};

use crate::context::Context;
use crate::reconcile::controller::Reconciler;
use crate::reconcile::finalizers as marks;
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;
use crate::reconcile::undecodable;
use crate::wake;

/// Reconciles RiskPolicies.
#[derive(Debug, Clone, Copy)]
pub struct Policies;

impl Reconciler for Policies {
    const NAME: &'static str = "policy";

    async fn reconcile(
        &self,
        context: Arc<Context>,
        key: Key,
        _attempt: u32,
    ) -> Result<Option<Duration>, Hold> {
        let context = context.as_ref();
        let Some(read) = context.policies.read(&key) else {
            context.pace.policies.forget(&key);
            return Ok(None);
        };
        let mut systems = wake::systems_under(context, &key);
        systems.sort();
        let meta = match &read {
            Ok(policy) => policy.metadata.clone(),
            Err(invalid) => invalid.metadata.clone(),
        };
        let held = in_use(&meta, &systems);
        if meta.deletion_timestamp.is_some() && held.is_none() {
            marks::release(context, &context.policies, &meta, finalizers::IN_USE).await?;
            return Ok(None);
        }
        // Only where it guards something: what nobody uses can be deleted without an operator.
        let guarded = if systems.is_empty() {
            Ok(())
        } else {
            marks::ensure(context, &context.policies, &meta, finalizers::IN_USE).await
        };
        let policy = match read {
            Err(invalid) => {
                let told = undecodable::tell::<RiskPolicy>(context, &key, &invalid).await;
                return guarded.and(told);
            }
            Ok(policy) => policy,
        };
        guarded?;
        let again = status::tell(context, &key, &policy, &systems, held.as_ref()).await?;
        match held {
            Some(held) => Err(held.no_later_than(again)),
            None => Ok(again),
        }
    }
}

/// What keeps a policy that is being deleted.
fn in_use(meta: &ObjectMeta, systems: &[Key]) -> Option<Hold> {
    let annotations = meta.annotations.as_ref();
    let forced = annotations.and_then(|all| all.get(annotations::FORCE_DELETE));
    if meta.deletion_timestamp.is_none() || forced.is_some_and(|value| value == "true") {
        return None;
    }
    let names: Vec<&str> = systems.iter().take(5).map(|system| system.name.as_str()).collect();
    let more = systems.len().saturating_sub(names.len());
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let name = meta.name.as_deref().unwrap_or_default();
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    (!systems.is_empty()).then(|| {
        Hold::waiting(
            Reason::InUse,
            format!(
                "deletion waits until no TradingSystem names this policy or has pods under it: {}{and_more}. \
                 Give them another spec.riskPolicyRef, or delete them; kubectl -n {namespace} annotate rpol {name} {}=true \
                 lets it go nevertheless",
                names.join(", "),
                annotations::FORCE_DELETE
            ),
        )
    })
}
