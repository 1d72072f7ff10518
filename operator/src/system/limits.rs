//! The limits of what runs: they are brought to it whatever holds the rest of its desk, or a halt would not
//! arrive where something else has to be put right first.
//!
//! A desk that comes to name another RiskPolicy restarts; until then its pods stay under the former one. So the
//! ConfigMap that they read carries both, and says of which policies it is, until the desk runs as it is wanted.

use std::sync::Arc;

use sapphire_crds::RiskPolicy;
use sapphire_crds::names::annotations::RISK_POLICIES;
use sapphire_crds::trading_system::{RolloutStatus, RolloutStep};
use sapphire_crds::values::ObjectName;

use super::build;
use super::dereference::Dereferenced;
use crate::context::Context;
use crate::reconcile::apply::apply;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Stored;

/// The policies that a desk is under: the one that it names, and those that pods of it are still under.
pub fn policies_over(context: &Context, system: &Key) -> Vec<Key> {
    let named = context.systems.named_by(system);
    let carried = carried(context, system);
    let former = carried.into_iter().filter(|policy| named.as_ref() != Some(policy));
    named.iter().cloned().chain(former).collect()
}

/// The desks with pods that are under a policy although they name another by now.
pub fn left_under(context: &Context, policy: &Key) -> Vec<Key> {
    let systems = context.systems.keys().into_iter();
    systems
        .filter(|system| system.namespace == policy.namespace)
        .filter(|system| context.systems.named_by(system).as_ref() != Some(policy))
        .filter(|system| carried(context, system).contains(policy))
        .collect()
}

/// The policies of which a desk's pods have the limits.
fn carried(context: &Context, system: &Key) -> Vec<Key> {
    let limits = context.children.get(Kind::ConfigMap, &build::limits_of(system));
    let names = limits.and_then(|limits| limits.notes.get(RISK_POLICIES).cloned());
    let names = names.unwrap_or_default();
    names.split(',').filter(|name| !name.is_empty()).map(|name| system.beside(name)).collect()
}

/// The policies beside the named one that pods of a desk are still under.
pub(super) fn former(context: &Context, system: &Key) -> Vec<Arc<Stored<RiskPolicy>>> {
    let over = policies_over(context, system);
    over.iter().skip(1).filter_map(|policy| context.policies.get(policy)).collect()
}

/// Whether nothing of a desk runs that is not of its revision as it is now.
pub(super) fn is_settled(rollout: Option<&RolloutStatus>, target: &ObjectName) -> bool {
    rollout.is_some_and(|rollout| {
        rollout.step == RolloutStep::Complete
            && rollout.target == *target
            && rollout.failed.is_none()
    })
}

/// Brings the limits to a desk that has been brought about before.
///
/// # Errors
/// When the API server is in trouble.
pub(super) async fn deliver(context: &Context, desk: &Dereferenced) -> Result<(), Hold> {
    let policies: Vec<&RiskPolicy> =
        desk.policy.iter().chain(&desk.former).map(|policy| &***policy).collect();
    let is_there = context.children.get(Kind::ConfigMap, &build::limits_of(&desk.key)).is_some();
    if policies.is_empty() || !is_there {
        return Ok(());
    }
    let limits = build::limits(&desk.key, &policies)?;
    match apply(context, &**desk.system, &desk.owner(), &[limits]).await {
        Err(trouble @ Hold::Transient(_)) => Err(trouble),
        _ => Ok(()),
    }
}
