//! What a rollout is decided on.

use std::time::Duration;

use jiff::Timestamp;
use sapphire_crds::conditions::Reason;
use sapphire_crds::values::ObjectName;

use crate::reconcile::workload::Answer;

/// What is known of a desk and its pods.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Now, by the operator's clock.
    pub now: Timestamp,
    /// No deadline counts before: this process has only begun to lead, and has neither done its part nor
    /// seen a report change.
    pub patient_until: Timestamp,
    /// The desk's `metadata.generation`.
    pub generation: i64,
    /// The revision of the desk's spec as it is now.
    pub target: ObjectName,
    /// Whether the desk has a pod a role, over PostgreSQL and Redis.
    pub clustered: bool,
    /// Whether a person asked to try again what failed.
    pub retry: bool,
    /// Whether the target may migrate the database.
    pub approved: bool,
    /// Whether the operator has a turn for this desk.
    pub turn: bool,
    /// How long a step may take.
    pub step_deadline: Duration,
    /// The revision that runs although no status says so: it was lost.
    pub running: Option<ObjectName>,
    /// How the target's migration stands.
    pub migration: Migration,
    /// Whether a pod of the target stands by, knows what is open, and said so a moment ago.
    pub stands_by: bool,
    /// Who leads.
    pub leader: Option<Leader>,
    /// Whether a person scaled to zero the released trader, and the one that is to lead where that is another.
    pub scaled_to_zero: bool,
    /// The revision that leads, where its trader, a coordinator and readers serve: one that comes up beside
    /// it, or in the place of it pod by pod, leaves nobody without.
    pub serving: Option<ObjectName>,
    /// How the trader of the core's revision stands.
    pub trader: Answer,
    /// How coordinator and readers stand. An embedded desk has none, and they answer.
    pub parts: Answer,
    /// How the agents that vote stand to the revision that is released for them.
    pub agents: Answer,
    /// How the agents with delegated authority do.
    pub execution: Answer,
    /// What keeps children from being applied, in words.
    pub held: Option<String>,
}

/// The pod that leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// The revision that it runs.
    pub revision: ObjectName,
    /// Whether it said so a moment ago, by what this process saw.
    pub fresh: bool,
}

/// How the migration of a revision stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Migration {
    /// There is no pod of this attempt.
    #[default]
    Absent,
    /// It runs, as the words say.
    Runs(String),
    /// Something keeps its pod from starting.
    Waits(Reason, String),
    /// The cluster took it away; it is made anew.
    Disrupted(String),
    /// It ended well.
    Succeeded,
    /// It ended otherwise; its last words.
    Failed(String),
}
