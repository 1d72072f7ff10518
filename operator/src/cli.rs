//! The command line.

use clap::{Parser, Subcommand};

use crate::settings::Flags;
use crate::telemetry;

/// Runs trading desks on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "sapphire-operator", version, about)]
pub struct Cli {
    /// What is told to whom.
    #[command(flatten)]
    pub telemetry: telemetry::Flags,
    /// What to do. [default: run]
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconciles TradingSystems, TradingAgents and RiskPolicies until it is told to stop.
    Run(Flags),
}
