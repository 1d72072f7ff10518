//! A limit on how many systems roll a change out at once, over the whole operator.
//!
//! Who has a turn stands in the statuses, so that it outlives the process. A turn that is granted and
//! not written yet is remembered here, so that two workers cannot take the last one both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sapphire_crds::TradingSystem;
use tokio::time::Instant;

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
    waiting: BTreeMap<Key, Instant>,
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

    /// A turn for the system, if one is free; else it waits for one.
    pub fn take(&self, context: &Context, key: &Key) -> Option<Turn<'_>> {
        let mut state = self.state();
        let taken = taken(context, &state.granted, Some(key));
        if taken >= context.settings.max_concurrent_rollouts {
            state.waiting.entry(key.clone()).or_insert_with(Instant::now);
            return None;
        }
        state.waiting.remove(key);
        state.granted.insert(key.clone());
        Some(Turn { turns: self, key: key.clone() })
    }

    /// Wakes as many of those that wait as there are free turns, the longest waiting first. Called after
    /// every reconcile of a system, for any may have ended a rollout.
    pub fn hand_out(&self, context: &Context) {
        let mut state = self.state();
        if state.waiting.is_empty() {
            return;
        }
        let limit = context.settings.max_concurrent_rollouts;
        let free = limit.saturating_sub(taken(context, &state.granted, None));
        let mut waiting: Vec<(Instant, Key)> =
            state.waiting.iter().map(|(key, since)| (*since, key.clone())).collect();
        waiting.sort();
        for (_, key) in waiting.into_iter().take(free) {
            // It asks again, or does not want one any more.
            state.waiting.remove(&key);
            context.queues.systems.wake(key);
        }
    }
}

/// How many turns are taken, that of `but` aside.
fn taken(context: &Context, granted: &BTreeSet<Key>, but: Option<&Key>) -> usize {
    let mut holders = granted.clone();
    holders.extend(context.systems.keys_of(rolls));
    holders.iter().filter(|holder| Some(*holder) != but).count()
}

/// Whether the system rolls a change out. One that is suspended or goes does not.
fn rolls(system: &TradingSystem) -> bool {
    let rollout = system.status.as_ref().and_then(|status| status.rollout.as_ref());
    rollout.is_some_and(holds_turn)
        && !system.spec.suspend
        && system.metadata.deletion_timestamp.is_none()
}
