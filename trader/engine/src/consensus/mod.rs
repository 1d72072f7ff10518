//! Consensus: how opinions become a direction, and how skill becomes weight.

mod round;
mod skill;

pub use round::{Outcome, Round, decide};
pub use skill::{Judged, Skill, weights};
