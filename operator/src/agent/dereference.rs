//! All reads of a TradingAgent's reconcile, in one place, from what the watches know.

use std::sync::Arc;

use sapphire_crds::report::AgentReport;
use sapphire_crds::trading_agent::TradingAgentStatus;
use sapphire_crds::{TradingAgent, TradingSystem};

use crate::context::Context;
use crate::reconcile::desired::Owner;
use crate::reconcile::key::Key;
use crate::reconcile::mirror::Read;
use crate::reconcile::stored::Stored;
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
