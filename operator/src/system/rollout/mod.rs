//! How a change reaches a desk's pods: core, then agents, then execution agents. Pure.
//!
//! What is acted upon stands in `status.rollout` first. A reconcile brings about what the status says
//! ([`plan`]), looks at what came of it ([`facts`]), and writes the status that follows ([`decide`]). So
//! an operator that is killed anywhere goes on where it was, and nothing needs to be remembered beside
//! the status.
//!
//! | step | released when | done when |
//! |---|---|---|
//! | core, one pod | it begins | the pod answers |
//! | core, over PostgreSQL | the migration succeeded | one of its traders leads; traders, coordinator and readers answer |
//! | agents, execution | the step before is done | every agent runs against it and is ready |
//!
//! While a person has scaled the trader to zero a core that never answered is neither done nor undone.

pub mod decide;
pub mod facts;
#[cfg(test)]
mod laws;
pub mod plan;
pub mod state;
#[cfg(test)]
mod tests;

pub use decide::{Decision, Told, Wait, decide};
pub use facts::{Facts, Leader, Migration};
pub use plan::{Plan, plan};
