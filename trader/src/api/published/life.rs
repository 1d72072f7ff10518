//! Whether the desk thread lives: what `/healthz` rests on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What can be told of the desk thread from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It beats.
    Alive,
    /// It has ended as it should.
    Ended,
    /// It has not beaten for this long: a restart would help.
    Stalled(Duration),
    /// It went without saying so (a panic): a restart would help.
    Dead,
}

/// The desk's pulse. Beating is one relaxed store.
#[derive(Debug)]
pub(super) struct Life {
    born: Instant,
    last_beat_millis: AtomicU64,
    ended: AtomicBool,
    gone: AtomicBool,
}

impl Life {
    pub(super) fn begin() -> Self {
        Self {
            born: Instant::now(),
            last_beat_millis: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn beat(&self) {
        self.last_beat_millis.store(self.millis(), Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(super) fn go(&self) {
        self.gone.store(true, Ordering::Release);
    }

    pub(super) fn liveness(&self, patience: Duration) -> Liveness {
        if self.ended.load(Ordering::Acquire) {
            return Liveness::Ended;
        }
        if self.gone.load(Ordering::Acquire) {
            return Liveness::Dead;
        }
        let silent = self.millis().saturating_sub(self.last_beat_millis.load(Ordering::Relaxed));
        let silent = Duration::from_millis(silent);
        if silent > patience { Liveness::Stalled(silent) } else { Liveness::Alive }
    }
}
