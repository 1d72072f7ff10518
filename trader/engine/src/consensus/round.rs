//! A round: one bar of one symbol, one vote an agent.

use crate::config::ConsensusConfig;
use crate::ids::{AgentId, RoundId};
use crate::instrument::SymbolId;
use crate::journal::Vote;
use crate::money::Ratio;
use crate::opinion::{Direction, Opinion, View};
use crate::time::Timestamp;

/// A round that waits for answers.
#[derive(Debug, Clone)]
pub struct Round {
    /// Its number.
    pub id: RoundId,
    /// The symbol.
    pub symbol: SymbolId,
    /// The bar that it is about.
    pub bar: u64,
    /// When it opened.
    pub opened: Timestamp,
    votes: Vec<Vote>,
    missing: usize,
}

impl Round {
    /// Opens a round among registered agents, each with its weight.
    #[must_use]
    pub fn open(
        id: RoundId,
        symbol: SymbolId,
        bar: u64,
        opened: Timestamp,
        voters: impl Iterator<Item = (AgentId, Ratio)>,
    ) -> Self {
        let vote = |(agent, weight)| Vote { agent, weight, view: None, reason: None };
        let votes: Vec<Vote> = voters.map(vote).collect();
        let missing = votes.len();
        Self { id, symbol, bar, opened, votes, missing }
    }

    /// Takes a vote. The first of an agent counts; one from an agent that is not registered, for
    /// another bar, or a second one, does not, and the answer is `false`.
    pub fn take(&mut self, opinion: &Opinion) -> bool {
        if opinion.bar != self.bar {
            return false;
        }
        let Some(vote) = self.votes.iter_mut().find(|vote| vote.agent == opinion.agent) else {
            return false;
        };
        if vote.view.is_some() {
            return false;
        }
        vote.view = Some(opinion.view.clone());
        vote.reason = Some(opinion.reason.clone());
        self.missing -= 1;
        true
    }

    /// Takes an agent out, its vote too if it gave one.
    pub fn withdraw(&mut self, agent: AgentId) {
        self.votes.retain(|vote| vote.agent != agent);
        self.missing = self.votes.iter().filter(|vote| vote.view.is_none()).count();
    }

    /// Whether everybody has answered.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.missing == 0
    }

    /// The votes so far.
    #[must_use]
    pub fn votes(&self) -> &[Vote] {
        &self.votes
    }

    /// Ends it.
    #[must_use]
    pub fn into_votes(self) -> Vec<Vote> {
        self.votes
    }
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The direction that won; `None` is hold.
    pub direction: Option<Direction>,
    /// The leading direction's share of the weight cast; `None` when none was cast.
    pub approval: Option<Ratio>,
    /// How many agreed on the leading direction.
    pub agreeing: u32,
}

