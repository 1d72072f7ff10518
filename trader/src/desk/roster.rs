//! The agents at their desks: each follows its own symbols and answers after its own latency.

use sapphire_agents::Agent;
use sapphire_engine::config::{AgentConfig, Authority};
use sapphire_engine::ids::AgentId;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::opinion::Opinion;
use sapphire_engine::snapshot::Snapshot;
use sapphire_engine::time::Span;

/// An agent of one symbol.
#[derive(Debug)]
struct Seat {
    agent: AgentId,
    latency: Span,
    mind: Box<dyn Agent>,
}

/// All agents, by the symbol that they look at.
#[derive(Debug, Default)]
pub struct Roster {
    seats: Vec<Vec<Seat>>,
}

impl Roster {
    /// Seats an agent on a symbol; its opinions arrive `latency` after a bar's close.
    pub fn seat(&mut self, agent: AgentId, symbol: SymbolId, latency: Span, mind: Box<dyn Agent>) {
        if self.seats.len() <= symbol.index() {
            self.seats.resize_with(symbol.index() + 1, Vec::new);
        }
        self.seats[symbol.index()].push(Seat { agent, latency, mind });
    }

    /// Gives a snapshot to everybody who looks at its symbol, and each answer to `answered` with
    /// how long it takes.
    pub(super) fn ask(&mut self, snapshot: &Snapshot<'_>, mut answered: impl FnMut(Span, Opinion)) {
        let Some(seats) = self.seats.get_mut(snapshot.symbol.index()) else { return };
        for seat in seats {
            let answer = seat.mind.opine(snapshot);
            answered(seat.latency, answer.into_opinion(seat.agent, snapshot));
        }
    }
}

/// The symbols that an agent looks at.
pub fn symbols_of(agent: &AgentConfig) -> Vec<SymbolId> {
    match &agent.authority {
        Authority::Consensus { symbols } => symbols.clone(),
        Authority::Delegated { symbols, .. } => {
            symbols.iter().map(|delegation| delegation.symbol).collect()
        }
    }
}
