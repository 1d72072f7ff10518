//! What a trader pod says of itself, in an annotation of its own Lease.
//!
//! The Lease bears the pod's name and is owned by the pod. The pod writes it at once when
//! [something urgent](Report::differs_urgently) changes, else every 30 seconds. Once it sees that its
//! TradingSystem is being deleted, it enters nothing any more and says so in the report: only such a report
//! proves that the desk may go. The operator believes a report only as far as it can be believed: it is
//! read with bounds on everything, it is fresh for as long as the operator itself saw it change, and what
//! cannot be read counts as exposed.

mod bounds;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::conditions::{Time, TradingState};
use crate::values::{Amount, Digest, ObjectName, Proportion, Symbol, Text};
use bounds::bounded;

/// Longest report, in bytes of JSON. A Lease may carry 256 KiB of annotations.
pub const MAX_BYTES: usize = 64 * 1024;
/// Most agents that a report speaks of.
pub const MAX_AGENTS: usize = 200;
/// Most exposed symbols that a report names.
pub const MAX_SYMBOLS: usize = 50;

/// What a trader pod says of itself. Fields that are not known here are passed over, so that a newer
/// trader can say more; words that are not known make the report unreadable, which counts as exposed.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The ControllerRevision that the pod runs.
    pub revision: ObjectName,
    /// What the pod is now.
    pub role: Role,
    /// The epoch in the store of the leadership that the pod last saw. Of two that say they lead, the
    /// one with the greater epoch does.
    #[serde(default)]
    pub epoch: i64,
    /// Whether the pod knows what is open: journal read, venue asked. A standby could then take over.
    pub reconciled: bool,
    /// The policy that the pod enforces. Absent: none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Acknowledgement>,
    /// Whether the pod has seen that its TradingSystem is being deleted; it enters nothing from then on.
    #[serde(default)]
    pub ending: bool,
    /// What the desk may do now.
    pub trading_state: TradingState,
    /// Marked equity, in quote currency. Absent before there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equity: Option<Amount>,
    /// Fall below the high-water mark, as a share of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawdown: Option<Amount>,
    /// Whether it is proven that there is no position and no working entry.
    pub flat: bool,
    /// Symbols with a position or a working entry: the first [`MAX_SYMBOLS`] by name.
    #[serde(default, deserialize_with = "bounded::<_, _, MAX_SYMBOLS>")]
    pub exposed_symbols: Vec<Symbol>,
    /// Orders at work at the venue, protective stops included.
    #[serde(default)]
    pub open_orders: i32,
    /// The journal's last entry. Absent: the journal is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_head: Option<JournalHead>,
    /// Of the agents, the first [`MAX_AGENTS`] by name.
    #[serde(default, deserialize_with = "bounded::<_, _, MAX_AGENTS>")]
    pub agents: Vec<AgentReport>,
}

/// What a trader pod is.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It trades.
    Leader,
    /// It could.
    Standby,
    /// It led, sends nothing any more, and waits for its successor.
    Quiesced,
}

/// Which policy a pod enforces, as it understood it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledgement {
    /// The RiskPolicy's name.
    pub name: ObjectName,
    /// Its generation.
    pub generation: i64,
    /// [`RiskPolicySpec::hash`](crate::RiskPolicySpec::hash) of what the pod enforces.
    pub hash: Digest,
    /// When it began to, by the pod's clock.
    pub acknowledged_at: Time,
}

/// The last entry of the hash-chained journal.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct JournalHead {
    /// Its number, from 1.
    #[schemars(range(min = 0))]
    pub sequence: i64,
    /// Its hash, which covers all entries before it.
    pub hash: Digest,
}

/// How an agent does, as the leader counts it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AgentReport {
    /// The TradingAgent's name.
    pub name: ObjectName,
    /// Share of the desk's votes; 0 for one with delegated authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Proportion>,
    /// The share of its full weight that the agent was last allowed by its canary. Absent: no canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_weight: Option<Proportion>,
    /// Brier score of its opinions. Absent while none is scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<Proportion>,
    /// Opinions scored so far.
    #[serde(default)]
    pub scored: i64,
    /// When it last had an opinion or abstained. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_opinion_at: Option<Time>,
}

/// Why a report is not one.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is longer than [`MAX_BYTES`].
    #[error("the report has {0} bytes, more than {MAX_BYTES}")]
    TooLong(usize),
    /// It is not JSON, or not a report's.
    #[error("the report cannot be read: {0}")]
    Unreadable(Text),
    /// It says what cannot be.
    #[error("the report cannot be true: {0}")]
    Impossible(&'static str),
}

/// The reader quotes what it could not read, which may be long and may move a terminal's cursor.
impl From<serde_json::Error> for ReportError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(Text::fitted_to(300, &error.to_string()))
    }
}

impl Report {
    /// Reads the annotation.
    ///
    /// # Errors
    /// What is too long, not a report, out of any range, or at odds with itself. The text may come from
    /// anyone who may write Leases, so nothing of it is taken on trust.
    pub fn read(annotation: &str) -> Result<Self, ReportError> {
        if annotation.len() > MAX_BYTES {
            return Err(ReportError::TooLong(annotation.len()));
        }
        let report: Self = serde_json::from_str(annotation)?;
        bounds::check(&report)?;
        Ok(report)
    }

    /// Writes the annotation.
    ///
    /// # Errors
    /// As [`read`](Self::read), so that what is written can be read.
    pub fn write(&self) -> Result<String, ReportError> {
        bounds::check(self)?;
        let text = serde_json::to_string(self)?;
        if text.len() > MAX_BYTES { Err(ReportError::TooLong(text.len())) } else { Ok(text) }
    }

    /// Whether this report, if it is fresh, proves that nothing is open: only a leader that knows what
    /// is open can say so.
    pub fn proves_flat(&self) -> bool {
        self.role == Role::Leader && self.reconciled && self.flat
    }

    /// Whether a change from `earlier` is to be told at once: revision, leadership, policy, the end,
    /// trading state, exposure, canaries. Equity, scores and the journal's head can wait.
    pub fn differs_urgently(&self, earlier: &Self) -> bool {
        fn canaries(report: &Report) -> impl Iterator<Item = (&ObjectName, Proportion)> {
            let agents = report.agents.iter();
            agents.filter_map(|agent| agent.canary_weight.map(|weight| (&agent.name, weight)))
        }
        self.revision != earlier.revision
            || self.role != earlier.role
            || self.epoch != earlier.epoch
            || self.reconciled != earlier.reconciled
            || self.policy != earlier.policy
            || self.ending != earlier.ending
            || self.trading_state != earlier.trading_state
            || self.flat != earlier.flat
            || self.exposed_symbols != earlier.exposed_symbols
            || !canaries(self).eq(canaries(earlier))
    }
}

#[cfg(test)]
mod tests;
