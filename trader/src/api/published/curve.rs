//! The equity curve of a run of any length in bounded memory.

use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::time::Timestamp;

use crate::api::view;

/// Points that a curve keeps, and the most that can be asked for.
pub const CURVE_POINTS_MAX: usize = 4096;

/// One point of the equity curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurvePoint {
    /// When.
    pub at: Timestamp,
    /// Marked equity.
    pub equity: Amount,
    /// Fall from the high-water mark, as a share of it.
    pub drawdown: Ratio,
    /// What the initial balance would be worth, had it bought and held.
    pub buy_and_hold: Amount,
}

impl From<&CurvePoint> for view::EquityPoint {
    fn from(point: &CurvePoint) -> Self {
        Self {
            t: point.at.into(),
            equity: point.equity.into(),
            drawdown: point.drawdown.into(),
            buy_and_hold: point.buy_and_hold.into(),
        }
    }
}

/// Every n-th point since the start, and the newest. When it is full it forgets every second point
/// and takes every 2n-th from then on, so that it always spans the whole run evenly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Curve {
    points: Vec<CurvePoint>,
    newest: Option<CurvePoint>,
    seen: u64,
    stride: u64,
}

impl Default for Curve {
    fn default() -> Self {
        Self { points: Vec::new(), newest: None, seen: 0, stride: 1 }
    }
}

impl Curve {
    /// Takes the next point.
    pub fn push(&mut self, point: CurvePoint) {
        if self.seen.is_multiple_of(self.stride) {
            if self.points.len() == CURVE_POINTS_MAX - 1 {
                self.thin_out();
            }
            if self.seen.is_multiple_of(self.stride) {
                self.points.push(point);
            }
        }
        self.seen += 1;
        self.newest = Some(point);
    }

    fn thin_out(&mut self) {
        let mut even = false;
        self.points.retain(|_| {
            even = !even;
            even
        });
        self.stride *= 2;
    }

    /// The newest point.
    #[must_use]
    pub const fn newest(&self) -> Option<&CurvePoint> {
        self.newest.as_ref()
    }

    /// Points taken so far, forgotten ones included.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// At most `limit` points (at least 2), evenly spread, the first and the newest among them.
    #[must_use]
    pub fn evenly(&self, limit: usize) -> Vec<&CurvePoint> {
        let beyond = self.newest.as_ref().filter(|newest| self.points.last() != Some(newest));
        let all: Vec<_> = self.points.iter().chain(beyond).collect();
        let limit = limit.max(2);
        if all.len() <= limit {
            return all;
        }
        (0..limit).map(|i| all[i * (all.len() - 1) / (limit - 1)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(number: i64) -> CurvePoint {
        CurvePoint {
            at: Timestamp(number),
            equity: Amount::whole(number),
            drawdown: Ratio::ZERO,
            buy_and_hold: Amount::ZERO,
        }
    }

    fn curve(length: i64) -> Curve {
        let mut curve = Curve::default();
        (0..length).for_each(|number| curve.push(point(number)));
        curve
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_curve_is_bounded_ordered_and_spans_the_run(length in 1_i64..40_000, limit in 2_usize..5000) {
            let curve = curve(length);
            prop_assert!(curve.points.len() < CURVE_POINTS_MAX);
            let shown = curve.evenly(limit);
            prop_assert!(shown.len() <= limit.min(CURVE_POINTS_MAX));
            prop_assert_eq!(shown[0].at, Timestamp(0));
            prop_assert_eq!(shown[shown.len() - 1].at, Timestamp(length - 1));
            prop_assert!(shown.windows(2).all(|pair| pair[0].at < pair[1].at));
        }

        #[test]
        fn what_is_kept_is_evenly_spaced(length in 1_i64..40_000) {
            let curve = curve(length);
            let gaps_equal = curve
                .points
                .windows(2)
                .all(|pair| (pair[1].at - pair[0].at).0 as u64 == curve.stride);
            prop_assert!(gaps_equal);
        }
    }

    #[test]
    fn a_short_curve_is_told_whole() {
        assert_eq!(curve(3).evenly(500).len(), 3);
        assert!(curve(0).evenly(500).is_empty());
    }
}
