//! Lets a burst pass, and bounds what comes after it.
//!
//! What others write can change a hundred times a second. A status that followed it would be written as
//! often, and each write would wake the object once more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::key::Key;

/// So many at once.
const BURST: u32 = 10;
/// Then one in so long.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often each object may be written for what others make it say. Kinds share names, so they have a
/// pace each.
#[derive(Debug, Default)]
pub struct Pace {
    /// When the burst would be whole again.
    whole_at: Mutex<HashMap<Key, Instant>>,
}

impl Pace {
    /// Takes a turn.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn turn(&self, key: &Key) -> Result<(), Duration> {
        let now = Instant::now();
        let mut all = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = all.get(key).map_or(now, |at| (*at).max(now));
        let used = whole.duration_since(now);
        let most = INTERVAL * (BURST - 1);
        if used > most {
            return Err(used - most);
        }
        all.insert(key.clone(), whole + INTERVAL);
        Ok(())
    }

    /// The object is gone.
    pub fn forget(&self, key: &Key) {
        self.whole_at.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_one_a_second() {
        let (pace, key) = (Pace::default(), Key::new("n", "desk"));
        let mut passed = 0;
        for _ in 0..2_000 {
            passed += u32::from(pace.turn(&key).is_ok());
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        assert!((BURST + 19..=BURST + 21).contains(&passed), "{passed} in 20 s");
        assert!(pace.turn(&Key::new("n", "other")).is_ok(), "each has its own");
    }

    #[tokio::test(start_paused = true)]
    async fn it_says_when_the_next_turn_is() {
        let (pace, key) = (Pace::default(), Key::new("n", "desk"));
        let wait = loop {
            if let Err(wait) = pace.turn(&key) {
                break wait;
            }
        };
        tokio::time::advance(wait).await;
        assert!(pace.turn(&key).is_ok());
        pace.forget(&key);
        assert!(pace.turn(&key).is_ok(), "a new object of the name begins anew");
    }
}
