//! How a desk does.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::{Conditions, Time, TradingState};
use crate::values::{Amount, ObjectName, Symbol, Text};

/// How the desk does. Written by the operator alone, from the traders' reports.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::schema::structural)]
pub struct TradingSystemStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// The ControllerRevision that the pods run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<ObjectName>,
    /// Which step of a rollout is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_step: Option<RolloutStep>,
    /// What the desk may do now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trading_state: Option<TradingState>,
    /// The pod that leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<ObjectName>,
    /// How many agents there are and answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<AgentCount>,
    /// Marked equity, in quote currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equity: Option<Amount>,
    /// Fall below the high-water mark, as a share of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawdown: Option<Amount>,
    /// True when the last report proves that nothing is open. A missing or old report counts as exposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flat: Option<bool>,
    /// Symbols with a position or a working entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub exposed_symbols: Vec<Symbol>,
    /// Sequence number and hash of the journal's head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_head: Option<Text>,
    /// When the trader last reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<Time>,
    /// Ready, Reconciling, Stalled, SchemaCurrent, CoreAvailable, AgentsAvailable, Enforced, Flat,
    /// DefaultsOutdated.
    #[serde(default)]
    pub conditions: Conditions,
}

/// The steps of a rollout, in order.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutStep {
    /// Migration, trader, coordinator, readers.
    Core,
    /// Agents that vote.
    Agents,
    /// Agents with delegated authority.
    Execution,
    /// Nothing is under way.
    Complete,
}

/// How many agents there are and answer.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AgentCount {
    /// Agents that refer to the system.
    #[schemars(range(min = 0))]
    pub total: i32,
    /// Of these, those that answered the last round.
    #[schemars(range(min = 0))]
    pub ready: i32,
}
