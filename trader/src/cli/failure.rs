use std::fmt::Display;
use std::process::ExitCode;

use super::console;

/// Why a command did not do what it was asked: for people, with what to do about it.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// It was tried, and failed.
    pub(super) fn run(error: impl Display) -> Self {
        Self { code: 1, message: error.to_string() }
    }

    /// What was given cannot be used.
    pub(super) fn input(error: impl Display) -> Self {
        Self { code: 2, message: error.to_string() }
    }

    /// Says it, and gives the exit code.
    pub(super) fn tell(self) -> ExitCode {
        console::complain(&format!("error: {}", self.message));
        ExitCode::from(self.code)
    }
}
