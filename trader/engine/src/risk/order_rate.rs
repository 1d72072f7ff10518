//! A token bucket in event time.

use crate::time::{Span, Timestamp};

/// Nano-tokens in a token: a rate of `n` a second then adds `n` a nanosecond, exactly.
const TOKEN: i64 = 1_000_000_000;

/// How many orders may be sent now.
#[derive(Debug, Clone)]
pub struct OrderRate {
    per_second: i64,
    capacity: i64,
    tokens: i64,
    refilled: Option<Timestamp>,
}

impl OrderRate {
    /// A full bucket.
    #[must_use]
    pub fn per_second(rate: u32, burst: u32) -> Self {
        let capacity = i64::from(burst) * TOKEN;
        Self { per_second: rate.into(), capacity, tokens: capacity, refilled: None }
    }

    /// Takes new settings, and keeps what was used.
    pub fn set(&mut self, rate: u32, burst: u32) {
        let used = self.capacity - self.tokens;
        self.per_second = rate.into();
        self.capacity = i64::from(burst) * TOKEN;
        self.tokens = self.capacity - used;
    }

    /// Whole orders that may be sent at `now`.
    pub fn available(&mut self, now: Timestamp) -> u32 {
        let elapsed = self.refilled.map_or(Span::ZERO, |then| now - then);
        self.refilled = Some(now);
        self.tokens = self
            .tokens
            .saturating_add(elapsed.0.saturating_mul(self.per_second))
            .min(self.capacity);
        u32::try_from(self.tokens / TOKEN).unwrap_or(0)
    }

    /// Counts an order that was sent.
    pub fn take(&mut self) {
        self.tokens -= TOKEN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_empties_the_bucket_and_time_refills_it() {
        let mut rate = OrderRate::per_second(5, 10);
        let start = Timestamp(0);
        for _ in 0..10 {
            assert!(rate.available(start) >= 1);
            rate.take();
        }
        assert_eq!(rate.available(start), 0);
        assert_eq!(rate.available(start + Span::millis(199)), 0);
        assert_eq!(rate.available(start + Span::millis(200)), 1);
        assert_eq!(rate.available(start + Span::hours(1)), 10);
    }

    #[test]
    fn a_stricter_rate_forgets_nothing_that_was_used() {
        let mut rate = OrderRate::per_second(5, 10);
        (0..4).for_each(|_| rate.take());
        rate.set(1, 5);
        assert_eq!(rate.available(Timestamp(0)), 1);
    }
}
