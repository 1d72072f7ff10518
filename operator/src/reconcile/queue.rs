//! What is to be reconciled next: each object once, never twice at the same time.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Wakes come in bursts (a child that is applied answers with an event): those of this long are one.
const GATHER: Duration = Duration::from_millis(10);

/// A queue of objects to look at.
///
/// Waking an object that waits moves it forward, never back. One that is being worked on is worked on
/// once more afterwards.
#[derive(Debug)]
pub struct Queue<K> {
    state: Mutex<State<K>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<K> {
    begun: Instant,
    due: BTreeSet<(Instant, u64)>,
    keys: HashMap<u64, K>,
    planned: HashMap<K, (Instant, u64)>,
    working: HashMap<K, Option<Instant>>,
    ticket: u64,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        let state = State {
            begun: Instant::now(),
            due: BTreeSet::new(),
            keys: HashMap::new(),
            planned: HashMap::new(),
            working: HashMap::new(),
            ticket: 0,
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }
}

impl<K: Eq + Hash + Clone> Queue<K> {
    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something about the object changed.
    pub fn wake(&self, key: K) {
        self.wake_after(key, GATHER);
    }

    /// Something about the object changed that does not wait for others: it is the next, whatever else is due.
    pub fn wake_first(&self, key: K) {
        let begun = self.state().begun;
        self.wake_at(key, begun);
    }

    /// The object is to be looked at after `pause`, or earlier if something wakes it.
    pub fn wake_after(&self, key: K, pause: Duration) {
        self.wake_at(key, Instant::now() + pause);
    }

    fn wake_at(&self, key: K, at: Instant) {
        let mut state = self.state();
        if let Some(again) = state.working.get_mut(&key) {
            *again = Some(again.map_or(at, |earlier| earlier.min(at)));
            return;
        }
        state.plan(key, at);
        drop(state);
        self.changed.notify_one();
    }

    /// The next object, when it is due. It counts as worked on until [`done`](Self::done).
    pub async fn next(&self) -> K {
        loop {
            let changed = self.changed.notified();
            let next = {
                let mut state = self.state();
                let now = Instant::now();
                match state.due.first().copied() {
                    Some((at, ticket)) if at <= now => {
                        if let Some(key) = state.take(ticket, at) {
                            // Another worker may be asleep while more is due.
                            self.changed.notify_one();
                            return key;
                        }
                        continue;
                    }
                    first => first.map(|(at, _)| at),
                }
            };
            match next {
                Some(at) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// The object was worked on; `again` is when to look without being woken.
    pub fn done(&self, key: K, again: Option<Duration>) {
        let mut state = self.state();
        let woken = state.working.remove(&key).flatten();
        let asked = again.map(|pause| Instant::now() + pause);
        let at = match (woken, asked) {
            (Some(woken), Some(asked)) => Some(woken.min(asked)),
            (woken, asked) => woken.or(asked),
        };
        if let Some(at) = at {
            state.plan(key, at);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Nobody works any more: what was being worked on is due again.
    pub fn release(&self) {
        let mut state = self.state();
        let now = Instant::now();
        let dropped: Vec<K> = state.working.drain().map(|(key, _)| key).collect();
        for key in dropped {
            state.plan(key, now);
        }
    }

    /// How many objects are due or overdue.
    pub fn depth(&self) -> usize {
        let now = Instant::now();
        self.state().due.iter().take_while(|(at, _)| *at <= now).count()
    }
}

impl<K: Eq + Hash + Clone> State<K> {
    fn plan(&mut self, key: K, at: Instant) {
        if let Some((earlier, ticket)) = self.planned.get(&key).copied() {
            if earlier <= at {
                return;
            }
            self.due.remove(&(earlier, ticket));
            self.keys.remove(&ticket);
        }
        self.ticket += 1;
        let ticket = self.ticket;
        self.due.insert((at, ticket));
        self.keys.insert(ticket, key.clone());
        self.planned.insert(key, (at, ticket));
    }

    fn take(&mut self, ticket: u64, at: Instant) -> Option<K> {
        self.due.remove(&(at, ticket));
        let key = self.keys.remove(&ticket)?;
        self.planned.remove(&key);
        self.working.insert(key.clone(), None);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    async fn is_empty(queue: &Queue<&'static str>) -> bool {
        tokio::time::timeout(Duration::from_secs(1), queue.next()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn wakes_of_a_moment_are_one() {
        let queue = Queue::default();
        queue.wake("a");
        queue.wake("a");
        assert_eq!(queue.next().await, "a");
        queue.done("a", None);
        assert!(is_empty(&queue).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_is_never_worked_on_twice_at_once() {
        let queue = Queue::default();
        queue.wake("a");
        assert_eq!(queue.next().await, "a");
        queue.wake("a");
        assert!(is_empty(&queue).await, "it is being worked on");
        queue.done("a", None);
        assert_eq!(queue.next().await, "a");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_comes_before_a_planned_look() {
        let queue = Queue::default();
        queue.wake_after("a", Duration::from_secs(60));
        let begin = Instant::now();
        queue.wake("a");
        assert_eq!(queue.next().await, "a");
        assert!(begin.elapsed() < Duration::from_secs(1));
        queue.done("a", None);
        assert!(is_empty(&queue).await, "the planned look was the same look");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_urgent_comes_before_all_that_wait() {
        let queue = Queue::default();
        ["a", "b", "c", "d"].into_iter().for_each(|key| queue.wake(key));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(queue.next().await, "a");
        ["c", "a", "e"].into_iter().for_each(|key| queue.wake_first(key));
        assert_eq!(queue.next().await, "c");
        assert_eq!(queue.next().await, "e");
        queue.done("a", None);
        assert_eq!(queue.next().await, "a", "it was being worked on");
        assert_eq!(queue.next().await, "b");
        assert_eq!(queue.next().await, "d");
        ["a", "b", "c", "d", "e"].into_iter().for_each(|key| queue.done(key, None));
        assert!(is_empty(&queue).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_plan_does_not_delay_an_earlier_one() {
        let queue = Queue::default();
        queue.wake("a");
        queue.wake_after("a", Duration::from_secs(60));
        assert_eq!(queue.next().await, "a");
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_comes_back_when_it_asked_for_it() {
        let queue = Queue::default();
        queue.wake("a");
        let key = queue.next().await;
        queue.done(key, Some(Duration::from_secs(30)));
        let begin = Instant::now();
        assert_eq!(queue.next().await, "a");
        assert!(begin.elapsed() >= Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_work_is_due_again() {
        let queue = Queue::default();
        queue.wake("a");
        queue.next().await;
        queue.release();
        assert_eq!(queue.next().await, "a");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeping_worker_takes_what_another_left() {
        let queue = Arc::new(Queue::default());
        let worker =
            |queue: Arc<Queue<&'static str>>| tokio::spawn(async move { queue.next().await });
        let (first, second) = (worker(queue.clone()), worker(queue.clone()));
        tokio::task::yield_now().await;
        queue.wake("a");
        queue.wake("b");
        let mut taken = [first.await.unwrap(), second.await.unwrap()];
        taken.sort_unstable();
        assert_eq!(taken, ["a", "b"]);
    }
}
