//! A desk at work: engine, agents and venue wired together in event time.
//!
//! [`Desk`] is pure and synchronous: it does one thing after another, whatever drives it. A backtest
//! drives it as fast as it goes, a watched run by the wall clock, a recovery by the journal.

mod assembly;
mod backtest;
mod input;
mod kernel;
mod queue;
mod recovery;
mod reporter;
mod retrace;
mod roster;

pub use assembly::{Assembly, AssemblyError};
pub use backtest::{DATA_OVER, Halts, OnHalted, backtest};
pub use input::{Input, PastInput, PastInputs};
pub use kernel::{Desk, Parts, Witness};
pub use recovery::bring_back;
pub use reporter::Reporter;
pub use retrace::Retrace;
pub use roster::{Roster, symbols_of};
