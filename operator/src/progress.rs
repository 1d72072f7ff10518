//! What of the cluster has been read through once.
//!
//! Who takes a gap in his knowledge for an absence writes what nobody wants. So nothing is worked on in a
//! place that is not known whole. Where the operator works in namespaces of its own each is a place by
//! itself: one that it may not read (it was deleted, and the Role in it with it) keeps no other from work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// A namespace; `None` is all of them.
pub type Scope = Option<String>;

/// What keeps a kind from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reading {
    /// It has been read through.
    Done,
    /// Not yet; the last words about it, if it said any.
    Begun(Option<String>),
    /// The API server does not let it be read, or does not know the kind; its words.
    Refused(String),
}

/// Which kinds have been read through once, and where.
#[derive(Debug, Clone)]
pub struct Progress {
    readings: Arc<Mutex<BTreeMap<Scope, BTreeMap<String, Reading>>>>,
    changed: watch::Sender<()>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { readings: Arc::default(), changed: watch::Sender::new(()) }
    }
}

impl Progress {
    fn readings(&self) -> MutexGuard<'_, BTreeMap<Scope, BTreeMap<String, Reading>>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is going to be read.
    pub fn expect(&self, scope: &Scope, kind: &str) {
        self.set(scope, kind, Reading::Begun(None));
    }

    /// It has been read through. True where with it the whole scope has.
    pub fn complete(&self, scope: &Scope, kind: &str) -> bool {
        let was_whole = self.is_whole(scope);
        self.set(scope, kind, Reading::Done);
        !was_whole && self.is_whole(scope)
    }

    /// It could not be read just now. What was read through once stays so.
    pub fn fail(&self, scope: &Scope, kind: &str, words: &str, refused: bool) {
        let is_done =
            self.readings().get(scope).and_then(|kinds| kinds.get(kind)) == Some(&Reading::Done);
        if !is_done {
            let words = words.to_owned();
            let reading =
                if refused { Reading::Refused(words) } else { Reading::Begun(Some(words)) };
            self.set(scope, kind, reading);
        }
    }

    fn set(&self, scope: &Scope, kind: &str, reading: Reading) {
        self.readings().entry(scope.clone()).or_default().insert(kind.to_owned(), reading);
        self.changed.send_replace(());
    }

    fn is_whole(&self, scope: &Scope) -> bool {
        let readings = self.readings();
        readings.get(scope).is_some_and(|kinds| kinds.values().all(|r| *r == Reading::Done))
    }

    /// Whether all is known of a namespace.
    pub fn knows(&self, namespace: &str) -> bool {
        self.is_whole(&None) || self.is_whole(&Some(namespace.to_owned()))
    }

    /// What has not been read through yet, and why as far as that is known.
    pub fn missing(&self) -> Vec<String> {
        let readings = self.readings();
        let all = readings.iter().flat_map(|(scope, kinds)| kinds.iter().map(move |k| (scope, k)));
        all.filter_map(|(scope, (kind, reading))| match reading {
            Reading::Done => None,
            Reading::Begun(None) => Some(named(kind, scope)),
            Reading::Begun(Some(words)) | Reading::Refused(words) => Some(words.clone()),
        })
        .collect()
    }

    /// Whether there is something to work on, and all that may be read has been.
    pub fn is_settled(&self) -> bool {
        let mut whole = 0;
        for kinds in self.readings().values() {
            let refused = kinds.values().any(|reading| matches!(reading, Reading::Refused(_)));
            if kinds.values().all(|reading| *reading == Reading::Done) {
                whole += 1;
            } else if !refused {
                return false;
            }
        }
        whole > 0
    }

    /// Waits until that is so.
    pub async fn settled(&self) {
        self.until(|| self.is_settled().then_some(())).await;
    }

    /// Waits until everything has been read through once.
    ///
    /// # Errors
    /// What the API server does not let be read, in its words.
    pub async fn complete_all(&self) -> Result<(), String> {
        let ended = || {
            let readings = self.readings();
            let all = || readings.values().flat_map(BTreeMap::values);
            let refused = all().find_map(|reading| match reading {
                Reading::Refused(words) => Some(Err(words.clone())),
                Reading::Done | Reading::Begun(_) => None,
            });
            refused.or_else(|| all().all(|reading| *reading == Reading::Done).then_some(Ok(())))
        };
        self.until(ended).await
    }

    async fn until<T>(&self, so: impl Fn() -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(answer) = so() {
                return answer;
            }
            // The sender lives as long as this.
            let _ = changed.changed().await;
        }
    }
}

/// What a watch is called.
pub fn named(kind: &str, scope: &Scope) -> String {
    scope.as_ref().map_or_else(|| kind.to_owned(), |namespace| format!("{kind} in {namespace}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(namespace: &str) -> Scope {
        Some(namespace.to_owned())
    }

    #[test]
    fn a_namespace_that_may_not_be_read_keeps_no_other_from_work() {
        let progress = Progress::default();
        for namespace in ["one", "two"] {
            progress.expect(&scope(namespace), "Pod");
            progress.expect(&scope(namespace), "Service");
        }
        assert!(!progress.complete(&scope("one"), "Pod"));
        assert!(progress.complete(&scope("one"), "Service"), "now it is whole");
        assert!(!progress.is_settled(), "the other may still come");
        progress.fail(&scope("two"), "Pod", "Pod in two: not allowed", true);
        assert!(progress.is_settled());
        assert!(progress.knows("one") && !progress.knows("two"));
        assert_eq!(progress.missing(), ["Pod in two: not allowed", "Service in two"]);
        // It may be read after all.
        progress.complete(&scope("two"), "Service");
        assert!(progress.complete(&scope("two"), "Pod"));
        assert!(progress.knows("two"));
    }

    #[test]
    fn without_anything_to_read_there_is_nothing_to_lead() {
        let progress = Progress::default();
        progress.expect(&None, "TradingSystem");
        progress.fail(&None, "TradingSystem", "install the chart sapphire-crds", true);
        assert!(!progress.is_settled());
        assert!(progress.complete(&None, "TradingSystem"));
        assert!(progress.is_settled() && progress.knows("any"));
    }

    #[test]
    fn what_was_read_once_stays_so_when_its_watch_breaks() {
        let progress = Progress::default();
        progress.expect(&None, "Pod");
        progress.complete(&None, "Pod");
        progress.fail(&None, "Pod", "Pod: not allowed", true);
        assert!(progress.is_settled());
        assert!(!progress.complete(&None, "Pod"), "that is no news");
    }

    #[tokio::test]
    async fn who_needs_everything_is_told_what_may_not_be_read() {
        let progress = Progress::default();
        progress.expect(&scope("one"), "Pod");
        progress.expect(&scope("two"), "Pod");
        progress.complete(&scope("one"), "Pod");
        let waiting = progress.clone();
        let waiting = tokio::spawn(async move { waiting.complete_all().await });
        progress.fail(&scope("two"), "Pod", "Pod in two: not allowed", true);
        assert_eq!(waiting.await.unwrap(), Err("Pod in two: not allowed".to_owned()));
    }
}
