//! Sapphire's engine: pure trading decisions.
//!
//! [`Engine::step`] takes an [`Event`](event::Event) and says what is to be done as
//! [`Effect`](effect::Effect)s. It owns no clock, no randomness, no I/O and no thread, and money is
//! never a float, so the same events give the same bytes in backtest, replay, paper and live.

#![deny(clippy::float_arithmetic)]

pub mod config;
pub mod consensus;
mod decimal;
pub mod effect;
mod engine;
pub mod event;
pub mod exposure;
pub mod ids;
pub mod indicators;
pub mod instrument;
pub mod journal;
pub mod market;
pub mod money;
pub mod opinion;
pub mod order;
pub mod policy;
pub mod portfolio;
pub mod risk;
pub mod sizing;
pub mod snapshot;
pub mod time;
pub mod venue;

pub use engine::{AgentState, Engine, Headroom, SymbolView, Tracked};

/// The version that a journal names.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
