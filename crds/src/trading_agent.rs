//! `TradingAgent`: who has an opinion.

mod authority;
mod status;
/// The catalogue of strategies with their parameters.
pub mod strategy;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use authority::{
    Authority, AuthorityChoice, ConsensusAuthority, DelegatedAuthority, DelegatedExits,
};
pub use status::{AgentRollout, CanaryStatus, FailedRevision, TradingAgentStatus};
pub use strategy::{Strategy, StrategyChoice};

use crate::references::ObjectReference;
use crate::trading_system::Autoscaling;
use crate::values::{Delay, Fraction, whole};

/// An agent: a strategy that has opinions on a desk's symbols.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "sapphiretrade.xyz",
    version = "v1alpha1",
    kind = "TradingAgent",
    plural = "tradingagents",
    shortname = "tagent",
    category = "sapphire",
    namespaced,
    derive = "PartialEq",
    status = "TradingAgentStatus",
    doc = "An agent: a strategy that has opinions on a desk's symbols.",
    validation = Rule::new("self.metadata.name.size() <= 40")
        .message("metadata.name is longer than 40 characters; shorten it, so that labels and objects made from it stay within 63"),
    validation = Rule::new("!(self.metadata.name in ['trader', 'coordinator', 'api', 'agent', 'migration'])")
        .message("metadata.name is that of a part of every desk, whose objects would be named alike; choose another, such as trend"),
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    selectable = ".spec.systemRef.name",
    printcolumn(name = "System", type_ = "string", json_path = ".spec.systemRef.name"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Strategy", type_ = "string", json_path = ".status.strategy"),
    printcolumn(name = "Authority", type_ = "string", json_path = ".status.authority"),
    printcolumn(name = "Weight", type_ = "string", json_path = ".status.weight"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".spec.replicas"),
    printcolumn(name = "Tier", type_ = "string", json_path = ".spec.tier", priority = 1),
    printcolumn(name = "Brier", type_ = "string", json_path = ".status.brier", priority = 1),
    printcolumn(
        name = "Scored",
        type_ = "integer",
        json_path = ".status.scoredOpinions",
        priority = 1
    ),
    printcolumn(name = "Canary", type_ = "string", json_path = ".status.canary.weight", priority = 1),
    printcolumn(
        name = "Last opinion",
        type_ = "date",
        json_path = ".status.lastOpinionAt",
        priority = 1
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::schema::structural)]
#[x_kube(
    validation = Rule::new("self.systemRef.name == oldSelf.systemRef.name")
        .message("systemRef cannot change, an agent's record is its desk's; put it back, or delete this agent and create it for the other system").field_path(".systemRef")
)]
pub struct TradingAgentSpec {
    /// The TradingSystem that this agent belongs to.
    pub system_ref: ObjectReference,
    /// How it comes to its opinions.
    pub strategy: Strategy,
    /// Whether its opinions are votes or orders.
    pub authority: Authority,
    /// How many bars ahead its opinions look; they are scored then.
    #[serde(default = "whole::<1>")]
    #[schemars(range(min = 1, max = 10_000))]
    pub horizon: u32,
    /// Greatest share of equity that this agent supports in one position, counted as notional over the
    /// policy's maxLeverage. Of agents that agree, each counts with its weight.
    #[serde(default = "Fraction::constant::<1, 0>")]
    pub participation: Fraction,
    /// How long after a bar's close its opinion arrives, where time is the data's (backtest, replay,
    /// recorded data). Live, it arrives when it does.
    #[serde(default = "Delay::constant::<200>")]
    pub decision_latency: Delay,
    /// True silences the agent: it neither votes nor trades. What it has open keeps its stop.
    #[serde(default)]
    pub paused: bool,
    /// Size of its pods on a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// How many pods share its symbols; together they have one vote. `kubectl scale` and autoscaling
    /// set it.
    // The scale subresource cannot be read without a value, hence the one default in the schema. It
    // shapes no pod: replicas are no part of a revision.
    #[serde(default = "whole::<1>")]
    #[schemars(range(min = 0, max = 50), extend("x-sapphire-keep-default" = true))]
    pub replicas: u32,
    /// Lets `replicas` follow the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
}

/// Size of an agent's pods.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// For indicators.
    Small,
    /// For online models.
    Medium,
    /// For models in memory.
    Large,
}
