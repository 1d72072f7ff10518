//! What the engine keeps of an agent.

use crate::config::{AgentConfig, Authority};
use crate::consensus::Skill;
use crate::opinion::Opinion;
use crate::risk::OrderRate;
use crate::time::Timestamp;

/// An agent, as it has shown itself.
#[derive(Debug, Clone)]
pub struct AgentState {
    /// Its skill.
    pub skill: Skill,
    /// Whether a person paused it.
    pub paused: bool,
    /// Opinions given, abstentions aside.
    pub opinions: u64,
    /// Abstentions.
    pub abstentions: u64,
    /// The last answer, and when it came.
    pub last: Option<(Timestamp, Opinion)>,
    /// A delegated agent's own order rate.
    pub(super) rate: Option<OrderRate>,
}

impl AgentState {
    pub(super) fn new(config: &AgentConfig) -> Self {
        let rate = match config.authority {
            Authority::Delegated { orders_per_second: rate, .. } => {
                Some(OrderRate::per_second(rate, rate))
            }
            Authority::Consensus { .. } => None,
        };
        Self {
            skill: Skill::default(),
            paused: false,
            opinions: 0,
            abstentions: 0,
            last: None,
            rate,
        }
    }
}
