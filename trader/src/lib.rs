//! The trader: one binary, a role a subcommand.

pub mod api;
pub mod cli;
pub mod config;
pub mod desk;
pub mod lineage;
pub mod live;
pub mod market;
pub mod report;
pub mod store;
pub mod telemetry;
pub mod venue;
