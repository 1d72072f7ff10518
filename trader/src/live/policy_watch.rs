//! Follows the RiskPolicy's file.
//!
//! Its content is compared, not its time stamp or inode: editors replace files, and a mounted
//! ConfigMap is a link that moves. It is compared with what the desk was made of, so that no change
//! is missed, however long a recovery takes.
//!
//! One thread reads and another judges: a file system that does not answer keeps nobody from
//! noticing that the policy has not been seen for too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use sapphire_crds::manifest::{self, ManifestFaults, Source};
use sapphire_engine::event::PolicyChange;

use super::inbox::{Message, PolicyFile};
use super::policy_sight::Sight;
use crate::config::{ConfigError, Environment, policy_change, states_in};

/// How often the file is read.
const INTERVAL: Duration = Duration::from_millis(100);
/// A content that as many reads in a row found is taken for all that its writer meant to write.
const READS_TO_SETTLE: u32 = 3;

/// The threads that watch; they end soon after this is dropped. Nobody waits for them, since a read
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
type Content = Result<Source, NoPolicy>;

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NoPolicy {
    /// With all its reasons.
    why: String,
    /// On one line.
    brief: String,
}

impl From<ManifestFaults> for NoPolicy {
    fn from(faults: ManifestFaults) -> Self {
        let brief = faults.as_slice().first().map(ToString::to_string).unwrap_or_default();
        Self { why: faults.to_string(), brief }
    }
}

impl From<ConfigError> for NoPolicy {
    fn from(error: ConfigError) -> Self {
        Self { why: error.to_string(), brief: error.to_string() }
    }
}

impl PolicySource {
    fn read(&self) -> Content {
        manifest::read(&self.loaded.path).map_err(NoPolicy::from)
    }

