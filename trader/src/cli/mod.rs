//! The command line.

mod backtest;
mod console;
mod desk;
mod examples;
mod failure;
mod journal;
mod new_agent;
mod registration;
mod replay;
mod run;
mod sweep;
mod why;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};
use tracing_appender::non_blocking::WorkerGuard;

use crate::telemetry::logs::{self, LogFormat, LogLevel};
use failure::Failure;

/// Runs trading desks that are declared in manifests.
#[derive(Debug, Parser)]
#[command(name = "sapphire-trader", version, about, after_help = examples::ALL, max_term_width = 110)]
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
    #[command(after_help = examples::RUN)]
    Run(Box<run::Run>),
    /// Works through recorded data as fast as they go, and reports.
    #[command(after_help = examples::BACKTEST)]
    Backtest(backtest::Backtest),
    /// Makes a journal again from its manifests and data: the same bytes, or the first difference.
    #[command(after_help = examples::REPLAY)]
    Replay(replay::Replay),
    /// Verifies or exports a journal.
    #[command(subcommand, after_help = examples::JOURNAL)]
    Journal(journal::Journal),
    /// Tells where a decision, order, fill, round or command came from, and what came of it.
    #[command(after_help = examples::WHY)]
    Why(why::Why),
    /// Scaffolds a trading agent with its test.
    #[command(after_help = examples::NEW_AGENT)]
    NewAgent(new_agent::NewAgent),
    /// Writes completions for a shell, such as `source <(sapphire-trader completions bash)`.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

/// Reads the arguments, does what they say, and tells how it went.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(asked) if !asked.use_stderr() => asked.exit(), // --help and --version
        Err(error) => return refuse(&error),
    };
    console::write_errors_as(cli.log_format);
    // Dropped last, it has the last lines written.
    let logging = match prepare(cli.log_format) {
        Ok(logging) => logging,
        Err(failure) => return failure.tell(),
    };
    let done = match cli.command {
        Command::Run(command) => command.execute(),
        Command::Backtest(command) => command.execute(),
        Command::Replay(command) => command.execute(),
        Command::Journal(command) => command.execute(),
        Command::Why(command) => command.execute(),
        Command::NewAgent(command) => command.execute(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "sapphire-trader", &mut script);
            console::print(&String::from_utf8_lossy(&script))
        }
    };
    let code = match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    };
    drop(logging);
    code
}

/// Says why the arguments cannot be read.
fn refuse(error: &clap::Error) -> ExitCode {
    let source = variable_of(error).map(|variable| {
        format!("the value comes from the environment: correct or unset {variable}")
    });
    if wants_json() {
        console::write_errors_as(LogFormat::Json);
        let said = error.render().to_string();
        let said = source.map_or_else(|| said.clone(), |source| format!("{said}\n{source}"));
        return Failure::input(said.trim()).tell();
    }
    let _ = error.print(); // there is nowhere else to say it
    if let Some(source) = source {
        console::complain(&source);
    }
    ExitCode::from(2)
}

/// The environment's variable that a wrong value was read from; clap names only the option.
fn variable_of(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else { return None };
    let option = shown.split([' ', '=']).next()?;
    let given = |argument: String| argument.split('=').next() == Some(option);
    if std::env::args_os().any(|argument| argument.into_string().is_ok_and(given)) {
        return None;
    }
    let program = Cli::command();
    let commands = std::iter::once(&program).chain(program.get_subcommands());
    let mut arguments = commands.flat_map(clap::Command::get_arguments);
    let argument = arguments.find(|argument| argument.get_long() == option.strip_prefix("--"))?;
    Some(argument.get_env()?.to_string_lossy().into_owned())
}

/// Whether log lines are asked for as JSON, where the arguments as a whole cannot be read.
fn wants_json() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |argument: &String| argument == "--log-format=json";
    let pair = |pair: &[String]| pair[0] == "--log-format" && pair[1] == "json";
    arguments.iter().any(option)
        || arguments.windows(2).any(pair)
        || std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json")
}

fn prepare(format: LogFormat) -> Result<WorkerGuard, Failure> {
    let level = match std::env::var("LOG_LEVEL") {
        Ok(level) => level.parse().map_err(Failure::input)?,
        Err(_) => LogLevel::default(),
    };
    logs::init(format, &level).map_err(Failure::run)
}
