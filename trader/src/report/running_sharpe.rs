//! The Sharpe ratio of returns that come one by one, without a look back.

use super::curve::DAYS;

/// Daily returns, summed up as they come: B. P. Welford, *Note on a method for calculating corrected
/// sums of squares and products*, Technometrics, 1962.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RunningSharpe {
    count: f64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
    first: Option<f64>,
    varies: bool,
}

impl RunningSharpe {
    /// Takes the next day's return.
    pub(super) fn take(&mut self, value: f64) {
        let first = *self.first.get_or_insert(value);
        self.varies |= first.to_bits() != value.to_bits();
        self.count += 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (value - self.mean);
    }

    /// As [`sapphire_engine::indicators::sharpe`] of all of them; `None` where that has no answer.
    pub(super) fn value(&self) -> Option<f64> {
        let deviation = (self.squares / (self.count - 1.0)).sqrt();
        let ratio = self.mean / deviation * DAYS.sqrt();
        (self.varies && ratio.is_finite()).then_some(ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sapphire_engine::indicators::sharpe;

    fn one_by_one(returns: &[f64]) -> Option<f64> {
        let mut running = RunningSharpe::default();
        returns.iter().for_each(|value| running.take(*value));
        running.value()
    }

    proptest! {
        #[test]
        fn one_by_one_and_all_at_once_agree(
            returns in prop::collection::vec((-900..900_i32).prop_map(|r| f64::from(r) / 1e4), 0..60),
        ) {
            match (one_by_one(&returns), sharpe(&returns, DAYS)) {
                (Some(one), Some(all)) => {
                    prop_assert!((one - all).abs() <= 1e-9 * all.abs().max(1.0), "{one} and {all}");
                }
                (one, all) => prop_assert_eq!(one, all),
            }
        }
    }

    #[test]
    fn where_there_is_no_answer_there_is_none_from_there_on() {
        for returns in [&[][..], &[0.1], &[0.1, 0.1, 0.1], &[0.1, f64::INFINITY, 0.2, 0.3]] {
            assert_eq!(one_by_one(returns), None, "{returns:?}");
            assert_eq!(sharpe(returns, DAYS), None, "{returns:?}");
        }
    }
}