    /// Reads the policy in a content of the file.
    fn policy_in(&self, content: &Content) -> Result<PolicyChange, NoPolicy> {
        let source = content.as_ref().map_err(Clone::clone)?;
        let mut spec = manifest::policy_in(source, &self.name)?.spec;
        self.environment
            .fill_in(&mut spec, |field| states_in(&source.text, Some(&self.name), field))?;
        Ok(policy_change(&spec, 0)?)
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

/// Compares what was read with what was read before.
struct Follower {
    source: PolicySource,
    last: Content,
    /// What the last content means.
    policy: Result<PolicyChange, NoPolicy>,
    /// Since when the last content has been there, and how often it was read; none once it settled.
    fresh: Option<(Instant, u32)>,
    sight: Sight,
}

impl Follower {
    fn new(source: PolicySource, started: PolicyChange, lost: bool) -> Self {
        let sight = Sight::new(Instant::now(), started.policy.stale_after, lost);
        Self { last: Ok(source.loaded.clone()), policy: Ok(started), source, fresh: None, sight }
    }

    /// Takes in what was read. Gives what is to be told of it, in order.
    fn take(&mut self, content: Content, now: Instant) -> Vec<PolicyFile> {
        let mut news = Vec::new();
        if content != self.last {
            self.policy = self.source.policy_in(&content);
            self.last = content;
            self.fresh = Some((now, 1));
            if let Ok(policy) = &self.policy {
                self.sight.tighten(policy.policy.stale_after);
                news.push(PolicyFile::Fresh(Box::new(policy.clone()), now));
            }
        } else if let Some((since, reads)) = &mut self.fresh {
            *reads += 1;
            if *reads == READS_TO_SETTLE {
                news.push(match &self.policy {
                    Ok(policy) => PolicyFile::Settled(Box::new(policy.clone()), *since),
                    Err(none) => PolicyFile::Refused(none.why.clone()),
                });
                self.fresh = None;
            }
        }
        news.extend(self.look_out(now));
        news
    }

    /// Whether there is a policy to hold to.
    fn look_out(&mut self, now: Instant) -> Option<PolicyFile> {
        match &self.policy {
            Err(none) => self.sight.misses(now, &none.brief).map(PolicyFile::Lost),
            Ok(policy) => {
                self.sight.sees(now);
                if self.fresh.is_some() {
                    return None;
                }
                self.sight.set(policy.policy.stale_after);
                self.sight.regains().then_some(PolicyFile::Found)
            }
        }
    }

    /// Nothing was read for a while.
    fn wait(&mut self, now: Instant) -> Option<PolicyFile> {
        self.sight.waits(now).map(PolicyFile::Lost)
    }
}

/// Watches a policy, and sends what changes; what changed since the policy was read is sent at once.
/// `started` is what the source says, and `lost` whether the desk was left without sight of it.
///
/// # Errors
/// When the system gives no thread.
pub fn watch(
    source: PolicySource,
    started: PolicyChange,
    lost: bool,
    inbox: SyncSender<Message>,
) -> std::io::Result<PolicyWatch> {
    let stop = Arc::new(AtomicBool::new(false));
    let (contents, read) = sync_channel(1);
    let (reader, stopped) = (source.clone(), stop.clone());
    std::thread::Builder::new().name("policy-read".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Acquire) && contents.send(reader.read()).is_ok() {
            std::thread::sleep(INTERVAL);
        }
    })?;
    let stopped = stop.clone();
    let mut follower = Follower::new(source, started, lost);
    std::thread::Builder::new().name("policy-watch".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Acquire) {
            let news = match read.recv_timeout(INTERVAL) {
                Ok(content) => follower.take(content, Instant::now()),
                Err(RecvTimeoutError::Timeout) => {
                    follower.wait(Instant::now()).into_iter().collect()
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            for news in news {
                if inbox.send(Message::Policy(news)).is_err() {
                    return;
                }
            }
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
        now: Instant,
    }

    impl Desk {
        fn on(spec: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("policy.yaml");
            fs::write(&path, policy(spec)).unwrap();
            let loaded = manifest::read(&path).unwrap();
            let environment = Environment::default();
            let name = "policy".to_owned();
            let source = PolicySource { loaded: loaded.clone(), name, environment };
            let started = source.policy_in(&Ok(loaded)).unwrap();
            Self { folder, follower: Follower::new(source, started, false), now: Instant::now() }
        }

        fn write(&self, text: &str) {
            fs::write(self.folder.path().join("policy.yaml"), text).unwrap();
        }

        /// The next reads: what each tells, in a word and the policy's state.
        fn looks(&mut self, count: usize) -> Vec<String> {
            (0..count).map(|_| self.look_after(0)).collect()
        }

        /// A read so many seconds later, and what it tells.
        fn look_after(&mut self, seconds: u64) -> String {
            self.now += Duration::from_secs(seconds);
            let content = self.follower.source.read();
            told(self.follower.take(content, self.now))
        }

        /// So many seconds in which nothing could be read, and what is told then.
        fn wait(&mut self, seconds: u64) -> String {
            self.now += Duration::from_secs(seconds);
            told(self.follower.wait(self.now).into_iter().collect())
        }
    }

    fn told(news: Vec<PolicyFile>) -> String {
        let word = |news| match news {
            PolicyFile::Fresh(change, _) => format!("fresh {:?}", change.policy.trading_state),
            PolicyFile::Settled(change, _) => format!("settled {:?}", change.policy.trading_state),
            PolicyFile::Refused(_) => "refused".to_owned(),
            PolicyFile::Lost(_) => "lost".to_owned(),
            PolicyFile::Found => "found".to_owned(),
        };
        let words: Vec<String> = news.into_iter().map(word).collect();
        if words.is_empty() { "-".to_owned() } else { words.join(", ") }
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
    fn a_policy_that_is_gone_is_lost_after_its_patience_and_found_once_the_file_has_settled() {
        let mut desk = Desk::on("{tradingState: Active, staleAfter: 10s}");
        fs::remove_file(desk.folder.path().join("policy.yaml")).unwrap();
        assert_eq!(desk.looks(3), ["-", "-", "refused"]);
        assert_eq!(
            [desk.look_after(9), desk.look_after(1), desk.look_after(60)],
            ["-", "lost", "-"]
        );
        desk.write(&policy(ACTIVE));
        assert_eq!(desk.looks(4), ["fresh Active", "-", "settled Active, found", "-"]);
    }

    #[test]
    fn a_policy_that_is_no_policy_any_more_is_lost_like_one_that_is_gone() {
        let mut desk = Desk::on("{staleAfter: 10s}");
        desk.write(&policy("{staleAfter: soon}"));
        assert_eq!([desk.look_after(0), desk.look_after(10)], ["-", "lost"]);
        let content = desk.follower.source.read();
        let Err(none) = desk.follower.source.policy_in(&content) else { panic!("it is a policy") };
        assert!(none.brief.contains("staleAfter") && !none.brief.contains('\n'), "{}", none.brief);
    }

    #[test]
    fn a_policy_that_stands_in_its_file_is_never_lost() {
        let mut desk = Desk::on("{staleAfter: 10s}");
        assert_eq!([desk.look_after(9), desk.look_after(9), desk.look_after(900)], ["-"; 3]);
    }

    #[test]
    fn a_file_system_that_does_not_answer_loses_the_policy_until_it_does() {
        let mut desk = Desk::on("{staleAfter: 10s}");
        assert_eq!([desk.wait(9), desk.wait(1), desk.wait(60)], ["-", "lost", "-"]);
        assert_eq!([desk.look_after(1), desk.look_after(0)], ["found", "-"]);
    }

    #[test]
    fn between_two_reads_of_a_file_that_is_gone_its_file_system_is_not_blamed() {
        let mut desk = Desk::on("{staleAfter: 10s}");
        fs::remove_file(desk.folder.path().join("policy.yaml")).unwrap();
        assert_eq!([desk.look_after(9), desk.look_after(0)], ["-", "-"]);
        assert_eq!(desk.look_after(0), "refused");
        // Just before the next read, the patience is over.
        desk.follower.sight.set(sapphire_engine::time::Span::secs(9));
        assert_eq!(desk.wait(0), "-");
        let content = desk.follower.source.read();
        let news = desk.follower.take(content, desk.now);
        let [PolicyFile::Lost(why)] = &news[..] else { panic!("it is not lost: {news:?}") };
        assert!(why.contains("policy.yaml"), "{why}");
    }

    #[test]
    fn a_shorter_patience_acts_on_arrival_and_a_longer_one_once_it_has_settled() {
        let mut desk = Desk::on("{staleAfter: 30s}");
        desk.write(&policy("{staleAfter: 10s}"));
        desk.looks(1);
        desk.write("");
        assert_eq!([desk.look_after(10), desk.look_after(20)], ["lost", "-"]);
        let mut desk = Desk::on("{staleAfter: 10s}");
        desk.write(&policy("{staleAfter: 30s}"));
        desk.looks(1);
        desk.write("");
        assert_eq!(desk.look_after(10), "lost");
        desk.write(&policy("{staleAfter: 30s}"));
        assert_eq!(desk.looks(3), ["fresh Active", "-", "settled Active, found"]);
        desk.write("");
        assert_eq!([desk.look_after(29), desk.look_after(1)], ["-", "lost"]);
    }

    #[test]
    fn a_desk_that_was_left_without_a_policy_finds_the_one_that_it_is_started_with() {
        let mut desk = Desk::on(ACTIVE);
        let Desk { follower: Follower { source, policy, .. }, .. } = &desk;
        desk.follower = Follower::new(source.clone(), policy.clone().unwrap(), true);
        assert_eq!(desk.looks(2), ["found", "-"]);
    }

    #[test]
    fn a_start_waits_for_a_file_that_is_being_written() {
        let desk = Desk::on(HALTED);
        assert!(desk.follower.source.is_settled());
        desk.write(&policy(ACTIVE));
        assert!(!desk.follower.source.is_settled());
    }
}
