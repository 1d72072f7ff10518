//! Who enforces a policy, in which form.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::{ConditionType, Conditions, Time, TradingState};
use crate::requests::Handled;
use crate::values::{Delay, Digest, ObjectName};

/// Who enforces the policy. Written by the operator alone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::schema::structural)]
pub struct RiskPolicyStatus {
    /// The `metadata.generation` that this status speaks of; -1 while nobody has looked at the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// The trading state that this generation asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trading_state: Option<TradingState>,
    /// Hash of the limits as the operator understands this generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Digest>,
    /// The TradingSystems that name the policy: the first 200 by name. While there is one, a
    /// deletion of the policy waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub systems: Vec<ObjectName>,
    /// How many pods enforce the policy, listed or not.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub bound_pods: i32,
    /// Of these, those that confirmed this generation with the operator's own hash.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub confirmed_pods: i32,
    /// One row a pod that enforces the policy. Of more than 200 those stand here that have not
    /// confirmed this generation, then the slowest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["pod".into()]))]
    pub bindings: Vec<Binding>,
    /// The pod that confirmed this generation last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest: Option<SlowestPod>,
    /// The values of annotations that were acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled: Option<Handled>,
    /// Ready, Reconciling, Stalled, and Enforced: true only when the hashes of all bindings match.
    #[serde(default)]
    pub conditions: Conditions,
}

impl RiskPolicyStatus {
    /// The conditions that a policy has.
    pub const CONDITIONS: &'static [ConditionType] = &[
        ConditionType::Ready,
        ConditionType::Reconciling,
        ConditionType::Stalled,
        ConditionType::Enforced,
    ];
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
    pub hash: Digest,
    /// When it began to enforce them, by the pod's clock.
    pub acknowledged_at: Time,
}

/// The pod that confirmed a generation last.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SlowestPod {
    /// The pod's name.
    pub pod: ObjectName,
    /// From the operator's sight of the generation to its sight of the confirmation, by one clock.
    pub latency: Delay,
}
