//! Volume-synchronised probability of informed trading.

use super::{IndicatorError, Sma, checked_period, checked_positive, is_input};

/// Who started a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggressor {
    /// A buyer took an ask.
    Buyer,
    /// A seller hit a bid.
    Seller,
}

/// VPIN, 0 to 1: the mean over the last n buckets of `|V_buy − V_sell| / V`, each bucket holding the
/// same volume V. First defined when n buckets are full; moves only when one fills.
///
/// Volume is split into buckets exactly: a trade that overfills one fills it and goes on in the next.
/// It is classified by the venue's aggressor flag ([`Vpin::trade`], exact) or in bulk
/// ([`Vpin::bulk`] with [`super::BulkVolume`]).
///
/// Source: Easley, López de Prado, O'Hara (2012), as in [`super::BulkVolume`].
#[derive(Debug, Clone)]
pub struct Vpin {
    bucket: f64,
    buckets: usize,
    imbalances: Sma,
    leans: Sma,
    /// Volume in the open bucket, `0..bucket`.
    filled: f64,
    /// Bought less sold volume in the open bucket.
    signed: f64,
}

impl Vpin {
    /// Buckets of `bucket` volume each (above 0, in the unit of the volumes given later), the mean
    /// over `buckets` of them, 1 to [`super::LONGEST_PERIOD`]. The paper's V is a fiftieth of a day's
    /// volume, its n is 50.
    ///
    /// # Errors
    /// [`IndicatorError::NotPositive`] or [`IndicatorError::Period`] for any other.
    pub fn new(bucket: f64, buckets: usize) -> Result<Self, IndicatorError> {
        let bucket = checked_positive("VPIN", "bucket volume", bucket)?;
        let buckets = checked_period("VPIN", "buckets", buckets, 1)?;
        Ok(Self {
            bucket,
            buckets,
            imbalances: Sma::new(buckets)?,
            leans: Sma::new(buckets)?,
            filled: 0.0,
            signed: 0.0,
        })
    }

    /// Takes a trade in and answers VPIN, or `None` while not ready or for a volume that is no number
    /// or below zero.
    #[inline]
    pub fn trade(&mut self, volume: f64, aggressor: Aggressor) -> Option<f64> {
        let bought = match aggressor {
            Aggressor::Buyer => 1.0,
            Aggressor::Seller => 0.0,
        };
        self.bulk(volume, bought)
    }

    /// Takes a volume in of which the share `bought` (0 to 1) was started by buyers, spread evenly,
    /// and answers VPIN; `None` while not ready or for an input out of range.
    #[inline]
    pub fn bulk(&mut self, volume: f64, bought: f64) -> Option<f64> {
        if !(is_input(volume) && volume >= 0.0 && (0.0..=1.0).contains(&bought)) {
            return None;
        }
        let lean = 2.0 * bought - 1.0;
        let room = self.bucket - self.filled;
        if volume < room {
            self.filled += volume;
            self.signed += volume * lean;
        } else {
            self.close(volume - room, room, lean);
        }
        self.value()
    }

    /// Fills the open bucket with its last `room` and spreads what is `left` over the next ones.
    fn close(&mut self, left: f64, room: f64, lean: f64) {
        self.push((self.signed + room * lean) / self.bucket);
        // Whole buckets of one trade are all alike, and only the last n can still be seen: at most n
        // steps, however large the trade.
        let whole = libm::floor(left / self.bucket);
        let mut alike = self.buckets;
        while alike > 0 && whole >= super::count(self.buckets - alike + 1) {
            self.push(lean);
            alike -= 1;
        }
        // The remainder of a division is exact; a subtraction of whole buckets is not.
        self.filled = libm::fmod(left, self.bucket);
        self.signed = self.filled * lean;
    }

    /// A full bucket's `(V_buy − V_sell) / V`.
    fn push(&mut self, lean: f64) {
        let lean = lean.clamp(-1.0, 1.0);
        self.imbalances.update(lean.abs());
        self.leans.update(lean);
    }

