//! An agent's record of its own calls, and the confidence that follows from it.

use sapphire_engine::opinion::Direction;

use crate::rule::Strength;

/// What it costs to go in and out again, as a share of notional: twice a taker's fee of 0.04 % and
/// 0.02 % of slippage. A move no larger than this is not worth a trade.
pub const ROUND_TRIP_COST: f64 = 0.001;

/// Calls of which we remember the outcome; older ones fade (a factor of 1/e each so many).
const MEMORY: f64 = 250.0;

/// How many calls of either outcome the record is worth before its first, at one half right. With so
/// many, 30 right calls in a row make 0.75, not 1.
const PRIOR: f64 = 30.0;

/// The rule by which an opinion is judged, `from` the close that it answered and `to` the close at its
/// horizon: long is right if the price is higher, short if it is lower, flat if it moved by no more
/// than [`ROUND_TRIP_COST`].
#[must_use]
pub fn was_right(direction: Direction, from: f64, to: f64) -> bool {
    match direction {
        Direction::Long => to > from,
        Direction::Short => to < from,
        Direction::Flat => (to - from).abs() <= ROUND_TRIP_COST * from,
    }
}

/// How often something held, the past fading.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    held: f64,
    all: f64,
}

impl Tally {
    fn count(&mut self, held: bool, weight: f64, keep: f64) {
        self.held = self.held * keep + if held { weight } else { 0.0 };
        self.all = self.all * keep + weight;
    }

    /// The rate, drawn towards `prior` as if [`PRIOR`] observations had shown that.
    fn rate(&self, prior: f64) -> f64 {
        (self.held + PRIOR * prior) / (self.all + PRIOR)
    }
}

/// A bar whose horizon is still to come.
#[derive(Debug, Clone, Copy)]
struct Pending {
    price: f64,
    said: Option<(Direction, Strength)>,
}

/// The outcomes of an agent's calls, each judged by [`was_right`] once its horizon has passed, and the
/// probability that the next is right.
///
/// For long and short it is the rate of right calls of the same [`Strength`], drawn towards the rate of
/// all of them, and that towards one half; for flat the rate of right flats, drawn towards the share of
/// all bars after which the market stayed quiet. Calls made at each bar over a horizon of h overlap, so
/// each counts as 1/h of an independent one.
#[derive(Debug, Clone)]
pub struct TrackRecord {
    pending: Box<[Option<Pending>]>,
    next: usize,
    weight: f64,
    keep: f64,
    directional: Tally,
    by_strength: [Tally; 3],
    flat: Tally,
    quiet: Tally,
}

impl TrackRecord {
    /// An empty record of calls judged `horizon` bars later (at least 1; 0 is taken as 1).
    #[must_use]
    pub fn new(horizon: u32) -> Self {
        let horizon = horizon.max(1);
        let weight = 1.0 / f64::from(horizon);
        Self {
            pending: vec![None; horizon as usize].into_boxed_slice(),
            next: 0,
            weight,
            keep: 1.0 - weight / MEMORY,
            directional: Tally::default(),
            by_strength: [Tally::default(); 3],
            flat: Tally::default(),
            quiet: Tally::default(),
        }
    }

    /// After how many bars a call is judged.
    #[must_use]
    pub fn horizon(&self) -> u32 {
        u32::try_from(self.pending.len()).unwrap_or(u32::MAX)
    }

    /// Judges the call made one horizon ago by the close of the bar that has just ended. Comes first at
    /// every bar, before [`Self::claim`] or [`Self::pass`].
    #[inline]
    pub fn settle(&mut self, close: f64) {
        let Some(Some(due)) = self.pending.get(self.next).copied() else { return };
        let (weight, keep) = (self.weight, self.keep);
        self.quiet.count(was_right(Direction::Flat, due.price, close), weight, keep);
        let Some((direction, strength)) = due.said else { return };
        let right = was_right(direction, due.price, close);
        if direction == Direction::Flat {
            self.flat.count(right, weight, keep);
        } else {
            self.directional.count(right, weight, keep);
            self.by_strength[strength as usize].count(right, weight, keep);
        }
    }

    /// Enters a call at `close`, and answers the probability that it will prove right: above 0, below 1.
    #[inline]
    pub fn claim(&mut self, close: f64, direction: Direction, strength: Strength) -> f64 {
        self.enter(Pending { price: close, said: Some((direction, strength)) });
        if direction == Direction::Flat {
            self.flat.rate(self.quiet.rate(0.5))
        } else {
            self.by_strength[strength as usize].rate(self.directional.rate(0.5))
        }
    }

