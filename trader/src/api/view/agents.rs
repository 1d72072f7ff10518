use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decimal, Direction, Time};

/// Everybody with an opinion.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agents {
    /// In the desk's order.
    pub agents: Vec<Agent>,
}

/// One TradingAgent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Its strategy.
    pub strategy: String,
    /// Whether it votes or acts alone.
    pub authority: Authority,
    /// Whether a person paused it: its opinions do not count.
    pub paused: bool,
    /// Its share of the vote, 0 to 1.
    pub weight: Decimal,
    /// Mean squared error of its confidence over all scored opinions, 0 (perfect) to 1; null
    /// before the first is scored.
    pub brier: Option<Decimal>,
    /// Opinions given.
    pub opinions: u64,
    /// Times that it had not enough to go on.
    pub abstentions: u64,
    /// Share of its scored opinions that were right; null before the first is scored.
    pub hit_rate: Option<Decimal>,
    /// Its newest word; null before the first.
    pub last_opinion: Option<LastOpinion>,
}

/// Whether an agent votes or acts alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Authority {
    /// It votes.
    Consensus,
    /// It acts alone, within small limits of its own.
    Delegated,
}

/// An agent's newest word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastOpinion {
    /// When.
    pub at: Time,
    /// On what.
    pub symbol: String,
    /// Where it expects the price to go; null for an abstention.
    pub direction: Option<Direction>,
    /// The probability that it is right, 0 to 1; null for an abstention.
    pub confidence: Option<Decimal>,
    /// Whether it had not enough to go on.
    pub abstained: bool,
    /// Why.
    pub reason: String,
}
