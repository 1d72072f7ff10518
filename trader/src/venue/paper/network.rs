//! The way between us and the venue: how long a message takes.

use sapphire_engine::time::{Span, Timestamp};

use super::config::Latency;

/// Draws latencies. Its generator is SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable
/// pseudorandom number generators"), whose whole state is one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Network {
    latency: Latency,
    state: u64,
    /// When the last message of the user stream arrives: a stream keeps its order.
    stream: Timestamp,
}

impl Network {
    pub(super) const fn new(latency: Latency, seed: u64) -> Self {
        Self { latency, state: seed, stream: Timestamp(i64::MIN) }
    }

    /// When a request that leaves now reaches the venue. Requests may overtake one another.
    pub(super) fn request(&mut self, at: Timestamp) -> Timestamp {
        at + self.latency.submit + self.jitter()
    }

    /// When the answer to a request reaches us. Answers may overtake one another, and the stream.
    pub(super) fn answer(&mut self, at: Timestamp) -> Timestamp {
        at + self.latency.report + self.jitter()
    }

    /// When a message of the user stream reaches us.
    pub(super) fn push(&mut self, at: Timestamp) -> Timestamp {
        self.stream = self.answer(at).max(self.stream);
        self.stream
    }

    /// From nothing to the most, evenly. No number is drawn where there is nothing to draw.
    fn jitter(&mut self) -> Span {
        let most = self.latency.jitter.0;
        if most <= 0 {
            return Span::ZERO;
        }
        // The high half of a product is even to 2^-64; at most `most`, so it fits.
        let share = u128::from(self.next()) * (u128::from(most.unsigned_abs()) + 1);
        Span(i64::try_from(share >> 64).unwrap_or(most))
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // The first outputs for seed 1234567, as the reference implementation prints them.
        let mut network = Network::new(Latency::default(), 1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| network.next()).collect();
        assert_eq!(
            drawn,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn jitter_reaches_both_ends_and_stays_within() {
        let latency = Latency { jitter: Span(3), ..Latency::default() };
        let mut network = Network::new(latency, 1);
        let mut seen = [0; 4];
        for _ in 0..4000 {
            seen[usize::try_from(network.jitter().0).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| (900..1100).contains(&count)), "{seen:?}");
    }

    #[test]
    fn a_stream_keeps_its_order() {
        let latency = Latency { jitter: Span(1000), ..Latency::default() };
        let mut network = Network::new(latency, 7);
        let mut last = Timestamp(i64::MIN);
        for at in 0..100 {
            let due = network.push(Timestamp(at));
            assert!(due >= last && due >= Timestamp(at));
            last = due;
        }
    }
}
