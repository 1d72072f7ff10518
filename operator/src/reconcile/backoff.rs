//! How long an object that failed is left alone.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// First pause after a failure.
const FIRST: Duration = Duration::from_millis(250);
/// Longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// Pauses a failing object has made, doubled each time, back to the first on success.
#[derive(Debug)]
pub struct Backoff<K> {
    failures: Mutex<HashMap<K, u32>>,
}

impl<K> Default for Backoff<K> {
    fn default() -> Self {
        Self { failures: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone> Backoff<K> {
    /// The pause after another failure. `chance` in 0..1 spreads objects that failed together: the
    /// pause is between half and all of its step.
    pub fn failed(&self, key: &K, chance: f64) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(key.clone()).or_insert(0);
        let step = FIRST.saturating_mul(2u32.saturating_pow((*count).min(16))).min(LONGEST);
        *count = count.saturating_add(1);
        step.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
    }

    /// How often the object failed in a row.
    pub fn failures(&self, key: &K) -> u32 {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(key).copied().unwrap_or(0)
    }

    /// The object is well, or gone.
    pub fn forget(&self, key: &K) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// How many objects fail now.
    pub fn failing(&self) -> usize {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A number in 0..1; without randomness from the system, the middle.
pub fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |drawn| f64::from(drawn) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let backoff = Backoff::default();
        let pauses: Vec<u128> = (0..10).map(|_| backoff.failed(&"a", 1.0).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    }

    #[test]
    fn success_begins_anew_and_objects_do_not_share_a_pause() {
        let backoff = Backoff::default();
        for _ in 0..5 {
            backoff.failed(&"a", 1.0);
        }
        assert_eq!(backoff.failed(&"b", 1.0), FIRST);
        backoff.forget(&"a");
        assert_eq!(backoff.failed(&"a", 1.0), FIRST);
        assert_eq!(backoff.failing(), 2);
    }

    proptest! {
        #[test]
        fn a_pause_is_within_half_and_all_of_its_step(failures in 0u32..100, chance in 0.0f64..1.0) {
            let backoff = Backoff::default();
            for _ in 0..failures {
                backoff.failed(&(), chance);
            }
            let pause = backoff.failed(&(), chance);
            prop_assert!(pause >= FIRST / 2 && pause <= LONGEST);
        }
    }
}
