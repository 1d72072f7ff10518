//! The API through real sockets: what it answers, and what it withstands.

// Clippy knows test functions, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commands;
mod described;
mod desk;
mod errors;
mod limits;
mod page;
mod probes;
mod reads;
mod security;
mod slow;
mod stream;
