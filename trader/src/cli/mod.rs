//! The command line.

mod backtest;
mod console;
mod desk;
mod failure;
mod journal;
mod new_agent;
mod replay;
mod run;
mod sweep;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::telemetry::logs::{self, LogFormat, LogLevel};
use failure::Failure;

const EXAMPLES: &str = "\
Examples:
  sapphire-trader run -f examples/quickstart              trade two years of bitcoin in three minutes
  sapphire-trader run -f examples/quickstart --speed max --exit
  sapphire-trader backtest -f examples/quickstart --report out
  sapphire-trader backtest -f examples/quickstart --sweep policy.limits.riskPerTrade=0.005,0.01,0.02
  sapphire-trader why d12                                 where a decision came from
  sapphire-trader journal verify                          is the journal what was written?

Exit codes: 0 done; 1 it failed, or the journal is not what was written; 2 wrong input or usage.";

/// Runs trading desks that are declared in manifests.
#[derive(Debug, Parser)]
#[command(name = "sapphire-trader", version, about, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// How log lines on standard error look. LOG_LEVEL says which there are.
    #[arg(long, global = true, value_enum, default_value_t, env = "LOG_FORMAT")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trades while somebody watches: page, API, policy followed on disk, journal taken up again.
    Run(Box<run::Run>),
    /// Works through recorded data as fast as they go, and reports.
    Backtest(backtest::Backtest),
    /// Makes a journal again from its manifests and data: the same bytes, or the first difference.
    Replay(replay::Replay),
    /// Verifies or exports a journal.
    #[command(subcommand)]
    Journal(journal::Journal),
    /// Tells where a decision, order, fill, round or command came from, and what came of it.
    Why(why::Why),
    /// Scaffolds a trading agent with its test.
    NewAgent(new_agent::NewAgent),
    /// Writes completions for a shell, such as `source <(sapphire-trader completions bash)`.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

/// Reads the arguments, does what they say, and tells how it went.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = prepare(cli.log_format).and_then(|()| match cli.command {
        Command::Run(command) => command.execute(),
        Command::Backtest(command) => command.execute(),
        Command::Replay(command) => command.execute(),
        Command::Journal(command) => command.execute(),
        Command::Why(command) => command.execute(),
        Command::NewAgent(command) => command.execute(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sapphire-trader", &mut script);
            console::print(&String::from_utf8_lossy(&script));
            Ok(())
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

fn prepare(format: LogFormat) -> Result<(), Failure> {
    let level = match std::env::var("LOG_LEVEL") {
        Ok(level) => level.parse().map_err(Failure::input)?,
        Err(_) => LogLevel::default(),
    };
    logs::init(format, &level).map_err(Failure::run)
}
