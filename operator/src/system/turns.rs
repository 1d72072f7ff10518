//! A limit on how many systems roll a change out at once, over the whole operator.
//!
//! Who has a turn stands in the statuses, so that it outlives the process. A turn that is granted and
//! not written yet is remembered here, so that two workers cannot take the last one both. So is who waits,
//! and since when: turns are taken in that order. It is lost with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sapphire_crds::TradingSystem;
use tokio::time::Instant;

use super::observe::patient_until;
use super::rollout::state::holds_turn;
use crate::context::Context;
use crate::reconcile::key::Key;

/// Who is about to have a turn, and who waits for one.
#[derive(Debug, Default)]
pub struct Turns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    granted: BTreeSet<Key>,
    waiting: BTreeMap<Key, Place>,
}

/// A place among those that wait.
#[derive(Debug, Clone, Copy)]
struct Place {
    since: Instant,
    /// Whether it would take a turn just now. One that would not lets others pass, and keeps its place.
    ready: bool,
}

impl State {
    /// Whether it is the system's turn, with so many free. Where it is not, it waits.
    fn take(&mut self, key: &Key, free: usize) -> bool {
        let place = Place { since: Instant::now(), ready: true };
        self.waiting.entry(key.clone()).or_insert(place).ready = true;
        let its_turn = self.next(free).contains(key);
        if its_turn {
            self.waiting.remove(key);
            self.granted.insert(key.clone());
        }
        its_turn
    }

    /// Who takes the free turns: those that have waited longest.
    fn next(&self, free: usize) -> Vec<Key> {
        let ready = self.waiting.iter().filter(|(_, place)| place.ready);
        let mut ready: Vec<_> = ready.map(|(key, place)| (place.since, key)).collect();
        ready.sort();
        ready.into_iter().take(free).map(|(_, key)| key.clone()).collect()
    }
}

/// A turn, until the status that says so is written.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    key: Key,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.state().granted.remove(&self.key);
    }
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn for the system, if one is free and nobody has waited longer; else it waits for one.
    pub fn take(&self, context: &Context, key: &Key) -> Option<Turn<'_>> {
        let mut state = self.state();
        let free = free(context, &state.granted, Some(key));
        state.take(key, free).then(|| Turn { turns: self, key: key.clone() })
    }

    /// The system wants no turn any more.
    pub fn leave(&self, key: &Key) {
        self.state().waiting.remove(key);
    }

    /// The system could not take a turn if it had one: others go first meanwhile.
    pub fn pass(&self, key: &Key) {
        if let Some(place) = self.state().waiting.get_mut(key) {
            place.ready = false;
        }
    }

    /// Wakes as many of those that wait as there are free turns, the longest waiting first. Called after
    /// every reconcile of a system, for any may have ended a rollout.
    pub fn hand_out(&self, context: &Context) {
        let mut state = self.state();
        let wants = |key: &Key| context.systems.get(key).is_some_and(|system| is_at_work(&system));
        state.waiting.retain(|key, _| wants(key));
        if state.waiting.is_empty() {
            return;
        }
        for key in state.next(free(context, &state.granted, None)) {
            context.queues.systems.wake(key);
        }
    }
}

/// How many turns nobody has, `but` aside.
fn free(context: &Context, granted: &BTreeSet<Key>, but: Option<&Key>) -> usize {
    let mut holders = granted.clone();
    holders.extend(context.systems.keys_of(|system| rolls(context, system)));
    let taken = holders.iter().filter(|holder| Some(*holder) != but).count();
    context.settings.max_concurrent_rollouts.saturating_sub(taken)
}

fn rolls(context: &Context, system: &TradingSystem) -> bool {
    let rollout = system.status.as_ref().and_then(|status| status.rollout.as_ref());
    let holds = |rollout| holds_turn(rollout, Timestamp::now(), patient_until(context, system));
    rollout.is_some_and(holds) && is_at_work(system)
}

/// Whether changes are rolled out at all: not where it is suspended or goes.
fn is_at_work(system: &TradingSystem) -> bool {
    !system.spec.suspend && system.metadata.deletion_timestamp.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(name: &str) -> Key {
        Key::new("n", name)
    }

    /// Three desks that ask in this order while nothing is free.
    fn queue() -> State {
        let mut state = State::default();
        for name in ["c", "a", "b"] {
            assert!(!state.take(&desk(name), 0));
        }
        state
    }

    #[test]
    fn turns_are_taken_in_the_order_of_waiting() {
        let mut state = queue();
        assert_eq!(state.next(2), [desk("c"), desk("a")]);
        // Whoever asks in between keeps the place that it had, or comes last.
        assert!(!state.take(&desk("b"), 1));
        assert!(!state.take(&desk("new"), 1));
        assert!(!state.take(&desk("a"), 1));
        assert!(state.take(&desk("c"), 1));
        assert!(state.take(&desk("a"), 1));
        assert!(state.take(&desk("b"), 2), "no longer behind those that have theirs");
        assert_eq!(state.next(9), [desk("new")]);
    }

    #[test]
    fn one_that_cannot_take_its_turn_lets_others_pass_and_keeps_its_place() {
        let turns = Turns { state: Mutex::new(queue()) };
        turns.pass(&desk("c"));
        turns.leave(&desk("a"));
        let mut state = turns.state();
        assert_eq!(state.next(1), [desk("b")]);
        assert!(state.take(&desk("c"), 1), "it has waited longest, and is back");
    }
}