/// A direction wins when at least `min_agents` agree on it and hold `approval` of the weight cast.
/// Abstentions and silence are not cast. `approval` above one half leaves no room for two winners;
/// on equal weight the leader is the first of long, short and flat, and does not win.
#[must_use]
pub fn decide(votes: &[Vote], config: &ConsensusConfig) -> Outcome {
    let mut sides =
        [(Direction::Long, 0_i64, 0_u32), (Direction::Short, 0, 0), (Direction::Flat, 0, 0)];
    for vote in votes {
        if let Some(View::Opinion { direction, .. }) = vote.view {
            let side = &mut sides[direction as usize];
            side.1 += vote.weight.0;
            side.2 += 1;
        }
    }
    let cast: i64 = sides.iter().map(|side| side.1).sum();
    let [first, second, third] = sides;
    let leader = [second, third].into_iter().fold(first, |a, b| if b.1 > a.1 { b } else { a });
    let (direction, weight, agreeing) = leader;
    if cast == 0 {
        return Outcome { direction: None, approval: None, agreeing: 0 };
    }
    // Exact: weight / cast ≥ approval, without the division.
    let needed = i128::from(cast) * i128::from(config.approval.0);
    let held = i128::from(weight) * i128::from(Ratio::ONE.0);
    let alone = sides.iter().filter(|side| side.1 == weight).count() == 1;
    let wins = agreeing >= config.min_agents && held >= needed && alone;
    let approval = i64::try_from(held / i128::from(cast)).ok().map(Ratio);
    Outcome { direction: wins.then_some(direction), approval, agreeing }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::opinion::Reason;
    use crate::time::Span;

    fn config() -> ConsensusConfig {
        ConsensusConfig {
            min_agents: 3,
            approval: Ratio::percent(67),
            timeout: Span::secs(30),
            max_weight: Ratio::percent(40),
        }
    }

    fn votes(cast: &[(char, i64)]) -> Vec<Vote> {
        let view = |direction| Some(View::Opinion { direction, confidence: Ratio::percent(60) });
        let vote = |(i, &(side, weight)): (usize, &(char, i64))| Vote {
            agent: AgentId(u16::try_from(i).unwrap()),
            weight: Ratio::percent(weight),
            view: match side {
                'L' => view(Direction::Long),
                'S' => view(Direction::Short),
                'F' => view(Direction::Flat),
                'A' => Some(View::Abstain),
                _ => None,
            },
            reason: None,
        };
        cast.iter().enumerate().map(vote).collect()
    }

    #[rstest]
    #[case::two_agree_are_too_few(&[('L', 20), ('L', 20), ('A', 20)], None)]
    #[case::three_equal_votes_must_be_unanimous(&[('L', 33), ('L', 33), ('S', 33)], None)]
    #[case::three_of_three(&[('L', 33), ('L', 33), ('L', 33)], Some(Direction::Long))]
    #[case::three_of_five(&[('L', 20), ('L', 20), ('L', 20), ('S', 20), ('S', 20)], None)]
    #[case::four_of_five(&[('S', 20), ('S', 20), ('S', 20), ('S', 20), ('L', 20)], Some(Direction::Short))]
    #[case::exactly_67_percent(&[('L', 27), ('L', 20), ('L', 20), ('S', 33)], Some(Direction::Long))]
    #[case::just_below(&[('L', 26), ('L', 20), ('L', 20), ('S', 34)], None)]
    #[case::a_tie(&[('L', 25), ('L', 25), ('S', 25), ('S', 25)], None)]
    #[case::nobody_voted(&[('-', 50), ('A', 50)], None)]
    #[case::abstentions_count_on_neither_side(&[('F', 20), ('F', 20), ('F', 20), ('A', 20), ('A', 20)], Some(Direction::Flat))]
    #[case::silence_counts_on_neither_side(&[('L', 20), ('L', 20), ('L', 20), ('-', 40)], Some(Direction::Long))]
    #[case::weight_without_heads_is_not_enough(&[('L', 40), ('L', 40), ('S', 20)], None)]
    fn a_direction_wins_by_heads_and_by_weight(
        #[case] cast: &[(char, i64)],
        #[case] winner: Option<Direction>,
    ) {
        assert_eq!(decide(&votes(cast), &config()).direction, winner);
    }

    #[test]
    fn a_tie_never_wins_even_where_a_tie_would_be_approved() {
        let half = ConsensusConfig { approval: Ratio::percent(50), min_agents: 1, ..config() };
        assert_eq!(decide(&votes(&[('L', 50), ('S', 50)]), &half).direction, None);
    }

    #[test]
    fn the_first_vote_of_an_agent_counts_and_a_late_or_foreign_one_does_not() {
        let voters = (0..2).map(|i| (AgentId(i), Ratio::percent(50)));
        let mut round = Round::open(RoundId(1), SymbolId(0), 7, Timestamp(0), voters);
        let opinion = |agent, bar, direction| Opinion {
            agent: AgentId(agent),
            symbol: SymbolId(0),
            bar,
            view: View::Opinion { direction, confidence: Ratio::percent(60) },
            reason: Reason::fixed("test"),
        };
        assert!(!round.take(&opinion(0, 6, Direction::Long)), "another bar's");
        assert!(!round.take(&opinion(9, 7, Direction::Long)), "not registered");
        assert!(round.take(&opinion(0, 7, Direction::Long)));
        assert!(!round.take(&opinion(0, 7, Direction::Short)), "a second one");
        assert!(!round.is_complete());
        assert!(round.take(&opinion(1, 7, Direction::Short)));
        assert!(round.is_complete());
    }
}
