//! What comes out of the engine, as data. The shell performs effects in order and feeds the results
//! back as events.

use crate::event::Timer;
use crate::ids::OrderId;
use crate::instrument::SymbolId;
use crate::journal::Record;
use crate::order::OrderRequest;
use crate::risk::Approved;
use crate::time::Timestamp;

/// Something to do.
#[derive(Debug)]
pub enum Effect {
    /// Append to the journal. A record that comes before a [`Effect::Submit`] or
    /// [`Effect::Cancel`] must be durable before that one leaves.
    Record(Record),
    /// Send an order to the venue, unless it has expired by then.
    Submit(Approved<OrderRequest>),
    /// Ask the venue to cancel.
    Cancel {
        /// Where.
        symbol: SymbolId,
        /// Which.
        order: OrderId,
    },
    /// Ask the venue what became of an order.
    Query {
        /// Where.
        symbol: SymbolId,
        /// Which.
        order: OrderId,
    },
    /// Ask the venue for its word on a position.
    VerifyPosition(SymbolId),
    /// A bar closed: give [`Engine::snapshot`](crate::Engine::snapshot) to the agents.
    PublishSnapshot(SymbolId),
    /// Come back at this moment.
    WakeAt(Timestamp, Timer),
    /// Tell people.
    Alert(Alert),
}

/// How much it matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

/// Something that people should know of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// How much it matters.
    pub severity: Severity,
    /// The symbol, where it is about one.
    pub symbol: Option<SymbolId>,
    /// What, and what to do.
    pub message: String,
}
