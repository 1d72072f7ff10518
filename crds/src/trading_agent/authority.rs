//! Whether an agent votes or trades.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::one_of::one_of;
use crate::values::{Positive, Size, Symbol, whole};

/// Whether an agent votes or trades: `consensus` or `delegated`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.consensus) != has(self.delegated)")
        .message("consensus and delegated are alternatives; set exactly one of them")
)]
pub struct Authority {
    /// Its opinions are votes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consensus: Option<ConsensusAuthority>,
    /// Its opinions are orders, inside small limits of their own and the same risk gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegated: Option<DelegatedAuthority>,
}

one_of! {
    /// Whether an agent votes or trades.
    AuthorityChoice of Authority {
        consensus => Consensus(ConsensusAuthority),
        delegated => Delegated(DelegatedAuthority),
    }
}

/// The right to vote.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsensusAuthority {
    /// What it votes on. Absent: every symbol of the system. A symbol cannot be both voted on and
    /// delegated, so a desk with a delegated symbol lists the others here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub symbols: Option<Vec<Symbol>>,
}

/// The right to trade alone, for horizons shorter than a round.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DelegatedAuthority {
    /// What it trades; no one else trades or votes on these.
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub symbols: Vec<Symbol>,
    /// Of each position, in base currency; a whole number of lots.
    pub quantity: Size,
    /// Greatest notional of its position in one symbol, in quote currency.
    pub max_notional: Positive,
    /// Entries a second, sustained, of the policy's own rate.
    #[serde(default = "whole::<1>")]
    #[schemars(range(min = 1, max = 1000))]
    pub orders_per_second: u32,
    /// Whether the policy's exits protect its positions.
    #[serde(default)]
    pub exits: DelegatedExits,
}

/// Whether the policy's exits protect a delegated agent's positions.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DelegatedExits {
    /// The policy's stop, take-profit, trailing and time stop.
    #[default]
    Policy,
    /// None: the agent closes its positions itself.
    None,
}
