//! The strategies of a desk: each a pure function of the snapshots of one symbol.
//!
//! A [`Rule`] reads snapshots in order and makes a call: long, short or flat, how strongly, and why;
//! or it abstains, and says why. [`Calibrated`] keeps its [`TrackRecord`] and turns the call into an
//! opinion whose confidence is measured, not asserted: how often calls like this one were right at
//! their horizon, in the past that was known by then.
//!
//! No agent has a clock, a random number, a file or another input than its snapshots, so that the
//! same snapshots give the same opinions to the last bit, and no snapshot can change an opinion that
//! was given before it (`tests/laws.rs`).
//!
//! One agent instance follows one symbol; a desk makes one per agent and symbol with
//! [`Strategy::agent`].
//!
//! A new strategy is a file: a configuration that checks itself, a rule, its tests; and a line in
//! [`Strategy`].

mod agent;
mod config;
mod ema_cross;
mod flow;
mod market_prediction;
mod record;
mod rule;
mod strategy;
mod strategy_optimisation;
mod trend_momentum;
mod volume_microstructure;
mod vpin;

pub use agent::{Agent, Answer, Calibrated};
pub use config::{ConfigError, Fault};
pub use ema_cross::{EmaCross, EmaCrossConfig};
pub use market_prediction::{MarketPrediction, MarketPredictionConfig};
pub use record::{ROUND_TRIP_COST, TrackRecord, was_right};
pub use rule::{Call, Rule, Strength};
pub use strategy::Strategy;
pub use strategy_optimisation::{Candidate, StrategyOptimisation, StrategyOptimisationConfig};
pub use trend_momentum::{TrendMomentum, TrendMomentumConfig};
pub use volume_microstructure::{VolumeMicrostructure, VolumeMicrostructureConfig};
pub use vpin::{Classification, Vpin, VpinConfig};

#[cfg(test)]
mod market;
#[cfg(test)]
#[allow(unreachable_pub)] // it becomes a public module where it is copied to
mod template;
