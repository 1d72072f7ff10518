//! `sapphire-operator`.

use std::process::ExitCode;

use clap::Parser;
use sapphire_operator::cli::{Cli, Command};
use sapphire_operator::diff;
use sapphire_operator::election::Terms;
use sapphire_operator::operator::{connect, run};
use sapphire_operator::settings::{Flags, Settings};
use sapphire_operator::telemetry;
use tokio::signal::unix::{SignalKind, signal};

/// `diff` found something that would change.
const DIFFERS: u8 = 1;
/// `diff` cannot tell.
const UNTOLD: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let (name, failure) = match &cli.command {
        // Whatever is wrong: that nothing can be told is not that something would change.
        Some(Command::Diff(_)) => ("sapphire-operator diff", ExitCode::from(UNTOLD)),
        Some(Command::Run(_)) | None => ("sapphire-operator", ExitCode::FAILURE),
    };
    match start(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{name}: {error}");
            failure
        }
    }
}

async fn start(cli: Cli) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let telemetry = telemetry::start(&cli.telemetry)?;
    let flags = match cli.command {
        Some(Command::Run(flags)) => flags,
        Some(Command::Diff(flags)) => return tell_differences(flags).await,
        // Without a command the flags are what the environment and their defaults make them.
        None => Flags::of_environment(),
    };
    let settings = Settings::try_from(flags)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: leaving"),
            _ = interrupt.recv() => tracing::info!("Ctrl-C: leaving"),
        }
    };
    let ended = run(connect().await?, settings, Terms::default(), stop).await;
    // Blocks, at a moment when nothing else runs any more.
    telemetry.finish();
    ended?;
    Ok(ExitCode::SUCCESS)
}

async fn tell_differences(flags: diff::Flags) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let differs = diff::run(connect().await?, flags, &mut std::io::stdout().lock()).await?;
    Ok(if differs { ExitCode::from(DIFFERS) } else { ExitCode::SUCCESS })
}
