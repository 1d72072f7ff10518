//! How an agent does.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::{ConditionType, Conditions, Time};
use crate::requests::Handled;
use crate::values::{ObjectName, Proportion, Text};

/// How the agent does. Written by the operator alone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::schema::structural)]
pub struct TradingAgentStatus {
    /// The `metadata.generation` that this status speaks of; -1 while nobody has looked at the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// The name of the strategy that is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Text>,
    /// The authority that is set: `consensus` or `delegated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Text>,
    /// The ControllerRevision that its pods are applied with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<ObjectName>,
    /// The system's revision that its pods run against: written once all of them do and are ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_revision: Option<ObjectName>,
    /// Pods that exist. An agent inside its trader's pod has none.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub replicas: i32,
    /// Of these, those that are ready.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub ready_replicas: i32,
    /// Label selector of the pods, for autoscaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Text>,
    /// A changed revision that has not proven itself yet. Absent: `revision` has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<AgentRollout>,
    /// A changed agent's growing vote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStatus>,
    /// The revision that failed and is not tried again until the spec changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<FailedRevision>,
    /// Share of the desk's votes. Absent: it has none, as one that is paused or trades by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Proportion>,
    /// Mean squared error of its confidence (0 is perfect, 0.25 a coin).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<Proportion>,
    /// Opinions scored so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub scored_opinions: Option<i64>,
    /// When it last had an opinion or abstained, as the leader reported it. Written once a minute at most, so it
    /// may be a minute older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_opinion_at: Option<Time>,
    /// The values of annotations that were acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled: Option<Handled>,
    /// Ready, Reconciling, Stalled, DefaultsOutdated, Promoted.
    #[serde(default)]
    pub conditions: Conditions,
}

impl TradingAgentStatus {
    /// The conditions that an agent has.
    pub const CONDITIONS: &'static [ConditionType] = &[
        ConditionType::Ready,
        ConditionType::Reconciling,
        ConditionType::Stalled,
        ConditionType::DefaultsOutdated,
        ConditionType::Promoted,
    ];
}

/// A changed revision that has not proven itself yet.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AgentRollout {
    /// The revision that is on trial.
    pub revision: ObjectName,
    /// The revision that it goes back to if it fails. Absent: nothing ran before it, and nothing is
    /// undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable: Option<ObjectName>,
    /// When it is undone unless its pods answer. Absent while they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
}

/// A changed agent's growing vote. The coordinator reads it here, so that the vote grows without a
/// restart.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStatus {
    /// The revision that is on trial.
    pub revision: ObjectName,
    /// The revision that an abandoned trial goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable: Option<ObjectName>,
    /// The share of its full weight that it may vote with.
    pub weight: Proportion,
    /// Since when.
    pub since: Time,
    /// The share that the leader last confirmed to vote it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Proportion>,
}

/// A revision that was undone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FailedRevision {
    /// The revision.
    pub revision: ObjectName,
    /// Why, in words; of a pod, its own last ones.
    pub message: Text,
    /// When it was undone.
    pub at: Time,
}
