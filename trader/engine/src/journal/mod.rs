//! The journal: what is recorded, and the hash chain that holds it together.

mod chain;
mod record;

pub use chain::{Chain, ChainError, Hash, Link};
pub use record::{
    DecisionAction, DecisionRecord, IntentRecord, Record, RoundRecord, RunStarted, StateSource,
    Vote,
};
