//! All reads of a TradingAgent's reconcile, in one place, from what the watches know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::core::PartialObjectMetaExt;
use sapphire_crds::report::AgentReport;
use sapphire_crds::trading_agent::{Authority, TradingAgentStatus};
use sapphire_crds::{TradingAgent, TradingSystem};

use super::authorities::{Running, Runs};
use super::build;
use super::release::authority_of;
use crate::context::Context;
use crate::labels;
use crate::reconcile::child::Live;
use crate::reconcile::desired::Owner;
use crate::reconcile::health::Health;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::mirror::Read;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::{Stored, Unreadable};
use crate::reports::{Age, leader};

/// The owner's kind, as owner references write it.
pub const KIND: &str = "TradingAgent";

/// An agent and what it refers to.
#[derive(Debug, Clone)]
pub struct Dereferenced {
    /// The agent's namespace and name.
    pub key: Key,
    /// The agent.
    pub agent: Arc<Stored<TradingAgent>>,
    /// The namespace and name of its system.
    pub desk: Key,
    /// Its system, or what keeps it from being read. `None`: there is none.
    pub system: Option<Read<TradingSystem>>,
    /// The agents that name the same system, this one among them.
    pub siblings: Vec<Arc<Stored<TradingAgent>>>,
    /// What the desk's leader last said of the agent, and how far that can be believed.
    pub report: Option<(AgentReport, Age)>,
}

impl Dereferenced {
    /// The agent as the owner of its children.
    pub fn owner(&self) -> Owner {
        Owner::of::<TradingAgent>(&self.agent, KIND)
    }

    /// The status as it was last written.
    pub fn status(&self) -> TradingAgentStatus {
        self.agent.status.clone().unwrap_or_default()
    }

    /// The generation that this reconcile speaks of.
    pub fn generation(&self) -> i64 {
        self.agent.metadata.generation.unwrap_or(0)
    }

    /// The system, if it is there and can be read.
    pub fn readable_system(&self) -> Option<&TradingSystem> {
        self.system.as_ref()?.as_ref().ok().map(|system| &***system)
    }
}

/// What the pods of a desk's agents run with: the authority in the revisions that they bear.
///
/// # Errors
/// A transient [`Hold`] when a revision cannot be read now. One that is gone, or is not the agent's, counts for nothing.
pub async fn running(
    context: &Context,
    desk: &Key,
    agents: &[Arc<Stored<TradingAgent>>],
) -> Result<Running, Hold> {
    let unreadable = context.agents.belonging_to(desk).into_iter().filter_map(Result::err);
    let unreadable: Vec<Arc<Unreadable>> = unreadable.collect();
    let readable = agents.iter().filter_map(|agent| {
        let owner = Owner::of::<TradingAgent>(agent, KIND);
        let status = agent.status.as_ref();
        let counted = status.is_some_and(|status| status.replicas > 0);
        // A status may be lost, as by a backup that is brought back.
        let revision = status.and_then(|status| status.revision.as_ref()).map(ToString::to_string);
        let revision = revision.or_else(|| applied(context, desk, &owner))?;
        let trial = status.and_then(|status| status.rollout.as_ref());
        let back = trial.and_then(|trial| trial.stable.as_ref()).map(ToString::to_string);
        has_pods(context, desk, &owner, counted).then_some((owner, revision, back))
    });
    let unreadable = unreadable.iter().filter_map(|agent| {
        let partial = agent.metadata.clone().into_response_partial::<TradingAgent>();
        let owner = Owner::of(&partial, KIND);
        let revision = applied(context, desk, &owner)?;
        has_pods(context, desk, &owner, false).then_some((owner, revision, None))
    });
    let borne = borne(context, desk);
    let mut running = Running::new();
    for (owner, revision, back) in readable.chain(unreadable).collect::<Vec<_>>() {
        let Some(now) = authority(context, &owner, &revision).await? else {
            continue;
        };
        let back = match back {
            Some(back) => authority(context, &owner, &back).await?,
            None => None,
        };
        let mut leaving = Vec::new();
        for other in borne.get(&owner.key.name).into_iter().flatten() {
            if *other != revision {
                leaving.extend(authority(context, &owner, other).await?);
            }
        }
        running.insert(owner.key.name, Runs { now, back, leaving });
    }
    Ok(running)
}

/// The revisions that the pods of a desk's agents bear, by the agents' names.
pub fn borne(context: &Context, desk: &Key) -> BTreeMap<String, BTreeSet<String>> {
    let mut borne: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (child, live) in context.children.of_desk(desk) {
        // One that has ended, such as by an eviction, is left lying, and at work on nothing.
        let runs = matches!(&live.health, Health::Pod(pod) if !pod.has_ended());
        if let (Kind::Pod, true, Some(agent)) = (child.kind, runs, live.label(labels::AGENT)) {
            borne.entry(agent.to_owned()).or_default().extend(revision(agent, &live));
        }
    }
    borne
}

/// The revision of an agent's that one of its children bears.
fn revision(agent: &str, child: &Live) -> Option<String> {
    Some(format!("{agent}-{}", child.label(labels::REVISION)?))
}

/// The revision that an agent's Deployment was applied with last.
pub fn applied(context: &Context, desk: &Key, agent: &Owner) -> Option<String> {
    revision(&agent.key.name, &*deployment(context, desk, agent)?)
}

/// The authority in a revision of an agent's.
async fn authority(
    context: &Context,
    agent: &Owner,
    revision: &str,
) -> Result<Option<Authority>, Hold> {
    let found = match context.revisions.named(context, agent, revision).await {
        Err(hold @ Hold::Transient(_)) => return Err(hold),
        found => found.ok().flatten(),
    };
    Ok(found.and_then(|found| authority_of(&found.data)))
}

/// The Deployment of an agent's pods, where it is the agent's.
fn deployment(context: &Context, desk: &Key, agent: &Owner) -> Option<Arc<Live>> {
    let name = build::name(&desk.name, &agent.key.name);
    let live = context.children.get(Kind::Deployment, &desk.beside(name))?;
    live.is_controlled_by(&agent.uid).then_some(live)
}

/// Whether an agent is to have pods by its Deployment. Where somebody deleted that, by what was `counted` last.
fn has_pods(context: &Context, desk: &Key, agent: &Owner, counted: bool) -> bool {
    deployment(context, desk, agent).map_or(counted, |live| live.replicas != Some(0))
}

/// Reads all that the reconcile of `agent` needs.
pub fn dereference(context: &Context, agent: Arc<Stored<TradingAgent>>) -> Dereferenced {
    let key = Key::of::<TradingAgent>(&agent);
    let desk = key.beside(agent.spec.system_ref.name.as_str());
    let system = context.systems.read(&desk);
    let siblings = context.agents.belonging_to(&desk).into_iter().filter_map(Result::ok).collect();
    let reports = context.reports_of(&desk);
    let report = leader(&reports).and_then(|leader| {
        let said = leader.readable()?.agents.iter().find(|said| said.name.as_str() == key.name)?;
        Some((said.clone(), leader.age))
    });
    Dereferenced { key, agent, desk, system, siblings, report }
}
