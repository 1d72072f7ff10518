//! What the supervisor is asked and answers: a line of JSON each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A program to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// What it is called here; its log is `logs/NAME.log` in the supervisor's folder.
    pub name: String,
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables that are set beside those of the test.
    pub environment: BTreeMap<String, String>,
}

impl Program {
    /// A program by name and executable, without arguments.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), path: path.into(), ..Self::default() }
    }

    /// The same with more arguments.
    #[must_use]
    pub fn arguments(mut self, more: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(more.into_iter().map(Into::into));
        self
    }

    /// The same with a variable set.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }
}

/// A signal that tests send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// Please end.
    Terminate,
    /// End at once, without a word.
    Kill,
    /// Stand still, connections open: a hung process.
    Pause,
    /// Go on.
    Continue,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    Start(Program),
    Signal {
        name: String,
        signal: Signal,
    },
    /// `patience` in milliseconds.
    Stop {
        name: String,
        patience: u64,
    },
    Look {
        name: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Running { pid: u32 },
    Ended { how: String },
    Done,
    Refused { message: String },
}
