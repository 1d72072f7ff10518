//! Bulk classification of volume: how much of a bar was bought, from its price change alone.

use super::{IndicatorError, RollingMoments, checked_period, is_input};

/// The standard normal distribution function Φ, 0 to 1; through `erfc`, which keeps the tails exact.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The share of a bar's volume that buyers started, 0 to 1: `Φ(ΔP / σ)`, ΔP the change of price over
/// the bar and σ the standard deviation (divisor n) of the last n changes, this one included. First
/// defined at index n.
///
/// Where nothing moved in the whole window σ is 0 and the share is one half.
///
/// Source: D. Easley, M. López de Prado, M. O'Hara, *Flow Toxicity and Liquidity in a High-Frequency
/// World*, Review of Financial Studies 25(5), 2012. They take σ over the whole sample; a desk may only
/// know the past, hence the window.
#[derive(Debug, Clone)]
pub struct BulkVolume {
    changes: RollingMoments,
    last: Option<f64>,
}

impl BulkVolume {
    /// Classification against the spread of the last `period` changes, 2 to
    /// [`super::LONGEST_PERIOD`].
    ///
    /// # Errors
    /// [`IndicatorError::Period`] for any other.
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        let period = checked_period("bulk volume classification", "period", period, 2)?;
        Ok(Self { changes: RollingMoments::new(period)?, last: None })
    }

    /// Takes the next price in and answers the bought share of the volume since the last one, or
    /// `None` while not ready or for an input that is no number.
    #[inline]
    pub fn update(&mut self, price: f64) -> Option<f64> {
        if !is_input(price) {
            return None;
        }
        let change = price - self.last.replace(price)?;
        self.changes.update(change);
        let deviation = self.changes.deviation()?;
        Some(if deviation > 0.0 {
            normal_cdf(change / deviation)
        } else if change > 0.0 {
            1.0
        } else if change < 0.0 {
            0.0
        } else {
            0.5
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    // Φ to 15 digits: Abramowitz and Stegun, table 26.1.
    #[rstest]
    #[case(0.0, 0.5)]
    #[case(1.0, 0.841_344_746_068_543)]
    #[case(-1.0, 0.158_655_253_931_457)]
    #[case(2.0, 0.977_249_868_051_821)]
    fn phi_agrees_with_the_table(#[case] x: f64, #[case] phi: f64) {
        assert!((normal_cdf(x) - phi).abs() < 1e-15);
    }

    #[test]
    fn a_flat_market_is_bought_and_sold_in_halves() {
        let mut bulk = BulkVolume::new(2).unwrap();
        assert_eq!([5.0; 4].map(|p| bulk.update(p)), [None, None, Some(0.5), Some(0.5)]);
    }

    #[test]
    fn a_change_of_one_deviation_is_bought_to_84_percent() {
        // Changes +1 and −1: their deviation is 1.
        let mut bulk = BulkVolume::new(2).unwrap();
        let got = [10.0, 9.0, 10.0].map(|p| bulk.update(p));
        assert!((got[2].unwrap() - normal_cdf(1.0)).abs() < 1e-15);
        assert_eq!((got[0], got[1]), (None, None));
    }

    #[test]
    fn a_period_of_one_is_refused() {
        assert!(matches!(
            BulkVolume::new(1),
            Err(IndicatorError::Period { given: 1, least: 2, .. })
        ));
    }

    proptest! {
        #[test]
        fn the_share_stays_between_nothing_and_all(prices in prop::collection::vec(any::<f64>(), 0..60)) {
            let mut bulk = BulkVolume::new(3).unwrap();
            for price in prices {
                if let Some(share) = bulk.update(price) {
                    prop_assert!((0.0..=1.0).contains(&share), "{}", share);
                }
            }
        }
    }
}
