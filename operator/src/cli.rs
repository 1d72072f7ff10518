//! The command line.

use clap::{Parser, Subcommand};

use crate::diff;
use crate::settings::Flags;
use crate::telemetry;

const DIFF_EXAMPLES: &str = "\
Examples:
  sapphire-operator diff -f desk/
  sapphire-operator diff -n trading -f policy.yaml -o json | jq '.desks[].restarts'";

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
    /// Prints what applying manifests would change: objects, children, and why pods would restart. Changes
    /// nothing.
    ///
    /// It ends with 0 where nothing would change, 1 where something would, 2 where that cannot be told.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(diff::Flags),
}
