//! What the statuses of all kinds share.

mod reasons;

use std::borrow::Cow;

pub use reasons::{ConditionType, Reason};

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The `status.observedGeneration` of an object that nobody has looked at yet.
pub const UNOBSERVED: i64 = -1;

/// The conditions of an object: a map by `type`, at most 16.
///
/// Ready, Reconciling and Stalled mean what kstatus takes them to mean; the rest are the kind's own.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(transparent)]
pub struct Conditions(pub Vec<Condition>);

impl Conditions {
    /// The condition of this type, if it was ever set.
    pub fn get(&self, of: ConditionType) -> Option<&Condition> {
        self.0.iter().find(|condition| condition.type_ == of.as_str())
    }

    /// Whether the condition of this type is `True`.
    pub fn holds(&self, of: ConditionType) -> bool {
        self.get(of).is_some_and(|condition| condition.status == "True")
    }
}

impl JsonSchema for Conditions {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Conditions".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Bounds as in metav1.Condition's own markers. Types and reasons are closed in code and open
        // here: under CRDs that are older than the operator a new word must not stop every status.
        json_schema!({
            "type": "array",
            "maxItems": 16,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "items": {
                "type": "object",
                "required": ["type", "status", "lastTransitionTime", "reason", "message"],
                "properties": {
                    "type": {
                        "type": "string",
                        "description": "What the condition is about, such as Ready.",
                        "pattern": "^[A-Za-z]([A-Za-z0-9]{0,62})$",
                        "maxLength": 63,
                    },
                    "status": {
                        "type": "string",
                        "enum": ["True", "False", "Unknown"],
                    },
                    "observedGeneration": {
                        "type": "integer",
                        "format": "int64",
                        "minimum": 0,
                        "description": "The metadata.generation that the condition speaks of.",
                    },
                    "lastTransitionTime": {
                        "type": "string",
                        "format": "date-time",
                        "description": "When the status last changed.",
                    },
                    "reason": {
                        "type": "string",
                        "description": "Why, as one word of a closed list.",
                        "pattern": "^[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?$",
                        "minLength": 1,
                        "maxLength": 256,
                    },
                    "message": {
                        "type": "string",
                        "description": "Why, in words, and what to do.",
                        "maxLength": 8192,
                    },
                },
            },
        })
    }
}

/// What the desk may do now; the strictest of policy, command and the engine's own state.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum TradingState {
    /// Everything that the limits allow.
    #[default]
    Active,
    /// Only what shrinks exposure.
    Reducing,
    /// Entries are cancelled; `onHalt` says what happens to positions. Only a person lifts it.
    Halted,
}
