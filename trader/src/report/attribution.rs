//! Whose gain it was.
//!
//! A closed trade's gain goes to the agents that agreed on the decision that opened it, each by its
//! weight in that round; a delegated agent's is all its own. Agents that dissented or abstained get
//! nothing, good or bad. The shares sum to the gain exactly: what rounding leaves goes, a unit each,
//! to the agents with the largest weights.

use std::collections::BTreeMap;

use sapphire_engine::ids::AgentId;
use sapphire_engine::money::Amount;

use super::ledger::{Share, Trade};

/// What trades brought to one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Credit {
    /// Trades that it agreed on.
    pub trades: u64,
    /// Of them, with a gain.
    pub wins: u64,
    /// Its share of their gains.
    pub gain: Amount,
}

/// Credits by agent; under `None` what no agent decided.
pub(super) fn by_voter<'a>(
    trades: impl Iterator<Item = &'a Trade>,
) -> BTreeMap<Option<AgentId>, Credit> {
    let mut credits: BTreeMap<Option<AgentId>, Credit> = BTreeMap::new();
    for trade in trades {
        let net = trade.net();
        for (agent, gain) in divide(net, &trade.backers) {
            let credit = credits.entry(agent).or_default();
            credit.trades += 1;
            credit.wins += u64::from(net > Amount::ZERO);
            credit.gain += gain;
        }
    }
    credits
}

/// Divides a gain by weight; agents of no weight at all share equally.
fn divide(gain: Amount, backers: &[Share]) -> Vec<(Option<AgentId>, Amount)> {
    if backers.is_empty() {
        return vec![(None, gain)];
    }
    let total: i128 = backers.iter().map(|(_, weight)| i128::from(weight.0)).sum();
    let weights: Vec<(AgentId, i128)> = match total {
        0 => backers.iter().map(|(agent, _)| (*agent, 1)).collect(),
        _ => backers.iter().map(|(agent, weight)| (*agent, i128::from(weight.0))).collect(),
    };
    let total: i128 = weights.iter().map(|(_, weight)| weight).sum();
    let share = |weight: i128| gain.0 * weight / total;
    let mut left = gain.0 - weights.iter().map(|(_, weight)| share(*weight)).sum::<i128>();
    let mut largest_first = weights;
    largest_first.sort_by_key(|(agent, weight)| (std::cmp::Reverse(*weight), *agent));
    let shares = largest_first.into_iter().map(|(agent, weight)| {
        let extra = left.signum();
        left -= extra;
        (Some(agent), Amount(share(weight) + extra))
    });
    shares.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sapphire_engine::money::Ratio;

    const fn share(agent: u16, percent: i64) -> Share {
        (AgentId(agent), Ratio::percent(percent))
    }

    #[test]
    fn a_gain_is_divided_by_weight() {
        let shares = divide(Amount(-100), &[share(0, 20), share(2, 60)]);
        assert_eq!(shares, [(Some(AgentId(2)), Amount(-75)), (Some(AgentId(0)), Amount(-25))]);
    }

    #[test]
    fn what_nobody_decided_is_nobodys() {
        assert_eq!(divide(Amount(5), &[]), [(None, Amount(5))]);
    }

    #[test]
    fn agents_without_weight_share_equally() {
        let shares = divide(Amount(3), &[share(0, 0), share(1, 0)]);
        assert_eq!(shares, [(Some(AgentId(0)), Amount(2)), (Some(AgentId(1)), Amount(1))]);
    }

    proptest! {
        #[test]
        fn the_shares_sum_to_the_gain(
            gain in -10i128.pow(20)..10i128.pow(20),
            weights in prop::collection::vec(0..=100_000_000_i64, 1..8),
        ) {
            let backers: Vec<Share> = (0..).zip(&weights).map(|(n, w)| (AgentId(n), Ratio(*w))).collect();
            let shares = divide(Amount(gain), &backers);
            prop_assert_eq!(shares.iter().map(|(_, gain)| *gain).sum::<Amount>(), Amount(gain));
            prop_assert_eq!(shares.len(), weights.len());
        }
    }
}
