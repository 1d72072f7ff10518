use std::fmt::Display;
use std::process::ExitCode;

use super::console;
use crate::store::StoreError;

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

    /// A journal that cannot be used: another may be given, or it is what failed.
    pub(super) fn store(error: StoreError) -> Self {
        match error {
            StoreError::InUse { .. }
            | StoreError::ManyNames { .. }
            | StoreError::Newer { .. }
            | StoreError::NotAJournal { .. }
            | StoreError::Missing(_)
            | StoreError::Directory(_)
            | StoreError::NoFolder(_)
            | StoreError::Several { .. }
            | StoreError::AnotherBuilds { .. }
            | StoreError::HasRun { .. } => Self::input(error),
            StoreError::Empty(_)
            | StoreError::Damaged { .. }
            | StoreError::BrokenChain { .. }
            | StoreError::Full(_)
            | StoreError::Lost(_)
            | StoreError::NotDurable { .. }
            | StoreError::Io { .. }
            | StoreError::Record { .. }
            | StoreError::Diverged { .. } => Self::run(error),
        }
    }

    /// Says it, and gives the exit code.
    pub(super) fn tell(self) -> ExitCode {
        console::complain_of_failure(&self.message);
        ExitCode::from(self.code)
    }
}
