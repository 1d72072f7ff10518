use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

/// How the process is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Seconds of wall time since the process began.
    pub uptime_seconds: f64,
    /// Events that the engine has taken.
    pub events_total: u64,
    /// Events a second of wall time, over the last few seconds.
    pub events_per_second: f64,
    /// The journal's commits.
    pub journal: JournalHealth,
    /// The newest error; null when there was none.
    pub last_error: Option<LastError>,
    /// Errors of feeds since the start.
    pub feed_errors: u64,
    /// What was wrong with the data, and traded through.
    pub data_quality: DataQuality,
}

/// How long the journal takes to become durable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalHealth {
    /// Commits since the start.
    pub commits: u64,
    /// How long the last one took, in microseconds.
    pub last_commit_micros: u64,
    /// What 99 of 100 commits stayed within, in microseconds.
    pub p99_commit_micros: u64,
}

/// An error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// When.
    pub at: Time,
    /// In which part of the desk.
    #[serde(rename = "where")]
    pub place: String,
    /// What, and what to do.
    pub message: String,
}

/// What was wrong with the data, and traded through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataQuality {
    /// Prices that were not on the tick, and were rounded to the nearest.
    pub off_tick: u64,
    /// Bars that were not equal to another one of the same time, of which the first was taken.
    pub contradictions: u64,
    /// Bars told twice, and taken once.
    pub duplicates: u64,
    /// Bars that are missing.
    pub missing: u64,
    /// Moves of 30 % or more between one bar and the next.
    pub jumps: u64,
    /// Rows that stood against the file's order, and were sorted by time.
    pub out_of_order: u64,
    /// Times that depth updates were lost: the book was unknown from there to the next snapshot.
    pub sequence_gaps: u64,
    /// Trades below one lot, which were dropped.
    pub below_lot: u64,
    /// Depth updates that belong to no snapshot and were dropped; those before a first one are no fault.
    pub unsynchronised: u64,
}
