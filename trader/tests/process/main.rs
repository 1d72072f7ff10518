//! The real binary: killed, stopped, starved of disk, given wrong files, and asked again.

// Clippy knows test functions, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod backtests;
mod bench;
mod databases;
mod journals;
mod kills;
mod leaving;
mod obstacles;
mod policies;
mod proxies;
mod replays;
