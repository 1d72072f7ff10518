//! Sees to it that the programs of a cluster are there: builds what is missing, once.

use std::io::Write;
use std::process::ExitCode;

use sapphire_e2e::{Assets, Error, Tool};

/// There is nothing to build with. (Scripts tell it from a build that failed.)
const NO_GO: u8 = 3;

fn main() -> ExitCode {
    let assets = Assets::from_environment();
    for tool in Tool::ALL {
        if let Err(error) = assets.path(tool) {
            // On standard output: what is built is told on the other.
            let _ = writeln!(std::io::stdout(), "{error}");
            let no_go = matches!(error, Error::GoMissing { .. });
            return if no_go { ExitCode::from(NO_GO) } else { ExitCode::FAILURE };
        }
    }
    ExitCode::SUCCESS
}
