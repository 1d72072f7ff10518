//! What a desk is made of, checked and in integers: manifests become this once, at the start.

use serde::{Deserialize, Serialize};

use crate::event::PolicyChange;
use crate::ids::RunId;
use crate::instrument::{Instrument, QtyLots, SymbolId};
use crate::money::{Amount, Ratio};
use crate::time::Span;

/// Everything the engine knows before the first event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EngineConfig {
    /// The run that ids derive from.
    pub run: RunId,
    /// Instruments; a [`SymbolId`] is a place in this list.
    pub instruments: Vec<Instrument>,
    /// Length of a bar.
    pub bar_interval: Span,
    /// Agents; an [`AgentId`](crate::ids::AgentId) is a place in this list.
    pub agents: Vec<AgentConfig>,
    /// How opinions become decisions.
    pub consensus: ConsensusConfig,
    /// The policy to start with.
    pub policy: PolicyChange,
    /// The account's wallet balance at the start.
    pub balance: Amount,
    /// What the venue can do, and how long it may take.
    pub venue: VenueConfig,
    /// Whether real money is at stake; it shortens how long a decision stays fresh to 30 s.
    pub live: bool,
}

/// A trading agent, as the engine needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentConfig {
    /// Its TradingAgent's name.
    pub name: String,
    /// Its strategy, for people.
    pub strategy: String,
    /// Whether it votes or acts alone.
    pub authority: Authority,
    /// After how many bars its opinion is judged right or wrong; at least 1.
    pub horizon: u32,
    /// The largest share of equity, as notional over leverage, that it supports in one position.
    pub participation: Ratio,
}

/// Whether an agent votes or acts alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Authority {
    /// It votes on these symbols.
    Consensus {
        /// Where it votes.
        symbols: Vec<SymbolId>,
    },
    /// It acts alone on these, within its own limits, in the same gate.
    Delegated {
        /// Where it acts, and how much at a time.
        symbols: Vec<Delegation>,
        /// Largest value of its position in a symbol.
        max_notional: Amount,
        /// Orders a second, sustained.
        orders_per_second: u32,
        /// Whether the policy's stop and other exits guard its positions too.
        policy_exits: bool,
    },
}

/// A symbol that an agent trades alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delegation {
    /// Which.
    pub symbol: SymbolId,
    /// The fixed size of a position.
    pub quantity: QtyLots,
}

/// How opinions become decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsensusConfig {
    /// Agents that must agree.
    pub min_agents: u32,
    /// Share of the weight cast that they must hold.
    pub approval: Ratio,
    /// How long a round waits for answers.
    pub timeout: Span,
    /// The most of all weight that one agent may have.
    pub max_weight: Ratio,
}

/// What the venue can do, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VenueConfig {
    /// How long after its making a request may still reach the venue; the venue enforces it.
    pub request_ttl: Span,
    /// How long after a request's expiry an order that the venue does not know is proven absent.
    pub absence_grace: Span,
    /// First wait before an unknown order is asked about; doubles up to eight times this.
    pub resolve_interval: Span,
    /// First wait before a position is asked about again; doubles up to eight times this.
    pub verify_interval: Span,
    /// How often the venue is asked about a position and about what stands to protect it though nothing was heard of
    /// either: its reports may have been lost. `None` of a venue that loses none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_interval: Option<Span>,
    /// Whether only one close-position stop may stand per symbol, so that moving one needs a
    /// reduce-only bridge.
    pub single_close_position_stop: bool,
    /// Slippage to expect of a market order, for sizing.
    pub slippage: Ratio,
    /// Orders a minute that the venue takes. Entries may use four fifths of it; the rest is a
    /// reserve of exits, stops and cancels.
    pub orders_per_minute: u32,
}
