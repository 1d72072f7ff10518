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
use sapphire_crds::conditions::TradingState;
use sapphire_crds::names::annotations::{HALTED_BY_HAND, RISK_POLICIES};
use sapphire_crds::trading_system::{RolloutStep, TradingSystemStatus};
use serde_json::Value;

use super::build;
use super::dereference::KIND;
use super::limit::{Limit, Policy, stored_state};
use crate::context::Context;
use crate::reconcile::apply::apply;
use crate::reconcile::child::{ChildRef, Live};
use crate::reconcile::desired::{Desired, Owner};
use crate::reconcile::halt_by_hand;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Stored;
use crate::risk::bindings;
use crate::wake;

/// Under which policies each desk was when it was last looked at, and what each let it do; the policies as they could be
/// read last; and the states that they had last, which count though the rest could not be read.
#[derive(Debug, Default)]
pub struct LastSeen {
    over: Mutex<HashMap<Key, BTreeSet<UnderPolicy>>>,
    readable: Mutex<HashMap<Key, Arc<Stored<RiskPolicy>>>>,
    states: Mutex<HashMap<Key, TradingState>>,
}

/// A policy, and what its limits let a desk do; `None` where the desk has none of it.
type UnderPolicy = (Key, Option<TradingState>);

impl LastSeen {
    /// Notes under which a desk is now; those that came or went, or let it do something else by now.
    fn changed(&self, system: &Key, now: BTreeSet<UnderPolicy>) -> BTreeSet<Key> {
        let mut all = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match now.is_empty() {
            true => all.remove(system),
            false => all.insert(system.clone(), now.clone()),
        };
        let before = before.unwrap_or_default();
        before.symmetric_difference(&now).map(|(policy, _)| policy.clone()).collect()
    }

    /// What a policy says.
    pub fn remember(&self, key: &Key, policy: &Arc<Stored<RiskPolicy>>) {
        let mut all = self.readable.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(key.clone(), policy.clone());
        self.remember_state(key, policy.spec.trading_state);
    }

    /// What a policy says that cannot be decoded.
    pub fn remember_undecodable(&self, key: &Key, spec: &Value) {
        self.remember_state(key, stored_state(spec).unwrap_or(TradingState::Halted));
    }

