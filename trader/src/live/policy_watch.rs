//! Follows the RiskPolicy's file.
//!
//! Its content is compared, not its time stamp or inode: editors replace files, and a mounted
//! ConfigMap is a link that moves.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sapphire_crds::RiskPolicySpec;
use sapphire_crds::manifest::load_policy;

use super::inbox::{Message, PolicyFile};
use crate::config::{Environment, states_in};

/// How often the file is read.
const INTERVAL: Duration = Duration::from_millis(100);

/// The thread that watches; it ends when this is dropped.
#[derive(Debug)]
pub struct PolicyWatch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for PolicyWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A policy in a file.
#[derive(Debug, Clone)]
pub struct PolicySource {
    /// Its file.
    pub file: PathBuf,
    /// Its `metadata.name`.
    pub name: String,
    /// What fills in what it leaves out, as at the start.
    pub environment: Environment,
}

impl PolicySource {
    /// Reads the policy as it is now.
    fn read(&self) -> Result<RiskPolicySpec, String> {
        let policy = load_policy(&self.file, &self.name).map_err(|faults| faults.to_string())?;
        let text = std::fs::read_to_string(&self.file).map_err(|error| error.to_string())?;
        let mut spec = policy.spec;
        self.environment
            .fill_in(&mut spec, |field| states_in(&text, Some(&self.name), field))
            .map_err(|error| error.to_string())?;
        Ok(spec)
    }
}

/// Watches a policy, and sends what changes.
///
/// # Errors
/// When the system gives no thread.
pub fn watch(source: PolicySource, inbox: SyncSender<Message>) -> std::io::Result<PolicyWatch> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    // Read before the thread starts: a change from here on is seen.
    let mut last = std::fs::read(&source.file).ok();
    let thread = std::thread::Builder::new().name("policy-watch".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Acquire) {
            std::thread::sleep(INTERVAL);
            let now = std::fs::read(&source.file).ok();
            if now == last {
                continue;
            }
            last.clone_from(&now);
            let seen = Instant::now();
            let message = match now {
                Some(_) => match source.read() {
                    Ok(spec) => PolicyFile::Valid(Box::new(spec), seen),
                    Err(why) => PolicyFile::Refused(why),
                },
                None => PolicyFile::Refused(format!("{} is gone", source.file.display())),
            };
            if inbox.send(Message::Policy(message)).is_err() {
                return;
            }
        }
    })?;
    Ok(PolicyWatch { stop, thread: Some(thread) })
}
