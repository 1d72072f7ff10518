//! The limits of what runs: they are brought to it first, and whatever holds the rest of its desk, or a halt would not
//! arrive where something else has to be put right before.
//!
//! A desk that comes to name another RiskPolicy restarts; until then its pods stay under the former one, and so do
//! those that an undone rollout brings back. Which policies these are no single place knows for sure: the ConfigMap
//! that the pods read says of which it is, each trader's Deployment under which its pods were started, and the pods
//! themselves what they act on. Each of them counts.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use kube::Resource;
use sapphire_crds::RiskPolicy;
use sapphire_crds::names::annotations::RISK_POLICIES;
use sapphire_crds::trading_system::{RolloutStep, TradingSystemStatus};

use super::build;
use super::dereference::KIND;
use crate::context::Context;
use crate::reconcile::apply::apply;
use crate::reconcile::child::Live;
use crate::reconcile::desired::{Desired, Owner};
use crate::reconcile::halt_by_hand;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Stored;
use crate::risk::bindings;
use crate::wake;

/// Under which policies each desk was when it was last looked at, and which of them somebody halted there by hand.
#[derive(Debug, Default)]
pub struct LastSeen(Mutex<HashMap<Key, BTreeSet<(Key, bool)>>>);

impl LastSeen {
    /// Notes under which a desk is now; those that came or went, or were halted there or are no longer.
    fn changed(&self, system: &Key, now: BTreeSet<(Key, bool)>) -> BTreeSet<Key> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match now.is_empty() {
            true => all.remove(system),
            false => all.insert(system.clone(), now.clone()),
        };
        let before = before.unwrap_or_default();
        before.symmetric_difference(&now).map(|(policy, _)| policy.clone()).collect()
    }
}

/// A desk is gone, and no policy is over it.
pub fn forget(context: &Context, system: &Key) {
    wake::of_limits(context, context.limits.changed(system, BTreeSet::new()));
}

/// The policies that a desk is under: the one that it names, and those that pods of it are still under.
pub fn policies_over(context: &Context, system: &Key) -> Vec<Key> {
    let named = context.systems.named_by(system);
    let former =
        started_under(context, system).into_iter().filter(|key| named.as_ref() != Some(key));
    named.iter().cloned().chain(former).collect()
}

/// The policies that somebody halted by hand in a desk's limits.
pub fn halted_by_hand(context: &Context, system: &Key) -> BTreeSet<Key> {
    let limits = context.children.get(Kind::ConfigMap, &build::limits_of(system));
    let names = limits.iter().flat_map(|limits| halt_by_hand::policies(limits));
    names.map(|name| system.beside(name)).collect()
}

/// The desks with pods that are under a policy although they name another by now.
pub fn left_under(context: &Context, policy: &Key) -> Vec<Key> {
    let systems = context.systems.keys().into_iter();
    systems
        .filter(|system| system.namespace == policy.namespace)
        .filter(|system| context.systems.named_by(system).as_ref() != Some(policy))
        .filter(|system| started_under(context, system).contains(policy))
        .collect()
}

/// The policies that a child says are over pods, as [`RISK_POLICIES`] has them.
fn noted(live: &Live) -> impl Iterator<Item = &str> {
    let names = live.notes.get(RISK_POLICIES).map_or("", String::as_str);
    names.split(',').filter(|name| !name.is_empty())
}

/// The policies under which pods of a desk were started, or would be by an undone rollout.
fn started_under(context: &Context, system: &Key) -> BTreeSet<Key> {
    let mut names = BTreeSet::new();
    for (child, live) in context.children.of_desk(system) {
        if child.kind == Kind::Deployment
            || (child.kind == Kind::ConfigMap && is_under_way(context, system))
        {
            names.extend(noted(&live).map(str::to_owned));
        }
    }
    names.extend(bindings::of_desk(context, system).iter().filter_map(bindings::Enforcer::policy));
    names.iter().map(|name| system.beside(name)).collect()
}

