//! How often an address may ask: in any minute, never more than the limit.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A minute is counted in slots; one more than a minute's worth is kept, because the oldest is
/// partly over: so the limit holds in every minute, not only in those of the clock.
const SLOT: Duration = Duration::from_secs(5);
const SLOTS: usize = 13;

/// Addresses counted one by one. Beyond that, strangers share one count, so that a flood of
/// addresses costs neither memory nor those who were there before.
const ADDRESSES_MAX: usize = 10_000;

/// Counts requests by address.
#[derive(Debug)]
pub(in crate::api) struct RateLimit {
    limit: u32,
    began: Instant,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    windows: HashMap<IpAddr, Window>,
    strangers: Window,
    swept: u64,
}

/// Counts of the newest slots, the newest at `newest % SLOTS`.
#[derive(Debug, Default)]
struct Window {
    counts: [u32; SLOTS],
    newest: u64,
}

impl RateLimit {
    pub(in crate::api) fn new(limit: NonZeroU32) -> Self {
        Self { limit: limit.get(), began: Instant::now(), table: Mutex::default() }
    }

    /// The limit, a minute.
    pub(in crate::api) const fn limit(&self) -> u32 {
        self.limit
    }

    /// Counts a request of `address`, unless its minute is used up.
    ///
    /// # Errors
    /// After how long the next one is possible.
    pub(in crate::api) fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let age = now.saturating_duration_since(self.began);
        // Slots are numbered from 1, so that a new window is an empty one.
        let slot = age.as_secs() / SLOT.as_secs() + 1;
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let window = table.window(of_network(address), slot);
        window.wait(self.limit, slot, age)?;
        window.count(slot);
        Ok(())
    }

    #[cfg(test)]
    fn counted_addresses(&self) -> usize {
        self.table.lock().unwrap().windows.len()
    }
}

/// Whoever has one IPv6 address has 2^64 of them.
fn of_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

impl Table {
    fn window(&mut self, address: IpAddr, slot: u64) -> &mut Window {
        if self.windows.len() >= ADDRESSES_MAX && !self.windows.contains_key(&address) {
            // Once a slot is enough: nothing else grows old meanwhile.
            if self.swept != slot {
                self.swept = slot;
                self.windows.retain(|_, window| slot < window.newest + SLOTS as u64);
            }
            if self.windows.len() >= ADDRESSES_MAX {
                return &mut self.strangers;
            }
        }
        self.windows.entry(address).or_default()
    }
}

impl Window {
    fn count(&mut self, slot: u64) {
        self.move_on(slot);
        self.counts[index(slot)] += 1;
    }

    fn move_on(&mut self, slot: u64) {
        let passed = slot.saturating_sub(self.newest).min(SLOTS as u64);
        (0..passed).for_each(|back| self.counts[index(slot - back)] = 0);
        self.newest = self.newest.max(slot);
    }

    fn wait(&mut self, limit: u32, slot: u64, age: Duration) -> Result<(), Duration> {
        self.move_on(slot);
        let total: u32 = self.counts.iter().sum();
        if total < limit {
            return Ok(());
        }
        // The oldest slot that counts leaves the window first.
        let oldest = self.newest.saturating_sub(SLOTS as u64 - 1);
        let counts = |slot: &u64| self.counts[index(*slot)] > 0;
        let first = (oldest..=self.newest).find(counts).unwrap_or(self.newest);
        let free_at = SLOT * u32::try_from(first + SLOTS as u64 - 1).unwrap_or(u32::MAX);
        Err(free_at.saturating_sub(age))
    }
}

#[allow(clippy::cast_possible_truncation)] // below SLOTS
const fn index(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    fn limit(limit: u32) -> RateLimit {
        RateLimit::new(NonZeroU32::new(limit).unwrap())
    }

    #[test]
    fn the_limit_is_what_is_let_pass_at_once() {
        let rate = limit(60);
        let now = rate.began;
        assert!((0..60).all(|_| rate.admit(address(1), now).is_ok()));
        let wait = rate.admit(address(1), now).unwrap_err();
        assert!(wait > Duration::from_secs(60) && wait <= Duration::from_secs(65), "{wait:?}");
        assert!(rate.admit(address(2), now).is_ok(), "another address is not concerned");
    }

    #[test]
    fn who_waits_as_told_is_let_pass() {
        let rate = limit(2);
        rate.admit(address(1), rate.began).unwrap();
        rate.admit(address(1), rate.began + Duration::from_secs(20)).unwrap();
        let now = rate.began + Duration::from_secs(21);
        let wait = rate.admit(address(1), now).unwrap_err();
        assert!(rate.admit(address(1), now + wait - Duration::from_millis(1)).is_err());
        assert!(rate.admit(address(1), now + wait).is_ok());
    }

    #[test]
    fn a_refused_request_does_not_count() {
        let rate = limit(1);
        rate.admit(address(1), rate.began).unwrap();
        for second in 0..60 {
            let now = rate.began + Duration::from_secs(second);
            assert!(rate.admit(address(1), now).is_err());
        }
        assert!(rate.admit(address(1), rate.began + Duration::from_secs(65)).is_ok());
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let rate = limit(1);
        rate.admit("2001:db8::1".parse().unwrap(), rate.began).unwrap();
        assert!(rate.admit("2001:db8::2".parse().unwrap(), rate.began).is_err());
        assert!(rate.admit("2001:db8:0:1::2".parse().unwrap(), rate.began).is_ok());
        rate.admit("10.0.0.1".parse().unwrap(), rate.began).unwrap();
        assert!(rate.admit("::ffff:10.0.0.1".parse().unwrap(), rate.began).is_err());
    }

    #[test]
    fn a_flood_of_addresses_costs_bounded_memory_and_nobody_else() {
        let rate = limit(5);
        rate.admit(address(0), rate.began).unwrap();
        let refused = (1..30_000).filter(|n| rate.admit(address(*n), rate.began).is_err()).count();
        assert!(rate.counted_addresses() <= ADDRESSES_MAX);
        assert!(refused > 19_000, "strangers share one count: {refused}");
        assert!(rate.admit(address(0), rate.began).is_ok(), "who was there keeps its own");
        let later = rate.began + Duration::from_secs(120);
        assert!(rate.admit(address(50_000), later).is_ok(), "old addresses are forgotten");
        assert_eq!(rate.counted_addresses(), 1);
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_the_limit(
            limit_a_minute in 1_u32..20,
            gaps in prop::collection::vec(0_u64..9_000, 1..200),
        ) {
            let rate = limit(limit_a_minute);
            let mut now = Duration::ZERO;
            let mut passed = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if rate.admit(address(1), rate.began + now).is_ok() {
                    passed.push(now);
                }
            }
            for (i, first) in passed.iter().enumerate() {
                let within = passed[i..].iter().filter(|at| **at - *first < Duration::from_secs(60));
                prop_assert!(within.count() <= limit_a_minute as usize);
            }
        }
    }
}
