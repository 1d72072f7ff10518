//! The real binary: killed, stopped, starved of disk, given wrong files, and asked again.

mod backtests;
mod bench;
mod journals;
mod kills;
mod leaving;
mod obstacles;
mod policies;
mod replays;
