//! The harness keeps what it promises: planes come up, break when told to, and leave nothing.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

mod audit;
mod endings;
mod faults;
mod outages;
mod plane;
mod plays;
mod traders;
