use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

/// Where a decision, order or fill came from, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lineage {
    /// What was asked about, such as `o12`.
    pub id: String,
    /// What that is: `Decision`, `Order`, `Round`, `Fill` or `Command`.
    pub kind: String,
    /// Its records, from the first cause to the last effect.
    pub lineage: Vec<LineageStep>,
}

/// One record of a lineage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineageStep {
    /// The record's number in the journal.
    pub sequence: u64,
    /// When.
    pub at: Time,
    /// The record's kind.
    pub kind: String,
    /// In words.
    pub summary: String,
    /// The record as the journal holds it: prices in ticks, quantities in lots, times in
    /// nanoseconds since 1970.
    #[schema(value_type = Object)]
    pub record: serde_json::Value,
}
