//! The engine: state and an event in, effects out.

use crate::config::EngineConfig;
use crate::effect::Effect;
use crate::event::Event;
use crate::instrument::SymbolId;
use crate::snapshot::Snapshot;

/// A desk's whole trading logic.
#[derive(Debug, Clone)]
pub struct Engine {
    config: EngineConfig,
}

impl Engine {
    /// A desk before its first event.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        Self { config }
    }

    /// What it was made of.
    #[must_use]
    pub const fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Takes an event in, and appends what is to be done to `effects`, in order.
    pub fn step(&mut self, event: &Event<'_>, effects: &mut Vec<Effect>) {
        let _ = (event, effects);
    }

    /// The last closed bar of a symbol, for its agents; `None` before the first.
    #[must_use]
    pub fn snapshot(&self, symbol: SymbolId) -> Option<Snapshot<'_>> {
        let _ = symbol;
        None
    }
}
