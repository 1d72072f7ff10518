//! How often an object may be set back before it counts as somebody else's.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many repairs within [`WINDOW`] are drift; more are a fight.
const REPAIRS: usize = 5;
const WINDOW: Duration = Duration::from_secs(300);

/// Remembers what was set back when.
#[derive(Debug, Default)]
pub struct RevertLog {
    repairs: Mutex<HashMap<String, Vec<Instant>>>,
}

/// What to do with an object that was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reverts {
    /// Set it back.
    Repair,
    /// Leave it, and look again after this pause.
    Yield(Duration),
}

impl RevertLog {
    /// The object with this uid is to be set back once more.
    pub fn again(&self, uid: &str) -> Reverts {
        let now = Instant::now();
        let mut all = self.repairs.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, repairs| {
            repairs.retain(|at| now.duration_since(*at) < WINDOW);
            !repairs.is_empty()
        });
        let repairs = all.entry(uid.to_owned()).or_default();
        if repairs.len() >= REPAIRS {
            let oldest = repairs.first().map_or(now, |at| *at);
            return Reverts::Yield((oldest + WINDOW).saturating_duration_since(now));
        }
        repairs.push(now);
        Reverts::Repair
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_insists_is_left_alone_for_a_while() {
        let log = RevertLog::default();
        let again = |uid| log.again(uid);
        for _ in 0..REPAIRS {
            assert_eq!(again("a"), Reverts::Repair);
        }
        assert_eq!(again("a"), Reverts::Yield(WINDOW));
        assert_eq!(again("b"), Reverts::Repair);
        tokio::time::advance(WINDOW).await;
        assert_eq!(again("a"), Reverts::Repair);
    }
}