    /// VPIN as of the last full bucket, `None` while not ready.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        // A running mean of shares may stray beyond its ends by a rounding.
        self.imbalances.value().map(|mean| mean.clamp(0.0, 1.0))
    }

    /// Which side the imbalance is on: the mean over the last n buckets of `(V_buy − V_sell) / V`, −1
    /// (all sold) to 1 (all bought); `None` while not ready. VPIN itself has no sign.
    #[inline]
    #[must_use]
    pub fn lean(&self) -> Option<f64> {
        self.leans.value().map(|mean| mean.clamp(-1.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, 50, "VPIN: bucket volume is 0; use a number above 0 and at most 1e100")]
    #[case(f64::NAN, 50, "VPIN: bucket volume is NaN; use a number above 0 and at most 1e100")]
    #[case(1.0, 0, "VPIN: buckets is 0; use a whole number from 1 to 100000")]
    fn bad_parameters_are_refused_by_name(
        #[case] volume: f64,
        #[case] buckets: usize,
        #[case] says: &str,
    ) {
        assert_eq!(Vpin::new(volume, buckets).unwrap_err().to_string(), says);
    }

    #[test]
    fn one_sided_flow_is_toxic_and_balanced_flow_is_not() {
        let mut one_sided = Vpin::new(10.0, 2).unwrap();
        let mut balanced = Vpin::new(10.0, 2).unwrap();
        for _ in 0..8 {
            one_sided.trade(5.0, Aggressor::Seller);
            balanced.trade(5.0, Aggressor::Buyer);
            balanced.trade(5.0, Aggressor::Seller);
        }
        assert_eq!(one_sided.value(), Some(1.0));
        assert_eq!(balanced.value(), Some(0.0));
        assert_eq!((one_sided.lean(), balanced.lean()), (Some(-1.0), Some(0.0)));
    }

    #[test]
    fn a_trade_that_overfills_a_bucket_is_split() {
        let mut vpin = Vpin::new(10.0, 1).unwrap();
        assert_eq!(vpin.trade(6.0, Aggressor::Buyer), None);
        // 4 of 7 close the first bucket: |6 − 4| / 10; 3 stay, sold.
        assert_eq!(vpin.trade(7.0, Aggressor::Seller), Some(0.2));
        // 7 bought against 3 sold.
        assert_eq!(vpin.trade(7.0, Aggressor::Buyer), Some(0.4));
    }

    #[test]
    fn a_trade_of_many_buckets_costs_no_more_than_the_window() {
        let mut vpin = Vpin::new(1e-8, 50).unwrap();
        assert_eq!(vpin.trade(1e90, Aggressor::Buyer), Some(1.0));
    }

    #[rstest]
    #[case(f64::NAN, 0.5)]
    #[case(-1.0, 0.5)]
    #[case(1.0, f64::NAN)]
    #[case(1.0, 1.5)]
    fn what_is_out_of_range_changes_nothing(#[case] volume: f64, #[case] bought: f64) {
        let mut vpin = Vpin::new(2.0, 1).unwrap();
        vpin.bulk(1.0, 1.0);
        assert_eq!(vpin.bulk(volume, bought), None);
        assert_eq!(vpin.bulk(1.0, 1.0), Some(1.0));
    }

    /// The definition, one unit of volume at a time.
    fn by_definition(trades: &[(u32, bool)], bucket: usize, buckets: usize) -> Option<f64> {
        let units: Vec<f64> = trades
            .iter()
            .flat_map(|&(volume, bought)| {
                std::iter::repeat_n(if bought { 1.0 } else { -1.0 }, volume as usize)
            })
            .collect();
        let shares: Vec<f64> = units
            .chunks_exact(bucket)
            .map(|units| units.iter().sum::<f64>().abs() / super::super::count(bucket))
            .collect();
        let last = shares.len().checked_sub(buckets).map(|first| &shares[first..])?;
        Some(last.iter().sum::<f64>() / super::super::count(buckets))
    }

    proptest! {
        #[test]
        fn equals_its_definition(
            trades in prop::collection::vec((0_u32..40, any::<bool>()), 0..60),
            bucket in 1_u32..20,
            buckets in 1_usize..10,
        ) {
            let mut vpin = Vpin::new(f64::from(bucket), buckets).unwrap();
            for &(volume, bought) in &trades {
                vpin.trade(volume.into(), if bought { Aggressor::Buyer } else { Aggressor::Seller });
            }
            match (vpin.value(), by_definition(&trades, bucket as usize, buckets)) {
                (Some(got), Some(expected)) => prop_assert!((got - expected).abs() < 1e-12),
                (got, expected) => prop_assert_eq!(got, expected),
            }
        }

        #[test]
        fn stays_between_0_and_1(volumes in prop::collection::vec((any::<f64>(), 0.0..=1.0_f64), 0..100)) {
            let mut vpin = Vpin::new(1.0, 3).unwrap();
            for (volume, bought) in volumes {
                if let Some(value) = vpin.bulk(volume, bought) {
                    prop_assert!((0.0..=1.0).contains(&value), "{}", value);
                    prop_assert!(vpin.lean().unwrap().abs() <= value + 1e-12);
                }
            }
        }
    }
}
