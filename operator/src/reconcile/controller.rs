//! Runs one kind's reconciles: several objects at once, each with pauses of its own when it fails.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::backoff::{Backoff, chance};
use super::key::Key;
use super::outcome::{Hold, Transient};
use super::queue::Queue;
use crate::context::Context;
use crate::telemetry;

/// One kind's part in the work.
pub trait Reconciler: Send + Sync + 'static {
    /// For logs and metrics.
    const NAME: &'static str;

    /// Brings the world to what the object says, and the object's status to what the world is.
    ///
    /// `Ok(Some(_))` asks to be called again after so long although nothing happened, such as at a
    /// deadline. `attempt` counts failures in a row that trying again may get over. A [`Hold`] has been
    /// written to the status already, unless that is what failed.
    fn reconcile(
        &self,
        context: Arc<Context>,
        key: Key,
        attempt: u32,
    ) -> impl Future<Output = Result<Option<Duration>, Hold>> + Send;
}

/// Works on the queue until it is dropped; what is under way is dropped with it.
///
/// # Errors
/// When a worker panicked: the process should end, since nobody knows what it left half done.
pub async fn run<R: Reconciler>(
    reconciler: R,
    context: Arc<Context>,
    queue: Arc<Queue<Key>>,
) -> Result<(), tokio::task::JoinError> {
    let reconciler = Arc::new(reconciler);
    let backoff = Arc::new(Backoff::default());
    let told = Arc::new(Told::default());
    let mut workers = JoinSet::new();
    for _ in 0..context.settings.concurrency {
        workers.spawn(work(
            reconciler.clone(),
            context.clone(),
            queue.clone(),
            backoff.clone(),
            told.clone(),
        ));
    }
    // Workers never return; one that ends has panicked.
    match workers.join_next().await {
        Some(Err(error)) => Err(error),
        _ => Ok(()),
    }
}

async fn work<R: Reconciler>(
    reconciler: Arc<R>,
    context: Arc<Context>,
    queue: Arc<Queue<Key>>,
    backoff: Arc<Backoff<Key>>,
    told: Arc<Told>,
) {
    let metrics = &context.metrics;
    loop {
        let key = queue.next().await;
        if !context.progress.knows(&key.namespace) {
            // It is woken once all is known of its namespace.
            queue.done(key, None);
            continue;
        }
        let span = span(R::NAME, &key.to_string());
        let begun = tokio::time::Instant::now();
        let attempt = backoff.failures(&key);
        let work = reconciler.reconcile(context.clone(), key.clone(), attempt);
        let outcome = work.instrument(span.clone()).await;
        metrics
            .reconcile_seconds
            .with_label_values(&[R::NAME])
            .observe(begun.elapsed().as_secs_f64());
        let word = outcome.as_ref().map_or_else(Hold::kind, |_| "done");
        span.record("outcome", word);
        metrics.reconciles.with_label_values(&[R::NAME, word]).inc();
        let again = span.in_scope(|| pause(&key, outcome, &backoff, &told));
        queue.done(key, again);
        let failing = i64::try_from(backoff.failing()).unwrap_or(i64::MAX);
        metrics.failing.with_label_values(&[R::NAME]).set(failing);
        let depth = i64::try_from(queue.depth()).unwrap_or(i64::MAX);
        metrics.queue_depth.with_label_values(&[R::NAME]).set(depth);
    }
}

/// The span of one reconcile, which is a trace of its own.
pub(crate) fn span(controller: &'static str, object: &str) -> Span {
    let span = tracing::info_span!(
        parent: None,
        "reconcile",
        controller,
        object,
        trace_id = Empty,
        outcome = Empty
    );
    if let Some(id) = telemetry::trace_id(&span) {
        span.record("trace_id", id);
    }
    span
}

fn pause(
    key: &Key,
    outcome: Result<Option<Duration>, Hold>,
    backoff: &Backoff<Key>,
    told: &Told,
) -> Option<Duration> {
    match outcome {
        Ok(again) => {
            backoff.forget(key);
            told.forget(key);
            again
        }
        Err(hold) => {
            let (loud, words) = (hold.is_loud(), hold.to_string());
            let again = match hold {
                Hold::Stalled { again, .. } | Hold::Waiting { again, .. } => {
                    backoff.forget(key);
                    again
                }
                Hold::Transient(Transient { after, .. }) => {
                    let pause = backoff.failed(key, chance());
                    Some(after.map_or(pause, |after| after.max(pause)))
                }
            };
            let again_ms = again.map(|pause| pause.as_millis());
            // An object that waits is woken by whatever happens around it, and says the same again.
            if !told.is_news(key, &words) {
                tracing::debug!(again_ms, "{words}");
            } else if loud {
                tracing::warn!(again_ms, "{words}");
            } else {
                tracing::info!(again_ms, "{words}");
            }
            again
        }
    }
}

/// What was last logged of each object that does not go on.
#[derive(Debug, Default)]
struct Told {
    words: Mutex<HashMap<Key, String>>,
}

impl Told {
    fn is_news(&self, key: &Key, words: &str) -> bool {
        let mut all = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(key.clone(), words.to_owned()).as_deref() != Some(words)
    }

    fn forget(&self, key: &Key) {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_no_news() {
        let (told, key) = (Told::default(), Key::new("n", "desk"));
        assert!(told.is_news(&key, "waits"));
        assert!(!told.is_news(&key, "waits"));
        assert!(told.is_news(&key, "waits for something else"));
        assert!(told.is_news(&Key::new("n", "other"), "waits"));
        told.forget(&key);
        assert!(told.is_news(&key, "waits for something else"));
    }
}
