//! Sapphire's matching core: a simulated futures exchange for many accounts, as pure state.
//!
//! An [`Exchange`] replays a recorded or live market and trades accounts' orders against it. It owns
//! no clock, no randomness and no I/O: the same calls give the same state and the same
//! [`Event`]s. Everything is whole ticks, lots and 1e-8 of the quote currency.
//!
//! # What is assumed
//! - **The market is everybody's counterparty.** Accounts trade against the replayed market, not
//!   against each other; liquidity that one takes is gone for all. The market does not react.
//! - **On bars** ([`Feed::Bars`]) the simulation is pessimistic; see [`bars`].
//! - **On depth and trades** ([`Feed::Depth`]) takers walk the book, and resting orders stand in a
//!   queue; see [`stream`].
//! - **Margin is cross**: an account's whole equity stands behind all its positions; see [`margin`].
//! - **One-way positions** at exact integer cost; see [`Position`].
//! - **Money is conserved**: what wallets gain, fees, funding and the market lose, to the last unit;
//!   [`Exchange::imbalance`] is zero at all times.

#![deny(clippy::float_arithmetic)]

mod account;
mod admission;
mod archive;
pub mod bars;
mod depth;
mod event;
mod exchange;
mod execution;
mod funding;
mod ledger;
mod liquidation;
pub mod margin;
mod market;
mod order;
mod position;
mod queue;
mod reduce_only;
mod rules;
pub mod stream;

pub use account::Holding;
pub use event::{Event, Execution};
pub use exchange::{Exchange, OrderStatus};
pub use order::{AccountId, ClientId, ClientIdError, NewOrder, OrderNumber};
pub use position::Position;
pub use rules::{Feed, Funding, Listing, RuleError, Rules, TriggerBy, code};
