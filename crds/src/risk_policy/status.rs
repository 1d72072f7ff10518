//! Who enforces a policy, in which form.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::{Conditions, Time};
use crate::values::{ObjectName, Text};

/// Who enforces the policy. Written by the operator alone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::schema::structural)]
pub struct RiskPolicyStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// Hash of the limits as the operator understands this generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Text>,
    /// How many pods are in `bindings`.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub bound_pods: i32,
    /// One row a pod that enforces the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["pod".into()]))]
    pub bindings: Vec<Binding>,
    /// Ready, Reconciling, Stalled, and Enforced: true only when the hashes of all bindings match.
    #[serde(default)]
    pub conditions: Conditions,
}

/// One pod's acknowledgement.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The pod's name.
    pub pod: ObjectName,
    /// The TradingSystem that it runs.
    pub system: ObjectName,
    /// The policy's generation that it enforces.
    #[schemars(range(min = 0))]
    pub generation: i64,
    /// Hash of the limits as the pod understood them.
    pub hash: Text,
    /// When it began to enforce them.
    pub acknowledged_at: Time,
}
