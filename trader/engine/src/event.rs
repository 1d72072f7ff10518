//! What goes into the engine. Everything that can change a decision is one of these.

use serde::{Deserialize, Serialize};

use crate::ids::{AgentId, CommandId, OrderId, RoundId};
use crate::instrument::SymbolId;
use crate::market::MarketEvent;
use crate::opinion::Opinion;
use crate::policy::Policy;
use crate::time::{Span, Timestamp};
use crate::venue::VenueReport;

/// Something that happened, at a moment of event time. Moments never go back.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// When we learnt of it.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind<'a>,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum EventKind<'a> {
    /// A symbol's feed.
    Market(SymbolId, MarketEvent<'a>),
    /// An agent answered.
    Opinion(&'a Opinion),
    /// The venue told us something.
    Venue(&'a VenueReport),
    /// A wake-up that the engine asked for.
    Timer(Timer),
    /// A policy arrived: what is stricter acts now.
    Policy(&'a PolicyChange),
    /// That policy is durable in the store: what is looser acts now.
    PolicyDurable {
        /// Which.
        generation: u64,
    },
    /// The policy has not been seen for longer than it allows, in these words: nobody knows what it
    /// says by now, so only what shrinks exposure passes.
    PolicyLost(&'a str),
    /// It is seen again.
    PolicyFound,
    /// A person's command.
    Command(&'a CommandRequest),
    /// How uncertain we are of the venue's clock.
    ClockUncertainty(Span),
    /// The process is about to leave: no entries any more, entries cancelled, stops kept.
    Stopping,
    /// The process came back after it had been told to leave: entries are allowed again.
    Continuing,
}

/// A new policy, as read from its manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyChange {
    /// Rises with every change; the manifest's generation on a cluster, a count in a local run.
    pub generation: u64,
    /// Hex SHA-256 of the limits as understood.
    pub hash: String,
    /// The policy.
    pub policy: Policy,
}

/// What a wake-up is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// A round's time is up.
    RoundTimeout(RoundId),
    /// A protective stop must stand by now.
    StopDeadline(SymbolId),
    /// An unknown order is asked about again.
    Resolve(OrderId),
    /// A position's verification is asked for again.
    Verify(SymbolId),
    /// A refused protective or closing order is tried again.
    Protect(SymbolId),
}

/// A person's command, and who and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandRequest {
    /// Its number.
    pub id: CommandId,
    /// What to do.
    pub command: Command,
    /// Who asked, as far as is known.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// What a person may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
pub enum Command {
    /// Stop trading. `flatten` closes positions whatever the policy's `onHalt` says.
    Halt {
        /// Close positions too.
        flatten: bool,
    },
    /// Trade again: clears a commanded halt and the engine's own state, re-bases the high-water
    /// mark. The policy's word still holds.
    Resume,
    /// Close a symbol's position.
    Close {
        /// Which.
        symbol: SymbolId,
    },
    /// Cancel a working order. A stop that protects a position stays.
    Cancel {
        /// Which.
        order: OrderId,
    },
    /// No entries on a symbol.
    PauseSymbol {
        /// Which.
        symbol: SymbolId,
        /// On or off.
        paused: bool,
    },
    /// An agent's opinions do not count.
    PauseAgent {
        /// Which.
        agent: AgentId,
        /// On or off.
        paused: bool,
    },
}
