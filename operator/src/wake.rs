//! What wakes whom: one place, so that nothing waits for an event that nobody passes on.
//!
//! | a change of | wakes |
//! |---|---|
//! | a TradingSystem | itself, its policy (the former one, too), its agents; halted by hand, itself before all that wait |
//! | a TradingAgent | itself, its system |
//! | a RiskPolicy | itself; its spec, the systems that name it or have pods under it, before all that wait |
//! | a child | the system that its label names, and the agent that its label names |
//! | a system's revision | its agents, too |
//! | an agent's pod that is gone | the other agents of its system: they may wait for what it was at work on |
//! | a trader's pod or its report | its system, its agents, and the policies that it is under |
//! | which policies are over a system, found by its reconcile | these policies |

use std::sync::Arc;
use std::time::Duration;

use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};

use crate::context::Context;
use crate::labels;
use crate::reconcile::children::Seen;
use crate::reconcile::halt_by_hand;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::mirror::Change;
use crate::reconcile::stored::Stored;
use crate::reports;
use crate::system::limits;

/// Reports that say nothing urgent are looked at together.
const GATHER_REPORTS: Duration = Duration::from_secs(5);

/// A desk and its agents are mostly applied together.
const GATHER_AGENTS: Duration = Duration::from_millis(100);

/// A system goes through several states within a moment, and its agents follow the last of them.
const GATHER_STEPS: Duration = Duration::from_millis(250);

/// A policy looks at the pods of all its systems, and a restart changes each several times.
const GATHER_PODS: Duration = Duration::from_millis(500);

/// A policy looks at all of its systems, and so at many that change together once.
const GATHER_SYSTEMS: Duration = Duration::from_millis(200);

/// A TradingSystem changed.
pub fn of_system(context: &Context, change: &Change<TradingSystem>) {
    let queues = &context.queues;
    if let (Some(before), None) = (&change.before, &change.after) {
        context.sights.forget(before.metadata.uid.as_deref().unwrap_or_default());
    }
    let is_halted = |system: Option<&Arc<Stored<TradingSystem>>>| {
        system.is_some_and(|system| halt_by_hand::is_in_force(&system.metadata))
    };
    match is_halted(change.before.as_ref()) == is_halted(change.after.as_ref()) {
        true => queues.systems.wake(change.key.clone()),
        false => queues.systems.wake_first(change.key.clone()),
    }
    for policy in &change.named {
        queues.policies.wake_after(policy.clone(), GATHER_SYSTEMS);
    }
    // Whatever changed: that it is what we wrote ourselves was seen before the watch told it, so a look
    // at what changed would find nothing.
    follow_steps(context, &change.key);
}

/// A TradingAgent changed.
pub fn of_agent(context: &Context, change: &Change<TradingAgent>) {
    context.queues.agents.wake(change.key.clone());
    for system in &change.named {
        context.queues.systems.wake_after(system.clone(), GATHER_AGENTS);
    }
}

/// A RiskPolicy changed.
pub fn of_policy(context: &Context, change: &Change<RiskPolicy>) {
    let is_news = match &change.after {
        Some(policy) => {
            // Its last word counts, though no desk of it is looked at before it is gone.
            context.limits.remember(&change.key, policy);
            context.generations.see(policy)
        }
        None => {
            context.generations.forget(&change.key);
            match context.policies.read(&change.key) {
                Some(Err(unreadable)) => {
                    context.limits.remember_undecodable(&change.key, &unreadable.written_spec());
                }
                // What runs under it goes on under what it said last.
                None if systems_under(context, &change.key).is_empty() => {
                    context.limits.forget(&change.key);
                }
                _ => {}
            }
            true
        }
    };
    context.queues.policies.wake(change.key.clone());
    // Systems read nothing of its status, which changes with every pod of theirs.
    // What a policy says does not wait for desks that are still brought about.
    if is_news {
        for system in systems_under(context, &change.key) {
            context.queues.systems.wake_first(system);
        }
    }
}

/// A child changed.
pub fn of_child(context: &Context, seen: &Seen) {
    let key = &seen.child.key;
    let system = seen.live.label(labels::SYSTEM).map(|system| key.beside(system));
    let agent = seen.live.label(labels::AGENT).map(|agent| key.beside(agent));
    // What agents' pods take from their system is in its revisions.
    if let (Some(system), None, Kind::ControllerRevision) = (&system, &agent, seen.child.kind) {
        follow_steps(context, system);
    }
    if let (Some(system), Some(_), Kind::Pod) = (&system, &agent, seen.child.kind)
        && context.children.get(Kind::Pod, key).is_none()
    {
        follow_steps(context, system);
    }
    system.into_iter().for_each(|system| context.queues.systems.wake(system));
    agent.into_iter().for_each(|agent| context.queues.agents.wake(agent));
    // A pod that is gone is bound no more.
    if seen.child.kind == Kind::Pod
        && let Some(system) = seen.live.label(labels::SYSTEM)
    {
        policy_of(context, &key.beside(system), GATHER_PODS);
    }
}

/// Policies came to be over a desk, or are no longer: each counts those that it is over.
pub fn of_limits(context: &Context, policies: impl IntoIterator<Item = Key>) {
    for policy in policies {
        context.queues.policies.wake_after(policy, GATHER_SYSTEMS);
    }
}

/// A pod's report changed. Equity and scores change all the time, and are gathered.
pub fn of_report(context: &Context, change: &reports::Change) {
    let pause = if change.urgent { Duration::ZERO } else { GATHER_REPORTS };
    context.queues.systems.wake_after(change.system.clone(), pause);
    policy_of(context, &change.system, pause);
    for agent in agents_of(context, &change.system) {
        context.queues.agents.wake_after(agent, pause);
    }
}

fn follow_steps(context: &Context, system: &Key) {
    for agent in agents_of(context, system) {
        context.queues.agents.wake_after(agent, GATHER_STEPS);
    }
}

fn policy_of(context: &Context, system: &Key, pause: Duration) {
    for policy in limits::policies_over(context, system) {
        context.queues.policies.wake_after(policy, pause);
    }
}

/// Everything, such as when this process begins to lead.
pub fn all(context: &Context) {
    let now = Duration::ZERO;
    context.systems.keys().into_iter().for_each(|key| context.queues.systems.wake_after(key, now));
    context.agents.keys().into_iter().for_each(|key| context.queues.agents.wake_after(key, now));
    context
        .policies
        .keys()
        .into_iter()
        .for_each(|key| context.queues.policies.wake_after(key, now));
}

/// The agents that name this system.
pub fn agents_of(context: &Context, system: &Key) -> Vec<Key> {
    context.agents.keys_belonging_to(system)
}

/// The systems that name this policy, or have pods that are still under it.
pub fn systems_under(context: &Context, policy: &Key) -> Vec<Key> {
    let mut systems = context.systems.keys_belonging_to(policy);
    systems.extend(limits::left_under(context, policy));
    systems
}
