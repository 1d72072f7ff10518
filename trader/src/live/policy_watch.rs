//! Follows the RiskPolicy's file.
//!
//! Its content is compared, not its time stamp or inode: editors replace files, and a mounted
//! ConfigMap is a link that moves. It is compared with what the desk was made of, so that no change
//! is missed, however long a recovery takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use sapphire_crds::RiskPolicySpec;
use sapphire_crds::manifest::{self, Source};

use super::inbox::{Message, PolicyFile};
use crate::config::{Environment, states_in};

/// How often the file is read.
const INTERVAL: Duration = Duration::from_millis(100);
/// A content that as many reads in a row found is taken for all that its writer meant to write.
const READS_TO_SETTLE: u32 = 3;

/// The thread that watches; it ends soon after this is dropped. Nobody waits for it, since a read
/// lasts as long as its file system lets it.
#[derive(Debug)]
pub struct PolicyWatch {
    stop: Arc<AtomicBool>,
}

impl Drop for PolicyWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

/// A policy in a file.
#[derive(Debug, Clone)]
pub struct PolicySource {
    /// Its file, as the desk's policy was read from it.
    pub loaded: Source,
    /// Its `metadata.name`.
    pub name: String,
    /// What fills in what it leaves out, as at the start.
    pub environment: Environment,
}

/// What a read found: the file's content, or why there is none.
type Content = Result<Source, String>;

impl PolicySource {
    fn read(&self) -> Content {
        manifest::read(&self.loaded.path).map_err(|faults| faults.to_string())
    }

    /// Reads the policy in a content of the file.
    fn policy_in(&self, content: &Content) -> Result<RiskPolicySpec, String> {
        let source = content.as_ref().map_err(Clone::clone)?;
        let policy =
            manifest::policy_in(source, &self.name).map_err(|faults| faults.to_string())?;
        let mut spec = policy.spec;
        self.environment
            .fill_in(&mut spec, |field| states_in(&source.text, Some(&self.name), field))
            .map_err(|error| error.to_string())?;
        Ok(spec)
    }

    /// Whether the file still holds what the desk's policy was read from, and goes on holding it for
    /// as long as a content needs to settle.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        (1..READS_TO_SETTLE).all(|_| {
            std::thread::sleep(INTERVAL);
            self.read().as_ref() == Ok(&self.loaded)
        })
    }
}

/// Compares what it reads with what it read before.
struct Follower {
    source: PolicySource,
    last: Content,
    /// Since when the last content has been there, and how often it was read; none once it settled.
    fresh: Option<(Instant, u32)>,
}

impl Follower {
    fn new(source: PolicySource) -> Self {
        Self { last: Ok(source.loaded.clone()), source, fresh: None }
    }

    /// Reads the file. Gives what is to be told of it.
    fn look(&mut self, now: Instant) -> Option<PolicyFile> {
        let content = self.source.read();
        if content != self.last {
            self.last = content;
            self.fresh = Some((now, 1));
            let policy = self.source.policy_in(&self.last).ok()?;
            return Some(PolicyFile::Fresh(Box::new(policy), now));
        }
        let (since, reads) = self.fresh?;
        self.fresh = Some((since, reads + 1));
        if reads + 1 < READS_TO_SETTLE {
            return None;
        }
        self.fresh = None;
        Some(match self.source.policy_in(&self.last) {
            Ok(policy) => PolicyFile::Settled(Box::new(policy), since),
            Err(why) => PolicyFile::Refused(why),
        })
    }
}

