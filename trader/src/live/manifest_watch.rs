//! Looks at the manifests that a desk began with. All but the RiskPolicy act at a start alone, so who
//! edits them while the desk runs is told so, once a change.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use sapphire_crds::manifest::{Desk, ManifestFaults, Source, read_sources};

use super::inbox::Message;

/// The manifests of a desk, and how to read them again.
pub struct ManifestSource {
    /// What the desk began with.
    pub started: Desk,
    /// Manifests and directories of them, as they were given.
    pub paths: Vec<PathBuf>,
    /// Reads them again as at the start.
    pub load: Box<dyn Fn() -> Result<Desk, ManifestFaults> + Send>,
}

impl std::fmt::Debug for ManifestSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManifestSource").field("paths", &self.paths).finish_non_exhaustive()
    }
}

/// How often they are read: nothing depends on hearing of it within a second.
const INTERVAL: Duration = Duration::from_millis(500);

/// The thread that looks; it ends soon after this is dropped. Nobody waits for it, since a read lasts as
/// long as its file system lets it.
#[derive(Debug)]
pub struct ManifestWatch {
    stop: Arc<AtomicBool>,
}

impl Drop for ManifestWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

/// Looks at the manifests, and sends what a person should know of them.
///
/// # Errors
/// When the system gives no thread.
pub fn watch_manifests(
    source: ManifestSource,
    inbox: SyncSender<Message>,
) -> std::io::Result<ManifestWatch> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let mut looks = Looks::new(source);
    std::thread::Builder::new().name("manifest-watch".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Acquire) {
            let news = looks.look();
            if news.is_some_and(|news| inbox.send(Message::Manifests(news)).is_err()) {
                return;
            }
            std::thread::sleep(INTERVAL);
        }
    })?;
    Ok(ManifestWatch { stop })
}

/// What was seen of them, look by look.
#[derive(Debug)]
struct Looks {
    source: ManifestSource,
    /// The last look, judged or not.
    seen: Vec<Source>,
    /// The look that was judged last.
    judged: Vec<Source>,
    said: Option<String>,
}

impl Looks {
    fn new(source: ManifestSource) -> Self {
        let seen = source.started.sources.clone();
        Self { source, judged: seen.clone(), seen, said: None }
    }

    /// Looks again. What a person should know of them now, if that is something else than the last
    /// time; the inner `None` when they are again what the desk trades by.
    fn look(&mut self) -> Option<Option<String>> {
        let now = read_sources(&self.source.paths);
        // An editor may be in the middle of writing: what two looks agree on is meant.
        let stands = now == self.seen;
        self.seen = now;
        if !stands || self.seen == self.judged {
            return None;
        }
        self.judged.clone_from(&self.seen);
        let said = self.judge();
        (said != self.said).then(|| {
            self.said.clone_from(&said);
            said
        })
    }

    fn judge(&self) -> Option<String> {
        let started = &self.source.started;
        match (self.source.load)() {
            Ok(now) => {
                let changed = changes(started, &now);
                (!changed.is_empty()).then(|| {
                    format!(
                        "{}: this takes effect when the desk is started again, which begins a new run; \
                         until then it trades by what it began with (only the RiskPolicy acts at once)",
                        changed.join(", ")
                    )
                })
            }
            // The policy's own faults are told where the policy is followed.
            Err(faults) if faults.into_iter().all(|fault| fault.file == started.policy_file) => {
                None
            }
            Err(faults) => Some(format!(
                "the manifests have faults now: the desk goes on with what it began with, but could not \
                 be started again:\n{faults}"
            )),
        }
    }
}

/// Which objects are others than at the start.
fn changes(started: &Desk, now: &Desk) -> Vec<String> {
    let mut changes = Vec::new();
    if now.system != started.system {
        let name = now.system.metadata.name.as_deref().unwrap_or_default();
        changes.push(format!("TradingSystem {name} changed"));
    }
    let find = |among: &Desk, name: &Option<String>| {
        among.agents.iter().find(|agent| agent.metadata.name == *name).cloned()
    };
    for agent in &now.agents {
        let name = agent.metadata.name.as_deref().unwrap_or_default();
        match find(started, &agent.metadata.name) {
            None => changes.push(format!("TradingAgent {name} is new")),
            Some(before) if before != *agent => {
                changes.push(format!("TradingAgent {name} changed"));
            }
            Some(_) => {}
        }
    }
    for agent in started.agents.iter().filter(|agent| find(now, &agent.metadata.name).is_none()) {
        let name = agent.metadata.name.as_deref().unwrap_or_default();
        changes.push(format!("TradingAgent {name} is gone"));
    }
    changes
}
