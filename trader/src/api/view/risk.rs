use sapphire_engine::policy;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decimal, Time, TradingState};

/// The policy in force, and how near its limits are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Risk {
    /// Which policy acts, and since when.
    pub policy: PolicyInForce,
    /// The trading state in force.
    pub trading_state: TradingState,
    /// What a halt does to positions.
    pub on_halt: OnHalt,
    /// Whether nothing is open: no position, no working order.
    pub flat: bool,
    /// Since when; null while something is open.
    pub flat_since: Option<Time>,
    /// When the desk was halted; null while it is not.
    pub halted_at: Option<Time>,
    /// Each limit, and how much of it is used.
    pub limits: Vec<LimitUse>,
    /// A policy in the file that does not act whole yet; null when none waits.
    pub pending: Option<PendingPolicy>,
}

/// Which policy acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyInForce {
    /// The RiskPolicy's name.
    pub name: String,
    /// Rises with every change.
    pub generation: u64,
    /// SHA-256 of the limits as understood, in hexadecimal.
    pub hash: String,
    /// When it began to act, in event time; null for the one that the run began with.
    pub acknowledged_at: Option<Time>,
    /// The same by the machine's clock.
    pub acknowledged_wall_time: Option<Time>,
    /// Milliseconds of wall time from the file's change to the acknowledgement.
    pub delay_millis: Option<u64>,
    /// The file that is watched.
    pub file: String,
    /// How long the desk may be without sight of it, such as `1m`, by the machine's clock.
    pub stale_after: String,
    /// Since when it has been without for longer than that: only what shrinks exposure passes. Null
    /// while the policy is seen.
    pub lost: Option<LostPolicy>,
    /// What was refused last, until the file holds a policy again; null when nothing was.
    pub last_refused: Option<RefusedPolicy>,
}

/// A policy that nobody sees any more: its file cannot be read, or holds no policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LostPolicy {
    /// Since when that holds the desk back, in event time.
    pub since: Time,
    /// What is wrong with it.
    pub reason: String,
}

/// A change of policy that was refused; the one before it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedPolicy {
    /// When, by the machine's clock.
    pub at: Time,
    /// What is wrong with it.
    pub message: String,
}

/// What a halt does to positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OnHalt {
    /// Keeps them and their stops.
    CancelOnly,
    /// Closes them and proves flat.
    Flatten,
}

impl From<policy::OnHalt> for OnHalt {
    fn from(on_halt: policy::OnHalt) -> Self {
        match on_halt {
            policy::OnHalt::CancelOnly => Self::CancelOnly,
            policy::OnHalt::Flatten => Self::Flatten,
        }
    }
}

/// One limit and its use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitUse {
    /// Its name in the RiskPolicy.
    pub name: String,
    /// What it is counted in, such as `ratio`, `quote` or `positions`.
    pub unit: String,
    /// The limit.
    pub limit: Decimal,
    /// What counts against it now.
    pub value: Decimal,
    /// What is left; 0 when none is.
    pub headroom: Decimal,
    /// Share of the limit in use: 1 is at the limit.
    pub fraction: Decimal,
}

/// A policy that does not act whole yet: of its limits and states the stricter ones do, of its exits
/// none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingPolicy {
    /// Its generation, once it acts.
    pub generation: u64,
    /// Its hash.
    pub hash: String,
    /// What of it does not act yet: limits by their names, `exits`, `tradingState`, `onHalt`,
    /// `staleAfter`.
    pub changes: Vec<String>,
    /// What it waits for.
    pub waits_for: String,
}
