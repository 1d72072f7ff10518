//! Follows the RiskPolicy's file.
//!
//! Its content is compared, not its time stamp or inode: editors replace files, and a mounted
//! ConfigMap is a link that moves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sapphire_crds::manifest::load_policy;

use super::inbox::{Message, PolicyFile};

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

/// Watches the policy `name` in `file`, and sends what changes.
///
/// # Errors
/// When the system gives no thread.
pub fn watch(
    file: PathBuf,
    name: String,
    inbox: SyncSender<Message>,
) -> std::io::Result<PolicyWatch> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    // Read before the thread starts: a change from here on is seen.
    let mut last = std::fs::read(&file).ok();
    let thread = std::thread::Builder::new().name("policy-watch".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Acquire) {
            std::thread::sleep(INTERVAL);
            let now = std::fs::read(&file).ok();
            if now == last {
                continue;
            }
            last.clone_from(&now);
            let seen = Instant::now();
            let message = match now {
                Some(_) => read(&file, &name, seen),
                None => PolicyFile::Refused(format!("{} is gone", file.display())),
            };
            if inbox.send(Message::Policy(message)).is_err() {
                return;
            }
        }
    })?;
    Ok(PolicyWatch { stop, thread: Some(thread) })
}

fn read(file: &Path, name: &str, seen: Instant) -> PolicyFile {
    match load_policy(file, name) {
        Ok(policy) => PolicyFile::Valid(Box::new(policy.spec), seen),
        Err(faults) => PolicyFile::Refused(faults.to_string()),
    }
}
