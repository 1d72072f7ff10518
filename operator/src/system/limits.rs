//! The limits of what runs: they are brought to it whatever holds the rest of its desk, or a halt would not
//! arrive where something else has to be put right first.

use std::sync::Arc;

use sapphire_crds::RiskPolicy;
use sapphire_crds::names::annotations::RISK_POLICY;

use super::build;
use super::dereference::Dereferenced;
use crate::context::Context;
use crate::reconcile::apply::apply;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Stored;

/// The policy that a desk is under: the one that it names; while that is missing, the one whose limits its pods
/// have.
pub fn policy_over(context: &Context, system: &Key) -> Option<Key> {
    let named = context.systems.named_by(system)?;
    if context.policies.read(&named).is_some() {
        return Some(named);
    }
    in_force(context, system).or(Some(named))
}

/// The desks that a policy is over although they name another, which is missing.
pub fn left_under(context: &Context, policy: &Key) -> Vec<Key> {
    let in_namespace = context.systems.keys().into_iter();
    in_namespace
        .filter(|system| system.namespace == policy.namespace)
        .filter(|system| context.systems.named_by(system).as_ref() != Some(policy))
        .filter(|system| policy_over(context, system).as_ref() == Some(policy))
        .collect()
}

/// The policy whose limits a desk's pods have.
fn in_force(context: &Context, system: &Key) -> Option<Key> {
    let limits = context.children.get(Kind::ConfigMap, &build::policy_of(system))?;
    limits.notes.get(RISK_POLICY).map(|name| system.beside(name.as_str()))
}

/// The policy that a desk stays under while the one that it names is missing.
pub(super) fn kept(context: &Context, system: &Key) -> Option<Arc<Stored<RiskPolicy>>> {
    context.policies.get(&in_force(context, system)?)
}

/// Brings the limits to a desk that has been brought about before.
///
/// # Errors
/// When the API server is in trouble.
pub(super) async fn deliver(context: &Context, desk: &Dereferenced) -> Result<(), Hold> {
    let Some(policy) = desk.policy.as_ref().or(desk.kept.as_ref()) else { return Ok(()) };
    if context.children.get(Kind::ConfigMap, &build::policy_of(&desk.key)).is_none() {
        return Ok(());
    }
    let limits = build::limits(&desk.key, policy)?;
    match apply(context, &**desk.system, &desk.owner(), &[limits]).await {
        Err(trouble @ Hold::Transient(_)) => Err(trouble),
        _ => Ok(()),
    }
}
