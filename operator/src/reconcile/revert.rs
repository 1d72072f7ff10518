//! How often an object may be set back before it counts as somebody else's.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many repairs within [`WINDOW`] are drift; more are a fight.
const REPAIRS: usize = 5;
const WINDOW: Duration = Duration::from_secs(300);
/// The pause between repairs of what is never left to others.
const PACE: Duration = Duration::from_secs(1);

/// Remembers what was set back when.
#[derive(Debug, Default)]
pub struct RevertLog {
    repairs: Mutex<HashMap<String, Vec<Instant>>>,
}

/// Whether a fight over an object is ever given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insistence {
    /// Who insists is left alone for a while.
    Yields,
    /// It is set back however often, at a pace.
    Never,
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
    pub fn again(&self, uid: &str, insistence: Insistence) -> Reverts {
        let now = Instant::now();
        let mut all = self.repairs.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, repairs| {
            repairs.retain(|at| now.duration_since(*at) < WINDOW);
            !repairs.is_empty()
        });
        let repairs = all.entry(uid.to_owned()).or_default();
        if repairs.len() >= REPAIRS {
            let free = match insistence {
                Insistence::Yields => repairs.first().map_or(now, |oldest| *oldest + WINDOW),
                Insistence::Never => repairs.last().map_or(now, |newest| *newest + PACE),
            };
            if free > now {
                return Reverts::Yield(free.saturating_duration_since(now));
            }
            repairs.remove(0);
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
        let again = |uid| log.again(uid, Insistence::Yields);
        for _ in 0..REPAIRS {
            assert_eq!(again("a"), Reverts::Repair);
        }
        assert_eq!(again("a"), Reverts::Yield(WINDOW));
        assert_eq!(again("b"), Reverts::Repair);
        tokio::time::advance(WINDOW).await;
        assert_eq!(again("a"), Reverts::Repair);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_left_is_set_back_at_a_pace() {
        let log = RevertLog::default();
        let again = || log.again("a", Insistence::Never);
        for _ in 0..REPAIRS {
            assert_eq!(again(), Reverts::Repair);
        }
        for _ in 0..3 * REPAIRS {
            assert_eq!(again(), Reverts::Yield(PACE));
            tokio::time::advance(PACE).await;
            assert_eq!(again(), Reverts::Repair);
        }
    }
}