/// Whether something of a desk runs, or did, that may be of another revision than the one that is wanted.
fn is_under_way(context: &Context, key: &Key) -> bool {
    // Of what cannot be read nothing is known.
    let Some(system) = context.systems.get(key) else { return true };
    let Some(status) = &system.status else { return true };
    let is_current = status.observed_generation == system.metadata.generation;
    status.rollout.as_ref().is_none_or(|rollout| {
        let was_up = rollout.stable.as_ref().is_some_and(|stable| stable.core.is_some());
        let is_done = rollout.step == RolloutStep::Complete && rollout.failed.is_none();
        !(is_done && is_current) && (was_up || !bindings::of_desk(context, key).is_empty())
    })
}

/// The policies beside the named one that pods of a desk are still under.
pub(super) fn former(context: &Context, system: &Key) -> Vec<Arc<Stored<RiskPolicy>>> {
    let named = context.systems.named_by(system);
    let over = policies_over(context, system).into_iter();
    over.filter(|policy| named.as_ref() != Some(policy))
        .filter_map(|policy| context.policies.get(&policy))
        .collect()
}

/// Whether anything of a desk runs, or ran, that reads its limits.
fn was_brought_about(context: &Context, system: &Key) -> bool {
    let released = |status: &TradingSystemStatus| {
        status.rollout.as_ref().is_some_and(|rollout| rollout.core.is_some())
    };
    context.children.get(Kind::ConfigMap, &build::limits_of(system)).is_some()
        || context
            .systems
            .get(system)
            .is_some_and(|found| found.status.as_ref().is_some_and(released))
        || !context.trader_pods(system).is_empty()
}

/// Brings the limits to a desk that was brought about before, `object`: also to one that cannot be read, of which no
/// more is known than whose it is.
///
/// # Errors
/// When the API server is in trouble.
pub(super) async fn deliver<K>(context: &Context, object: &K) -> Result<(), Hold>
where
    K: Resource<DynamicType = ()>,
{
    let owner = Owner::of(object, KIND);
    let over = policies_over(context, &owner.key);
    let by_hand = halted_by_hand(context, &owner.key);
    let now = over.iter().map(|policy| (policy.clone(), by_hand.contains(policy))).collect();
    wake::of_limits(context, context.limits.changed(&owner.key, now));
    let Some(limits) = wanted(context, &owner.key)? else { return Ok(()) };
    match apply(context, object, &owner, &[limits]).await {
        Err(trouble @ Hold::Transient(_)) => Err(trouble),
        _ => Ok(()),
    }
}

/// The limits of a desk that was brought about before.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn wanted(context: &Context, system: &Key) -> Result<Option<Desired>, Hold> {
    let over = policies_over(context, system);
    let policies: Vec<_> = over.iter().filter_map(|policy| context.policies.get(policy)).collect();
    if policies.is_empty() || !was_brought_about(context, system) {
        return Ok(None);
    }
    let policies: Vec<&RiskPolicy> = policies.iter().map(|policy| &***policy).collect();
    build::limits(system, &policies).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_that_came_to_be_over_a_desk_or_are_no_longer_are_told() {
        let (seen, desk) = (LastSeen::default(), Key::new("n", "desk"));
        let changed = |names: &[&str]| {
            let key = |name: &&str| desk.beside(name.trim_end_matches('!'));
            let now = names.iter().map(|name| (key(name), name.ends_with('!'))).collect();
            let changed = seen.changed(&desk, now).into_iter().map(|key| key.name);
            changed.collect::<Vec<String>>()
        };
        assert_eq!(changed(&["careful"]), ["careful"]);
        assert!(changed(&["careful"]).is_empty());
        assert_eq!(changed(&["careful!"]), ["careful"]);
        assert_eq!(changed(&["careful"]), ["careful"]);
        assert_eq!(changed(&["bold", "careful"]), ["bold"]);
        assert_eq!(changed(&["bold"]), ["careful"]);
        assert_eq!(changed(&[]), ["bold"]);
        assert!(changed(&[]).is_empty());
    }
}
