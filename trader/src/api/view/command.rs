use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest `reason`, in characters.
pub const REASON_MAX: usize = 500;
/// Longest `who`, in characters.
pub const WHO_MAX: usize = 100;

/// Stop trading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Halt {
    /// Why: it is kept in the journal.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// Who asks, as far as they care to say.
    #[schema(min_length = 1, max_length = 100)]
    pub who: Option<String>,
    /// Close positions too, whatever the policy's `onHalt` says.
    #[serde(default)]
    pub flatten: bool,
}

/// Trade again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resume {
    /// Why: it is kept in the journal.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// Who asks, as far as they care to say.
    #[schema(min_length = 1, max_length = 100)]
    pub who: Option<String>,
}

/// Close a symbol's position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClosePosition {
    /// Which symbol.
    #[schema(pattern = "^[A-Za-z0-9._/-]{1,23}$")]
    pub symbol: String,
    /// Why: it is kept in the journal.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

/// Cancel a working order. A stop that protects a position stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOrder {
    /// Which, such as `o12`.
    #[schema(pattern = "^o[0-9]{1,19}$")]
    pub order_id: String,
    /// Why: it is kept in the journal.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

/// Pause, or unpause, a symbol or an agent: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    /// No entries on this symbol.
    #[schema(pattern = "^[A-Za-z0-9._/-]{1,23}$")]
    pub symbol: Option<String>,
    /// This agent's opinions do not count.
    #[schema(min_length = 1, max_length = 253)]
    pub agent: Option<String>,
    /// Why: it is kept in the journal.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

/// A command that is durable in the journal: the desk acts on it, whatever becomes of this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandAccepted {
    /// Always true.
    pub accepted: bool,
    /// Its number, such as `c3`: `/api/why/c3` tells what came of it.
    pub command_id: String,
    /// The number of its record in the journal.
    pub journal_sequence: u64,
}
