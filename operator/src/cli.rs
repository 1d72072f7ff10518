//! The command line.

use clap::{Parser, Subcommand};

use crate::settings::Flags;
use crate::telemetry::LogFormat;

/// Runs trading desks on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "sapphire-operator", version, about)]
pub struct Cli {
    /// What is logged: a level, or a list such as warn,sapphire_operator=debug.
    #[arg(long, env = "LOG_LEVEL", value_name = "LEVEL", default_value = "info", global = true)]
    pub log_level: String,
    /// How log lines look. [default: human on a terminal, else json]
    #[arg(long, env = "LOG_FORMAT", value_name = "FORMAT", global = true)]
    pub log_format: Option<LogFormat>,
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
