//! `RiskPolicy`: what a desk may lose.

mod exits;
mod limits;
mod status;

/// The values of what a policy leaves out.
pub mod defaults;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use exits::{AtrExit, AtrStop, Exits, Stop, StopChoice, TimeStop};
pub use limits::{Limits, OrderRate};
pub use status::{Binding, RiskPolicyStatus, SlowestPod};

pub use crate::conditions::TradingState;
use crate::values::Duration;

/// What a desk may lose: limits, exits, and the switch that halts it.
///
/// A stricter value acts on arrival. A looser one acts once it is durable in the store.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "sapphiretrade.xyz",
    version = "v1alpha1",
    kind = "RiskPolicy",
    plural = "riskpolicies",
    shortname = "rpol",
    category = "sapphire",
    namespaced,
    derive = "PartialEq",
    status = "RiskPolicyStatus",
    doc = "What a desk may lose: limits, exits, and the switch that halts it.",
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
    printcolumn(name = "State", type_ = "string", json_path = ".status.tradingState"),
    printcolumn(
        name = "Enforced",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Enforced\")].status"
    ),
    printcolumn(name = "Pods", type_ = "integer", json_path = ".status.boundPods"),
    printcolumn(
        name = "Confirmed",
        type_ = "integer",
        json_path = ".status.confirmedPods",
        priority = 1
    ),
    printcolumn(
        name = "Slowest",
        type_ = "string",
        json_path = ".status.slowest.pod",
        priority = 1
    ),
    printcolumn(
        name = "Latency",
        type_ = "string",
        json_path = ".status.slowest.latency",
        priority = 1
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Enforced\")].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::schema::structural)]
pub struct RiskPolicySpec {
    /// How much may be lost, owed, open and sent.
    #[serde(default)]
    pub limits: Limits,
    /// How positions are protected and closed.
    #[serde(default)]
    pub exits: Exits,
    /// The strictest of this, a command and the engine's own state holds. A halt that this orders ends
    /// when this says otherwise; one that a command ordered, or that losses brought, ends with a
    /// person's `resume` alone, which in turn does not overrule this.
    #[serde(default)]
    pub trading_state: TradingState,
    /// What a halt does to open positions.
    #[serde(default)]
    pub on_halt: OnHalt,
    /// A trader that has not seen its policy for this long goes Reducing, until it sees it again; no
    /// `resume` lifts that.
    #[serde(default = "defaults::stale_after")]
    pub stale_after: Duration,
}

impl RiskPolicySpec {
    /// Hash of the policy as understood: defaults filled in, decimals and durations in one form each.
    /// Two programs that answer the same hash enforce the same limits.
    ///
    /// # Errors
    /// Never for a policy that was read; see [`canonical_hash`](crate::canonical::canonical_hash).
    pub fn hash(&self) -> Result<String, serde_json::Error> {
        crate::canonical::canonical_hash(self)
    }
}

impl Default for RiskPolicySpec {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            exits: Exits::default(),
            trading_state: TradingState::default(),
            on_halt: OnHalt::default(),
            stale_after: defaults::stale_after(),
        }
    }
}

/// What a halt does to open positions.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnHalt {
    /// Entries are cancelled; position and protective stop stay.
    #[default]
    CancelOnly,
    /// Entries are cancelled, positions closed and proven flat.
    Flatten,
}
