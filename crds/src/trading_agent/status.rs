//! How an agent does.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::{Conditions, Time};
use crate::values::{Amount, Fraction, Text};

/// How the agent does. Written by the operator alone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::schema::structural)]
pub struct TradingAgentStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// The name of the strategy that is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Text>,
    /// Pods that run.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub replicas: i32,
    /// Label selector of the pods, for autoscaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Text>,
    /// Share of the desk's votes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Amount>,
    /// Mean squared error of its confidence (0 is perfect, 0.25 a coin).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<Fraction>,
    /// Opinions scored so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub scored_opinions: Option<i64>,
    /// When it last had an opinion or abstained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_opinion_at: Option<Time>,
    /// Ready, Reconciling, Stalled.
    #[serde(default)]
    pub conditions: Conditions,
}
