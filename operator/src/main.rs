//! `sapphire-operator`.

use std::process::ExitCode;

use clap::Parser;
use sapphire_operator::cli::{Cli, Command};
use sapphire_operator::election::Terms;
use sapphire_operator::operator::{connect, run};
use sapphire_operator::settings::{Flags, Settings};
use sapphire_operator::telemetry;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    flags: Flags,
}

#[tokio::main]
async fn main() -> ExitCode {
    match start(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sapphire-operator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start(cli: Cli) -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = telemetry::start(&cli.telemetry)?;
    let flags = match cli.command {
        Some(Command::Run(flags)) => flags,
        // Without a command the flags are what the environment and their defaults make them.
        None => Defaults::parse_from(["sapphire-operator"]).flags,
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
    Ok(ended?)
}
