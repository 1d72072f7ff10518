//! Why: from a market event to votes, verdict, order, fills and the check of the position, all out
//! of the journal.

mod search;
mod words;

pub use search::{Lineage, LineageError, Step, Subject, trace};
pub use words::Narrator;
