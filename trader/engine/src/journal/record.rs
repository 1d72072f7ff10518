//! What the journal holds. Records are self-contained: a reader needs the run's first record (for
//! symbols, agents and units) and nothing else.

use serde::{Deserialize, Serialize};

use crate::config::EngineConfig;
use crate::effect::Alert;
use crate::event::{CommandRequest, PolicyChange};
use crate::ids::{AgentId, CommandId, DecisionId, OrderId, RoundId};
use crate::instrument::{QtyLots, SymbolId};
use crate::journal::Hash;
use crate::money::{Amount, Ratio};
use crate::opinion::{Direction, Reason, View};
use crate::order::{OrderRequest, OrderState};
use crate::policy::TradingState;
use crate::risk::Verdict;
use crate::venue::VenueReport;

/// One record. Amounts are decimal strings, prices ticks, quantities lots, times nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Record {
    /// A run begins: what it is made of.
    RunStarted(Box<RunStarted>),
    /// The process came back and went on with the run.
    Restarted {
        /// The engine's version.
        engine: String,
    },
    /// The run is over; the next start begins a new one.
    RunFinished {
        /// Why.
        reason: String,
    },
    /// Something came in from outside of the data, right after so many events of the feed: what,
    /// the next record says. A replay brings it in at the same place.
    Cursor {
        /// Events of the feed that were taken in before.
        events: u64,
    },
    /// The process was told to leave: entries are cancelled, stops stay.
    Stopping,
    /// A process that had been told to leave came back: entries are allowed again.
    Continuing,
    /// A policy arrived; what is stricter in it acts from here.
    PolicyReceived(Box<PolicyChange>),
    /// The policy acts whole.
    PolicyEnforced {
        /// Which.
        generation: u64,
    },
    /// The policy has not been seen for longer than its `staleAfter`: only what shrinks exposure
    /// passes from here.
    PolicyLost {
        /// In words.
        reason: String,
    },
    /// It is seen again.
    PolicyFound,
    /// A person's command.
    Command(Box<CommandRequest>),
    /// A command that was refused.
    CommandRefused {
        /// Which.
        id: CommandId,
        /// Why.
        reason: String,
    },
    /// A round of consensus closed.
    Round(Box<RoundRecord>),
    /// What was decided.
    Decision(Box<DecisionRecord>),
    /// An intent and the gate's verdict on it, durable before the order is sent.
    Intent(Box<IntentRecord>),
    /// We ask the venue to cancel.
    CancelIntent {
        /// Which order.
        order: OrderId,
        /// Why.
        reason: String,
    },
    /// What the venue told us.
    Venue(VenueReport),
    /// A fill came of an order that was over without one (refused, or proven never to have arrived):
    /// that was wrong. The fill counts.
    ProofFailed {
        /// Which order.
        order: OrderId,
        /// What we had taken it for.
        believed: OrderState,
    },
    /// The venue's position agreed with ours, or did not.
    PositionChecked {
        /// Which symbol.
        symbol: SymbolId,
        /// Ours.
        expected: QtyLots,
        /// The venue's.
        reported: QtyLots,
        /// Whether the position is verified now.
        verified: bool,
    },
    /// The trading state in force changed.
    TradingState {
        /// To what.
        state: TradingState,
        /// Whose word it is.
        source: StateSource,
        /// Why.
        reason: String,
    },
    /// A UTC day began: what the daily loss counts from.
    DayStarted {
        /// Marked equity.
        equity: Amount,
        /// High-water mark.
        high_water_mark: Amount,
    },
    /// Nothing is open: no position, no working order.
    Flat,
    /// People were told.
    Alert(Alert),
}

impl Record {
    /// Whether the record tells of the process rather than of trading: a run that was killed and
    /// came back differs from one that was not in these alone.
    #[must_use]
    pub const fn is_about_process(&self) -> bool {
        matches!(self, Self::Restarted { .. })
    }
}

/// The first record of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStarted {
    /// The engine's version: another may decide otherwise.
    pub engine: String,
    /// The desk's name.
    pub system: String,
    /// The engine's configuration, policy included.
    pub config: EngineConfig,
    /// SHA-256 of the manifests as understood (agents' parameters and the venue's included).
    pub manifests: Hash,
    /// SHA-256 of each data file, by symbol order.
    pub data: Vec<Hash>,
    /// The paper venue's seed.
    pub seed: u64,
}

/// Whose word a trading state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StateSource {
    /// The RiskPolicy's `tradingState`, or that nobody sees the policy.
    Policy,
    /// A person's command.
    Command,
    /// The engine's own: drawdown, daily loss, a stop that cannot stand, a mismatch.
    Engine,
}

/// A closed round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundRecord {
    /// Its number.
    pub id: RoundId,
    /// The symbol.
    pub symbol: SymbolId,
    /// The bar that it was about.
    pub bar: u64,
    /// Everybody's vote.
    pub votes: Vec<Vote>,
    /// The direction that won; `None` is hold.
    pub outcome: Option<Direction>,
    /// The leading direction's share of the weight cast; `None` when none was cast.
    pub approval: Option<Ratio>,
    /// How many agreed on it.
    pub agreeing: u32,
    /// Whether it closed because its time was up.
    pub timed_out: bool,
}

/// One agent's part in a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vote {
    /// Whose.
    pub agent: AgentId,
    /// Its weight in this round, as a share of all registered weight.
    pub weight: Ratio,
    /// What it said; `None` when it did not answer in time.
    pub view: Option<View>,
    /// Why.
    pub reason: Option<Reason>,
}

/// What a decision is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DecisionAction {
    /// Open a position.
    Enter,
    /// Close it.
    Exit,
    /// Close it and open the opposite one.
    Reverse,
}

/// A decision, and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord {
    /// Its number.
    pub id: DecisionId,
    /// The symbol.
    pub symbol: SymbolId,
    /// The bar.
    pub bar: u64,
    /// The round that it carries out, if agents voted.
    pub round: Option<RoundId>,
    /// The agent that acted alone, if one did.
    pub agent: Option<AgentId>,
    /// What it is to do.
    pub action: DecisionAction,
    /// Which way.
    pub direction: Direction,
    /// The acting agent's words, or the kind of exit.
    pub reason: Reason,
}

/// An intent with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntentRecord {
    /// The order, numbered whether approved or not.
    pub request: OrderRequest,
    /// What the gate said, rule by rule.
    pub verdict: Verdict,
}
