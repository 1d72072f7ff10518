//! Programs that run to their end, as a person would type them.

use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::error::Error;

/// What a program wrote, and how it ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The command line, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Outcome {
    /// Standard output of a program that ended well.
    ///
    /// # Errors
    /// When it did not: the command with everything that it wrote.
    pub fn ok(self) -> Result<String, Error> {
        if self.status.success() { Ok(self.out) } else { Err(self.into_error()) }
    }

    /// Standard error of a program that ended badly, for tests of refusals.
    ///
    /// # Errors
    /// When it ended well.
    pub fn refused(self) -> Result<String, Error> {
        if self.status.success() { Err(self.into_error()) } else { Ok(self.err) }
    }

    fn into_error(self) -> Error {
        let Self { command, status, out, err } = self;
        Error::Command { command: format!("{command}: {status}"), output: format!("{out}{err}") }
    }
}

/// Runs a command to its end with `input` on its standard input. It is killed when the wait for it is
/// given up.
///
/// # Errors
/// When it cannot be started.
pub async fn run(mut command: Command, input: &str) -> Result<Outcome, Error> {
    let line = command_line(&command);
    let failed =
        |error: std::io::Error| Error::Command { command: line.clone(), output: error.to_string() };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program that wants no input has closed its end.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output.map_err(failed)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Outcome {
        command: line.clone(),
        status: output.status,
        out: text(&output.stdout),
        err: text(&output.stderr),
    })
}

fn command_line(command: &Command) -> String {
    let command = command.as_std();
    let program = std::path::Path::new(command.get_program());
    let mut line =
        program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
