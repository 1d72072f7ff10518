//! How long ago the policy was seen, and whether that is longer than its `staleAfter`. By the wall
//! clock: it is people who change a policy, however fast recorded data pass.

use std::time::{Duration, Instant};

use sapphire_engine::time::Span;

use crate::config::span;

/// Nothing is said of a read that has not come back for less than this.
const SLOW_READ: Duration = Duration::from_secs(1);

/// What is known of the policy's sight.
#[derive(Debug)]
pub(super) struct Sight {
    seen: Instant,
    /// When a read last came back, whatever it found.
    answered: Instant,
    stale_after: Span,
    lost: bool,
}

impl Sight {
    /// Seen at `now`; `lost` where the desk was left without it.
    pub(super) const fn new(now: Instant, stale_after: Span, lost: bool) -> Self {
        Self { seen: now, answered: now, stale_after, lost }
    }

    /// A policy that may not stay as it is: of its patience and the last one's the stricter holds.
    pub(super) fn tighten(&mut self, stale_after: Span) {
        self.stale_after = self.stale_after.min(stale_after);
    }

    /// A policy that has settled.
    pub(super) const fn set(&mut self, stale_after: Span) {
        self.stale_after = stale_after;
    }

    /// There is a policy.
    pub(super) const fn sees(&mut self, now: Instant) {
        self.seen = now;
        self.answered = now;
    }

    /// There is one to hold to: whether the desk was without.
    pub(super) const fn regains(&mut self) -> bool {
        std::mem::replace(&mut self.lost, false)
    }

    /// A read found none, for this reason. The words for it when that has just become too long.
    pub(super) fn misses(&mut self, now: Instant, why: &str) -> Option<String> {
        self.answered = now;
        self.loses(now, why)
    }

    fn loses(&mut self, now: Instant, why: &str) -> Option<String> {
        let unseen = span(now.saturating_duration_since(self.seen));
        if self.lost || unseen < self.stale_after {
            return None;
        }
        self.lost = true;
        Some(format!(
            "the RiskPolicy could not be read for {} (its staleAfter): {why}",
            self.stale_after
        ))
    }

    /// A read has not come back.
    pub(super) fn waits(&mut self, now: Instant) -> Option<String> {
        let is_slow = now.saturating_duration_since(self.answered) >= SLOW_READ;
        is_slow.then(|| self.loses(now, "its file system does not answer")).flatten()
    }
}