/// Watches a policy, and sends what changes; what changed since the policy was read is sent at once.
///
/// # Errors
/// When the system gives no thread.
pub fn watch(source: PolicySource, inbox: SyncSender<Message>) -> std::io::Result<PolicyWatch> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let mut follower = Follower::new(source);
    std::thread::Builder::new().name("policy-watch".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Acquire) {
            let news = follower.look(Instant::now());
            if news.is_some_and(|news| inbox.send(Message::Policy(news)).is_err()) {
                return;
            }
            std::thread::sleep(INTERVAL);
        }
    })?;
    Ok(PolicyWatch { stop })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn policy(spec: &str) -> String {
        format!(
            "apiVersion: sapphiretrade.xyz/v1alpha1\nkind: RiskPolicy\nmetadata: {{name: policy}}\nspec: {spec}\n"
        )
    }

    const HALTED: &str = "{tradingState: Halted}";
    const ACTIVE: &str = "{tradingState: Active}";

    struct Desk {
        folder: TempDir,
        follower: Follower,
    }

    impl Desk {
        fn on(spec: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("policy.yaml");
            fs::write(&path, policy(spec)).unwrap();
            let loaded = manifest::read(&path).unwrap();
            let environment = Environment::default();
            let name = "policy".to_owned();
            let follower = Follower::new(PolicySource { loaded, name, environment });
            Self { folder, follower }
        }

        fn write(&self, text: &str) {
            fs::write(self.folder.path().join("policy.yaml"), text).unwrap();
        }

        /// The next reads: what each tells, in a word and the policy's state.
        fn looks(&mut self, count: usize) -> Vec<String> {
            let told = |news| match news {
                Some(PolicyFile::Fresh(policy, _)) => format!("fresh {:?}", policy.trading_state),
                Some(PolicyFile::Settled(policy, _)) => {
                    format!("settled {:?}", policy.trading_state)
                }
                Some(PolicyFile::Refused(_)) => "refused".to_owned(),
                None => "-".to_owned(),
            };
            (0..count).map(|_| told(self.follower.look(Instant::now()))).collect()
        }
    }

    #[test]
    fn a_change_since_the_manifests_were_read_is_seen_by_the_first_look() {
        let mut desk = Desk::on(ACTIVE);
        desk.write(&policy(HALTED));
        assert_eq!(desk.looks(1), ["fresh Halted"]);
    }

    #[test]
    fn what_does_not_change_is_not_told() {
        assert_eq!(Desk::on(HALTED).looks(4), ["-"; 4]);
    }

    #[test]
    fn a_change_settles_with_the_third_read_and_is_told_no_more() {
        let mut desk = Desk::on(HALTED);
        desk.write(&policy(ACTIVE));
        assert_eq!(desk.looks(5), ["fresh Active", "-", "settled Active", "-", "-"]);
    }

    #[test]
    fn a_content_that_is_still_being_written_never_settles() {
        let mut desk = Desk::on(HALTED);
        let whole = policy(HALTED);
        // Up to `spec: {}`, so to speak: the default state is Active.
        desk.write(&policy("{}"));
        assert_eq!(desk.looks(2), ["fresh Active", "-"]);
        desk.write(&whole[..whole.len() / 2]);
        assert_eq!(desk.looks(2), ["-", "-"]);
        desk.write(&whole);
        assert_eq!(desk.looks(4), ["fresh Halted", "-", "settled Halted", "-"]);
    }

    #[test]
    fn what_is_no_policy_is_refused_once_it_has_settled() {
        let mut desk = Desk::on(HALTED);
        desk.write("");
        assert_eq!(desk.looks(5), ["-", "-", "refused", "-", "-"]);
    }

    #[test]
    fn a_pipe_in_the_files_place_is_refused_and_nobody_waits_for_its_writer() {
        let mut desk = Desk::on(HALTED);
        let path = desk.folder.path().join("policy.yaml");
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert_eq!(desk.looks(4), ["-", "-", "refused", "-"]);
    }

    #[test]
    fn a_start_waits_for_a_file_that_is_being_written() {
        let desk = Desk::on(HALTED);
        assert!(desk.follower.source.is_settled());
        desk.write(&policy(ACTIVE));
        assert!(!desk.follower.source.is_settled());
    }
}
