//! What may be among the manifests though nobody can see it.
//!
//! A file that is not YAML may hold the very object that another refers to, and a misspelt kind is
//! somebody's agent. Telling people to add what they have already written would bury the one fault that
//! is theirs to correct.

use std::collections::BTreeSet;

use super::document::Kind;

/// Kinds of which an object may be hidden behind a fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hidden(BTreeSet<Kind>);

impl Hidden {
    /// Anything may be hidden: a text could not be read.
    pub(super) fn anything(&mut self) {
        self.0.extend([Kind::TradingSystem, Kind::TradingAgent, Kind::RiskPolicy]);
    }

    /// An object of this kind may be hidden; of no known one, anything.
    pub(super) fn one_of(&mut self, kind: Option<Kind>) {
        match kind {
            Some(kind) => drop(self.0.insert(kind)),
            None => self.anything(),
        }
    }

    /// Whether an object of this kind may be hidden.
    pub(super) fn may_hold(&self, kind: &Kind) -> bool {
        self.0.contains(kind)
    }
}