    fn remember_state(&self, key: &Key, state: TradingState) {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), state);
    }

    fn state(&self, key: &Key) -> Option<TradingState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn remembered(&self, key: &Key) -> Option<Arc<Stored<RiskPolicy>>> {
        self.readable.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// A policy is gone.
    pub fn forget(&self, policy: &Key) {
        self.readable.lock().unwrap_or_else(PoisonError::into_inner).remove(policy);
        self.states.lock().unwrap_or_else(PoisonError::into_inner).remove(policy);
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

/// Whether a person halted the desk, whatever its policies say.
pub fn halted_by_hand(context: &Context, system: &Key) -> bool {
    match context.systems.read(system) {
        Some(Ok(system)) => halt_by_hand::is_in_force(&system.metadata),
        Some(Err(unreadable)) => halt_by_hand::is_in_force(&unreadable.metadata),
        None => false,
    }
}

/// What a policy limits that cannot be read now, and its own state where it was heard or is noted.
fn last_known(context: &Context, key: &Key, live: Option<&Live>) -> (Policy, Option<TradingState>) {
    let heard = context.limits.state(key);
    match (context.limits.remembered(key), live) {
        (Some(policy), _) => (Policy::Read(policy), heard),
        (None, Some(live)) => {
            let (policy, noted) = Policy::kept_in(live, &key.name);
            (policy, heard.or(noted))
        }
        (None, None) => (Policy::Unknown, heard),
    }
}

/// What a desk is under, the policy that it names first. What the named one forbids, the others do not allow either:
/// who halts the policy that a desk names halts whatever runs. By hand all are halted.
pub fn over(context: &Context, system: &Key) -> Vec<Limit> {
    let live = context.children.get(Kind::ConfigMap, &build::limits_of(system));
    let started = started_under(context, system);
    let known = |key: &Key| match context.policies.read(key) {
        Some(Ok(policy)) => Some(Limit::of(policy)),
        Some(Err(unreadable)) => {
            let (last, _) = last_known(context, key, live.as_deref());
            Some(Limit::undecodable(&key.name, last, &unreadable.written_spec()))
        }
        None if started.contains(key) => {
            let (last, own) = last_known(context, key, live.as_deref());
            Some(Limit::missing(&key.name, last, own))
        }
        None => None,
    };
    let named = context.systems.named_by(system);
    let all = named.iter().chain(started.iter().filter(|key| named.as_ref() != Some(key)));
    let mut limits: Vec<Limit> = all.filter_map(known).collect();
    let least = limits.iter().find(|limit| named.as_ref().is_some_and(|n| n.name == limit.name));
    let (mut least, said) = least.map_or_else(Default::default, |least| (least.state, least.said));
    if halted_by_hand(context, system) {
        least = TradingState::Halted;
    }
    for limit in &mut limits {
        limit.state = limit.state.max(least);
        limit.said = limit.said.max(said);
    }
    limits
}

/// What a desk may do under a policy, and why, where that is less than the policy says.
pub fn stricter(context: &Context, system: &Key, policy: &RiskPolicy) -> Option<String> {
    let name = policy.metadata.name.as_deref().unwrap_or_default();
    let limit = over(context, system).into_iter().find(|limit| limit.name == name)?;
    let (state, own) = (limit.state, policy.spec.trading_state);
    if state == own {
        return None;
    }
    let desk = &system.name;
    Some(match (halted_by_hand(context, system), context.systems.named_by(system)) {
        (false, Some(named)) => format!(
            "TradingSystem {desk} is {state:?}, as RiskPolicy {} says, which it names; this policy says {own:?}",
            named.name
        ),
        _ => format!(
            "TradingSystem {desk} is halted by hand, and kubectl annotate tsys {desk} {HALTED_BY_HAND}- lifts that; this policy says {own:?}"
        ),
    })
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
        if child.kind == Kind::ControllerRevision && may_come_back(context, system, &child.key.name)
        {
            names.extend(noted(&live).map(str::to_owned));
        }
    }
    names.extend(bindings::of_desk(context, system).iter().filter_map(bindings::Enforcer::policy));
    names.iter().map(|name| system.beside(name)).collect()
}

/// Whether an undone rollout brings back what the revision runs.
fn may_come_back(context: &Context, system: &Key, revision: &str) -> bool {
    let system = context.systems.get(system);
    let status = system.as_ref().and_then(|system| system.status.as_ref());
    let Some(rollout) = status.and_then(|status| status.rollout.as_ref()) else { return false };
    let stable = rollout.stable.as_ref().and_then(|stable| stable.core.as_ref());
    [stable, rollout.fallback.as_ref()].into_iter().flatten().any(|name| name.as_str() == revision)
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

/// Whether anything of a desk runs, or ran, that reads its limits.
fn was_brought_about(context: &Context, system: &Key) -> bool {
    let released = |status: &TradingSystemStatus| {
        status.rollout.as_ref().is_some_and(|rollout| rollout.core.is_some())
    };
    let has_trader = |(child, live): &(ChildRef, Arc<Live>)| {
        child.kind == Kind::Deployment && noted(live).next().is_some()
    };
    context.children.get(Kind::ConfigMap, &build::limits_of(system)).is_some()
        || context.children.of_desk(system).iter().any(has_trader)
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
/// A [`Hold`] where they do not arrive.
pub(super) async fn deliver<K>(context: &Context, object: &K) -> Result<(), Hold>
where
    K: Resource<DynamicType = ()>,
{
    let owner = Owner::of(object, KIND);
    let limits = over(context, &owner.key);
    let state = |policy: &Key| Some(limits.iter().find(|limit| limit.name == policy.name)?.state);
    let over = policies_over(context, &owner.key).into_iter();
    let now = over.map(|policy| (policy.clone(), state(&policy))).collect();
    wake::of_limits(context, context.limits.changed(&owner.key, now));
    let Some(limits) = wanted(context, &owner.key)? else { return Ok(()) };
    apply(context, object, &owner, &[limits]).await.map(drop)
}

/// The limits of a desk that was brought about before.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn wanted(context: &Context, system: &Key) -> Result<Option<Desired>, Hold> {
    let limits = over(context, system);
    if limits.is_empty() || !was_brought_about(context, system) {
        return Ok(None);
    }
    build::limits(system, &limits).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_that_came_to_be_over_a_desk_or_are_no_longer_are_told() {
        let (seen, desk) = (LastSeen::default(), Key::new("n", "desk"));
        let changed = |names: &[&str]| {
            let key = |name: &&str| desk.beside(name.trim_end_matches('!'));
            let state = |name: &str| match name.ends_with('!') {
                true => TradingState::Halted,
                false => TradingState::Active,
            };
            let now = names.iter().map(|name| (key(name), Some(state(name)))).collect();
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
