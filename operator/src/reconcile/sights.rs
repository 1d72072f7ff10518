//! How long something has been so.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// Since when this process has seen something of an object, by its own clock.
///
/// What the API server's clock says of a deletion is not compared with ours. A successor counts anew:
/// a deadline then comes later, never earlier.
#[derive(Debug, Default)]
pub struct Sights {
    since: Mutex<HashMap<(String, &'static str), Instant>>,
}

impl Sights {
    /// Since when `what` was seen of the object with this uid, which is so now.
    pub fn since(&self, uid: &str, what: &'static str) -> Instant {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        *since.entry((uid.to_owned(), what)).or_insert_with(Instant::now)
    }

    /// Whether `what` was seen of the object, and not ended.
    pub fn is_so(&self, uid: &str, what: &'static str) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.contains_key(&(uid.to_owned(), what))
    }

    /// `what` is not so any more.
    pub fn end(&self, uid: &str, what: &'static str) {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).remove(&(uid.to_owned(), what));
    }

    /// The object is gone.
    pub fn forget(&self, uid: &str) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.retain(|(known, _), _| known != uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_sight_lasts_until_it_ends() {
        let (sights, first) = (Sights::default(), Instant::now());
        assert_eq!(sights.since("u", "deleted"), first);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(sights.since("u", "deleted"), first);
        assert_eq!(sights.since("v", "deleted"), Instant::now());
        sights.end("u", "deleted");
        assert_eq!(sights.since("u", "deleted"), Instant::now());
        tokio::time::advance(Duration::from_secs(5)).await;
        sights.forget("u");
        assert_eq!(sights.since("u", "deleted"), Instant::now());
    }
}
