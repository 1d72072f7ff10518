//! How a desk does.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::{ConditionType, Conditions, Time, TradingState};
use crate::report::JournalHead;
use crate::requests::Handled;
use crate::values::{Amount, ObjectName, Symbol, Text};

/// How the desk does. Written by the operator alone, from the traders' reports.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::schema::structural)]
pub struct TradingSystemStatus {
    /// The `metadata.generation` that this status speaks of; -1 while nobody has looked at the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// Which revision each part of the desk runs, and what is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,
    /// What the leader last reported. Kept when the leader is gone, without `flat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<DeskReport>,
    /// How many agents there are and answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<AgentCount>,
    /// The values of annotations that were acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled: Option<Handled>,
    /// Ready, Reconciling, Stalled, SchemaCurrent, CoreAvailable, AgentsAvailable, Enforced, Flat,
    /// DefaultsOutdated.
    #[serde(default)]
    pub conditions: Conditions,
}

impl TradingSystemStatus {
    /// The conditions that a system has.
    pub const CONDITIONS: &'static [ConditionType] = &[
        ConditionType::Ready,
        ConditionType::Reconciling,
        ConditionType::Stalled,
        ConditionType::SchemaCurrent,
        ConditionType::CoreAvailable,
        ConditionType::AgentsAvailable,
        ConditionType::Enforced,
        ConditionType::Flat,
        ConditionType::DefaultsOutdated,
    ];
}

/// Which revision each part of the desk runs, and what is under way.
///
/// A revision is the name of a ControllerRevision. What a step's revision is *released* means: the
/// operator applies that step's pods with it. Whether they answer is said by the conditions.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// The step that is under way.
    pub step: RolloutStep,
    /// The revision of the desk's spec as it is now.
    pub target: ObjectName,
    /// The revision that the core's pods are released at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<ObjectName>,
    /// The revision that agents which vote are released at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<ObjectName>,
    /// The revision that agents with delegated authority are released at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ObjectName>,
    /// The revision that the step under way goes back to if it fails. Absent: nothing ran before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<ObjectName>,
    /// The revisions at which each step was last completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable: Option<StableRevisions>,
    /// The revision whose trader is to lead. A leader of another revision quiesces and hands over;
    /// traders watch this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_revision: Option<ObjectName>,
    /// When the step began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When the step is undone unless it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
    /// The revision that failed and is not tried again until the spec changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<FailedRollout>,
}

/// The revisions at which each step was last completed: what a step that fails goes back to.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct StableRevisions {
    /// Of the core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<ObjectName>,
    /// Of the agents that vote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<ObjectName>,
    /// Of the agents with delegated authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ObjectName>,
}

/// The steps of a rollout, in order.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
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

/// A revision that was undone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FailedRollout {
    /// The revision.
    pub revision: ObjectName,
    /// The step that it failed at.
    pub step: RolloutStep,
    /// How it failed.
    pub reason: RolloutFailure,
    /// The `metadata.generation` that it failed with; another one is tried again.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub generation: i64,
    /// Why, in words; of a pod, its own last ones.
    pub message: Text,
    /// When it was undone.
    pub at: Time,
}

/// How a rollout fails.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutFailure {
    /// The migration pod ended with an error.
    MigrationFailed,
    /// A step was not done in time.
    DeadlineExceeded,
}

/// What the leader last reported.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DeskReport {
    /// When the operator last saw something of this change, by the operator's clock. A sign of life that
    /// says nothing new is not written.
    pub observed_at: Time,
    /// The pod that leads.
    pub leader: ObjectName,
    /// What the desk may do now.
    pub trading_state: TradingState,
    /// Marked equity, in quote currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equity: Option<Amount>,
    /// Fall below the high-water mark, as a share of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawdown: Option<Amount>,
    /// True when a recent report proves that nothing is open. Anything else, absence too, counts as
    /// exposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flat: Option<bool>,
    /// Symbols with a position or a working entry: the first 50 by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub exposed_symbols: Vec<Symbol>,
    /// Orders at work at the venue, protective stops included.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub open_orders: i32,
    /// The journal's last entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_head: Option<JournalHead>,
}

/// How many agents there are and answer.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AgentCount {
    /// Agents that refer to the system.
    #[schemars(range(min = 0))]
    pub total: i32,
    /// Of these, those that are ready.
    #[schemars(range(min = 0))]
    pub ready: i32,
    /// Both, as `kubectl get` shows them: `ready/total`; and how many more run in the trader's pod although
    /// they are deleted, as in `2/2 + 1 deleted`.
    pub summary: Text,
}

impl AgentCount {
    /// So many, of which so many are ready, and so many more that are deleted and run on.
    pub fn of(total: i32, ready: i32, deleted: usize) -> Self {
        let deleted = match deleted {
            0 => String::new(),
            some => format!(" + {some} deleted"),
        };
        Self { total, ready, summary: Text::fitted(&format!("{ready}/{total}{deleted}")) }
    }
}
