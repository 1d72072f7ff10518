//! Measures the operator against a real API server, with kwok playing nodes and pods, and writes its part
//! of docs/benchmarks.md. `make bench-operator` builds what it needs and runs it.

#![allow(clippy::print_stdout)] // progress, for who waits

mod desks;
mod floor;
mod found;
mod page;
mod process;
mod round;
mod watched;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

/// Measures the operator.
#[derive(Debug, Parser)]
struct Arguments {
    /// The operator's executable, a release build.
    #[arg(long, value_name = "FILE")]
    operator: PathBuf,
    /// The page whose part on the operator is written anew. [default: only printed]
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// What was built, for the page.
    #[arg(long, value_name = "NAME", default_value = "unknown")]
    commit: String,
    /// The day, for the page.
    #[arg(long, value_name = "DATE", default_value = "unknown")]
    date: String,
    /// How many TradingSystems, a round each.
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [100, 1000])]
    systems: Vec<usize>,
    /// How long nothing is changed while writes and CPU are counted, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    idle: u64,
    /// How many edits of a spec are timed.
    #[arg(long, value_name = "N", default_value_t = 100)]
    edits: usize,
    /// `cargo bench` says so of itself.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What a part of this program fails with: words for the person who measures.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-operator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> Result<(), Failure> {
    let load = process::load()?;
    let mut rounds = Vec::new();
    for systems in &arguments.systems {
        let plan = round::Plan {
            operator: &arguments.operator,
            systems: *systems,
            idle: Duration::from_secs(arguments.idle),
            edits: arguments.edits,
        };
        rounds.push(round::run(&plan).await?);
    }
    let part = page::render(arguments, &load, &rounds)?;
    match &arguments.page {
        Some(path) => {
            page::write(path, &part)?;
            println!("written to {}", path.display());
        }
        None => println!("{part}"),
    }
    Ok(())
}
