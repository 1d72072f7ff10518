//! All reads of a TradingSystem's reconcile, in one place, from what the watches know.

use std::sync::Arc;

use sapphire_crds::trading_system::TradingSystemStatus;
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};

use super::limit::Limit;
use super::limits;
use crate::context::Context;
use crate::reconcile::desired::Owner;
use crate::reconcile::key::Key;
use crate::reconcile::stored::{Stored, Unreadable};

/// The owner's kind, as owner references write it.
pub const KIND: &str = "TradingSystem";

/// A system and what it refers to.
#[derive(Debug, Clone)]
pub struct Dereferenced {
    /// The system's namespace and name.
    pub key: Key,
    /// The system.
    pub system: Arc<Stored<TradingSystem>>,
    /// The policy that it names, if it is there.
    pub policy: Option<Arc<Stored<RiskPolicy>>>,
    /// What its pods are under, the policy that it names first.
    pub limits: Vec<Limit>,
    /// The agents that name it, in the order of their names.
    pub agents: Vec<Arc<Stored<TradingAgent>>>,
    /// Those that name it, too, and cannot be read.
    pub unreadable: Vec<Arc<Unreadable>>,
    /// Whether the cluster has ServiceMonitors.
    pub service_monitors: bool,
}

impl Dereferenced {
    /// The system as the owner of its children.
    pub fn owner(&self) -> Owner {
        Owner::of::<TradingSystem>(&self.system, KIND)
    }

    /// The status as it was last written.
    pub fn status(&self) -> TradingSystemStatus {
        self.system.status.clone().unwrap_or_default()
    }

    /// A policy that pods of it are under although it names another.
    pub fn left_under(&self) -> Option<&str> {
        let named = self.system.spec.risk_policy_ref.name.as_str();
        self.limits.iter().map(|limit| limit.name.as_str()).find(|name| *name != named)
    }

    /// The generation that this reconcile speaks of.
    pub fn generation(&self) -> i64 {
        self.system.metadata.generation.unwrap_or(0)
    }
}

/// Reads all that the reconcile of `system` needs.
pub fn dereference(context: &Context, system: Arc<Stored<TradingSystem>>) -> Dereferenced {
    let key = Key::of::<TradingSystem>(&system);
    let policy = context.policies.get(&key.beside(system.spec.risk_policy_ref.name.as_str()));
    let limits = limits::over(context, &key);
    let (mut agents, mut unreadable) = (Vec::new(), Vec::new());
    for agent in context.agents.belonging_to(&key) {
        match agent {
            // An agent that is being deleted votes no more.
            Ok(agent) if agent.metadata.deletion_timestamp.is_none() => agents.push(agent),
            Err(agent) if agent.metadata.deletion_timestamp.is_none() => unreadable.push(agent),
            _ => {}
        }
    }
    let service_monitors = context.has_service_monitors();
    Dereferenced { key, system, policy, limits, agents, unreadable, service_monitors }
}
