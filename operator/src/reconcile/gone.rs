//! What the watches lately told to be gone, so that a late answer to a write of ours does not bring it back.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// Longer than any call of ours may take.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The uids of objects that went.
#[derive(Debug, Default)]
pub(super) struct Gone {
    uids: HashSet<String>,
    /// The same, in the order of their going.
    since: VecDeque<(Instant, String)>,
}

impl Gone {
    /// Remembers one for a while.
    pub(super) fn add(&mut self, uid: &str) {
        let now = Instant::now();
        while let Some((since, _)) = self.since.front()
            && now.duration_since(*since) > REMEMBERED
            && let Some((_, uid)) = self.since.pop_front()
        {
            self.uids.remove(&uid);
        }
        if self.uids.insert(uid.to_owned()) {
            self.since.push_back((now, uid.to_owned()));
        }
    }

    /// Whether it went a short while ago.
    pub(super) fn has(&self, uid: &str) -> bool {
        self.uids.contains(uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_went_is_forgotten_once_no_answer_can_be_late() {
        let mut gone = Gone::default();
        gone.add("a");
        assert!(gone.has("a") && !gone.has("b"));
        tokio::time::advance(REMEMBERED + Duration::from_secs(1)).await;
        gone.add("b");
        assert!(!gone.has("a") && gone.has("b"));
    }
}
