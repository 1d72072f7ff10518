//! The process that owns a control plane's processes.
//!
//! A test cannot promise to clean up: it may be killed, and values in statics are never dropped. So a
//! process of its own starts everything. It reads orders from a pipe; when the pipe closes, by
//! whatever end of the test, it kills what it started, removes the folder, and goes. Should it be
//! killed itself, the kernel kills its children (`PR_SET_PDEATHSIG`, bound to the thread that starts
//! them, which is why no test's thread may).

mod keeper;
mod leftovers;
mod protocol;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use keeper::main;
use leftovers::lock_folder;
pub use leftovers::remove_leftovers;
use protocol::{Answer, Order};
pub use protocol::{Program, Signal};

use crate::error::Error;
use crate::executables;

/// The supervisor's executable.
pub const PROGRAM: &str = "cluster-supervisor";

/// A running supervisor. What it started ends, and its folder goes, when this is dropped or the
/// process ends.
#[derive(Debug)]
pub struct Supervisor {
    connection: Mutex<Option<Connection>>,
}

#[derive(Debug)]
struct Connection {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts a supervisor whose processes work in `folder`, which it removes at the end.
    ///
    /// # Errors
    /// When its executable is not there or cannot be started.
    pub fn start(folder: &Path) -> Result<Self, Error> {
        let executable = executables::find(PROGRAM, "cargo build -p sapphire-e2e")?;
        let mut process = Command::new(&executable)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the test: the supervisor cleans up after it.
            .process_group(0)
            .spawn()
            .map_err(Error::file("cannot run", &executable))?;
        let gone = || Error::Supervisor("has no pipe".to_owned());
        let orders = process.stdin.take().ok_or_else(gone)?;
        let answers = BufReader::new(process.stdout.take().ok_or_else(gone)?);
        Ok(Self { connection: Mutex::new(Some(Connection { process, orders, answers })) })
    }

    /// Starts a program; its process id.
    ///
    /// # Errors
    /// When it cannot be started or one of its name runs already.
    pub fn run(&self, program: &Program) -> Result<u32, Error> {
        match self.ask(&Order::Start(program.clone()))? {
            Answer::Running { pid } => Ok(pid),
            answer => Err(unexpected(&answer)),
        }
    }

    /// Sends a signal to a program and what it started.
    ///
    /// # Errors
    /// When no program of that name runs.
    pub fn signal(&self, name: &str, signal: Signal) -> Result<(), Error> {
        match self.ask(&Order::Signal { name: name.to_owned(), signal })? {
            Answer::Done => Ok(()),
            answer => Err(unexpected(&answer)),
        }
    }

    /// Ends a program: SIGTERM, and SIGKILL when `patience` is over. How it ended, as
    /// "exit status: 0".
    ///
    /// # Errors
    /// When no program of that name was started.
    pub fn stop(&self, name: &str, patience: Duration) -> Result<String, Error> {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        match self.ask(&Order::Stop { name: name.to_owned(), patience })? {
            Answer::Ended { how } => Ok(how),
            answer => Err(unexpected(&answer)),
        }
    }

    /// How a program ended, or `None` while it runs.
    ///
    /// # Errors
    /// When no program of that name was started.
    pub fn ended(&self, name: &str) -> Result<Option<String>, Error> {
        match self.ask(&Order::Look { name: name.to_owned() })? {
            Answer::Running { .. } => Ok(None),
            Answer::Ended { how } => Ok(Some(how)),
            answer => Err(unexpected(&answer)),
        }
    }

    fn ask(&self, order: &Order) -> Result<Answer, Error> {
        let gone = |error: String| Error::Supervisor(format!("is gone: {error}"));
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = connection.as_mut().ok_or_else(|| gone("it was ended".to_owned()))?;
        let mut line = serde_json::to_string(order).map_err(|error| gone(error.to_string()))?;
        line.push('\n');
        connection.orders.write_all(line.as_bytes()).map_err(|error| gone(error.to_string()))?;
        let mut answer = String::new();
        connection.answers.read_line(&mut answer).map_err(|error| gone(error.to_string()))?;
        match serde_json::from_str(&answer).map_err(|error| gone(error.to_string()))? {
            Answer::Refused { message } => Err(Error::Supervisor(message)),
            answer => Ok(answer),
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Connection { mut process, orders, .. }) = connection {
            drop(orders);
            // Whoever waited for the drop finds nothing left.
            let _ = process.wait();
        }
    }
}

fn unexpected(answer: &Answer) -> Error {
    Error::Supervisor(format!("answered {answer:?}"))
}
