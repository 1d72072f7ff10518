//! What a round found.

use std::time::Duration;

/// What a round found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) systems: usize,
    /// From the first create to the answer of the last.
    pub(crate) created: Duration,
    /// From the first create to the last write of a child.
    pub(crate) applied: Duration,
    /// As long a way, had somebody created the same children who knew them from the start.
    pub(crate) floor: Duration,
    /// From the first create to the last desk's Ready.
    pub(crate) ready: Duration,
    /// Writes until all was Ready: of children, statuses, events.
    pub(crate) writes: Writes,
    pub(crate) idle: Idle,
    pub(crate) edits: Edits,
    /// Resident memory, in KiB: with no desk, with all of them.
    pub(crate) memory: (u64, u64),
    /// From the signal to the successor's Lease.
    pub(crate) takeover: Takeover,
}

/// Writes of the operator, its Lease left out.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    pub(crate) children: usize,
    pub(crate) statuses: usize,
    pub(crate) events: usize,
}

/// A while in which nobody changes anything.
#[derive(Debug)]
pub(crate) struct Idle {
    pub(crate) period: Duration,
    pub(crate) writes: usize,
    pub(crate) cpu: Duration,
}

/// From the answer to an edit of a spec to the sight of the child that it changes.
#[derive(Debug)]
pub(crate) struct Edits {
    /// Each when what the one before brought about was over.
    pub(crate) settled: Times,
    /// Each at the sight of the child of the one before.
    pub(crate) in_a_row: Times,
}

/// How long each of some things took.
#[derive(Debug)]
pub(crate) struct Times(pub(crate) Vec<Duration>);

/// How long nobody leads.
#[derive(Debug)]
pub(crate) struct Takeover {
    pub(crate) told: Duration,
    pub(crate) killed: Duration,
}

impl Found {
    /// Memory of one desk, in KiB.
    pub(crate) fn memory_a_system(&self) -> f64 {
        let (before, after) = self.memory;
        after.saturating_sub(before) as f64 / self.systems as f64
    }
}

impl Times {
    /// The time that so many percent of them do not exceed (nearest rank).
    pub(crate) fn at(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }
}