    /// Enters a bar at which the agent abstained.
    #[inline]
    pub fn pass(&mut self, close: f64) {
        self.enter(Pending { price: close, said: None });
    }

    fn enter(&mut self, pending: Pending) {
        if let Some(slot) = self.pending.get_mut(self.next) {
            *slot = Some(pending);
        }
        self.next += 1;
        if self.next == self.pending.len() {
            self.next = 0;
        }
    }

    /// The rate of right calls among long and short ones, `None` before the first was judged.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        (self.directional.all > 0.0).then(|| self.directional.held / self.directional.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(Direction::Long, 100.0, 100.01, true)]
    #[case(Direction::Long, 100.0, 100.0, false)]
    #[case(Direction::Short, 100.0, 99.99, true)]
    #[case(Direction::Short, 100.0, 100.0, false)]
    #[case(Direction::Flat, 100.0, 100.09, true)]
    #[case(Direction::Flat, 100.0, 99.91, true)]
    #[case(Direction::Flat, 100.0, 100.11, false)]
    #[case(Direction::Flat, 100.0, 99.8, false)]
    fn calls_are_judged_by_one_rule(
        #[case] direction: Direction,
        #[case] from: f64,
        #[case] to: f64,
        #[case] right: bool,
    ) {
        assert_eq!(was_right(direction, from, to), right);
    }

    #[test]
    fn a_call_counts_only_once_its_horizon_has_passed() {
        let mut record = TrackRecord::new(3);
        for close in [100.0, 101.0, 102.0] {
            record.settle(close);
            let confidence = record.claim(close, Direction::Long, Strength::Fair);
            assert_eq!((confidence, record.hit_rate()), (0.5, None));
        }
        record.settle(103.0);
        assert_eq!(record.hit_rate(), Some(1.0));
        assert!(record.claim(103.0, Direction::Long, Strength::Fair) > 0.5);
    }

    #[test]
    fn overlapping_calls_count_as_one() {
        let confidence = |horizon: u32, bars: u32| {
            let mut record = TrackRecord::new(horizon);
            (0..bars)
                .map(|n| {
                    let close = 100.0 + f64::from(n);
                    record.settle(close);
                    record.claim(close, Direction::Long, Strength::Fair)
                })
                .last()
        };
        let (one, ten) = (confidence(1, 31).unwrap(), confidence(10, 310).unwrap());
        assert!((one - ten).abs() < 0.01, "{one} {ten}");
    }

    #[test]
    fn each_strength_has_its_own_rate() {
        // Strong calls come true, weak ones do not.
        let mut record = TrackRecord::new(1);
        let (mut strong, mut weak) = (0.0, 0.0);
        for n in 0..400 {
            let close = if n % 2 == 0 { 100.0 } else { 101.0 };
            record.settle(close);
            if n % 2 == 0 {
                strong = record.claim(close, Direction::Long, Strength::Strong);
            } else {
                weak = record.claim(close, Direction::Long, Strength::Weak);
            }
        }
        assert!(strong > 0.75 && weak < 0.25, "{strong} {weak}");
    }

    #[test]
    fn a_flat_starts_from_how_often_the_market_is_quiet() {
        let mut record = TrackRecord::new(1);
        for n in 0..500 {
            let close = 100.0 * (1.0 + 0.01 * f64::from(n % 2));
            record.settle(close);
            record.pass(close);
        }
        let confidence = record.claim(100.0, Direction::Flat, Strength::Fair);
        assert!(confidence < 0.1, "moves of 1 % are no calm: {confidence}");
    }

    proptest! {
        /// Claims that come true with probability p get a confidence near p.
        #[test]
        fn confidence_is_calibrated(p in 0.1..0.9_f64, seed in any::<u32>()) {
            let mut state = u64::from(seed) | 1;
            let mut uniform = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                f64::from((state >> 33) as u32) / f64::from(1_u32 << 31)
            };
            let (mut record, mut close, mut confidence) = (TrackRecord::new(1), 1e6, 0.5);
            for _ in 0..2_000 {
                record.settle(close);
                confidence = record.claim(close, Direction::Long, Strength::Fair);
                close += if uniform() < p { 1.0 } else { -1.0 };
            }
            prop_assert!((confidence - p).abs() < 0.15, "{} for {}", confidence, p);
        }
    }
}
