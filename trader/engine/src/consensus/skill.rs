//! Skill: every opinion is judged at its horizon, traded or not, by its Brier score; skill is weight.

use crate::money::{Amount, Ratio};
use crate::opinion::Direction;

/// The Brier score of one who always says "one half": what an agent starts from.
const INDIFFERENT: Ratio = Ratio(25_000_000);
/// Weight, before normalising, of an agent that does no better than its own base rates.
const UNSKILLED: Ratio = Ratio(10_000_000);
/// The least weight before normalising, so that an agent can earn its way back.
const FLOOR: Ratio = Ratio(1_000_000);
/// Indifferent opinions that an agent starts with: its first few say little.
const PRIOR: i64 = 20;
/// Opinions that the averages remember.
const MEMORY: i64 = 200;

/// What an agent has shown.
///
/// A Brier score alone would reward caution: one who says "flat, at 6 %" and is right 6 % of the
/// time scores 0.06 and knows nothing. So beside it runs the score of a reference that says the
/// agent's own base rate each time, of long and short together and of flat; skill is the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skill {
    brier: Ratio,
    reference: Ratio,
    base_rates: [Ratio; 2],
    judged: u64,
    hits: u64,
}

impl Default for Skill {
    fn default() -> Self {
        let half = Ratio::percent(50);
        Self {
            brier: INDIFFERENT,
            reference: INDIFFERENT,
            base_rates: [half; 2],
            judged: 0,
            hits: 0,
        }
    }
}

/// Whether an opinion came true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It did.
    Right,
    /// It did not.
    Wrong,
}

impl Judged {
    /// Judges a direction by how the price moved until its horizon. Long and short are right when
    /// it moved their way at all; flat is right when it moved by no more than a round trip costs.
    #[must_use]
    pub fn new(direction: Direction, moved: i64, round_trip_cost: i64) -> Self {
        let right = match direction {
            Direction::Long => moved > 0,
            Direction::Short => moved < 0,
            Direction::Flat => moved.abs() <= round_trip_cost,
        };
        if right { Self::Right } else { Self::Wrong }
    }
}

impl Skill {
    /// Counts one opinion: the score is `(confidence − outcome)²`, averaged over the last ones.
    pub fn count(&mut self, direction: Direction, confidence: Ratio, judged: Judged) {
        let outcome = match judged {
            Judged::Right => Ratio::ONE,
            Judged::Wrong => Ratio::ZERO,
        };
        self.judged += 1;
        self.hits += u64::from(judged == Judged::Right);
        let opinions = (PRIOR + i64::try_from(self.judged).unwrap_or(MEMORY)).min(MEMORY);
        let base_rate = &mut self.base_rates[usize::from(direction == Direction::Flat)];
        let score = |said: Ratio| (said - outcome).times(said - outcome);
        average(&mut self.brier, score(confidence), opinions);
        average(&mut self.reference, score(*base_rate), opinions);
        average(base_rate, outcome, opinions);
    }

    /// The average Brier score: 0 is perfect, 0.25 says nothing.
    #[must_use]
    pub const fn brier(&self) -> Ratio {
        self.brier
    }

    /// Opinions judged.
    #[must_use]
    pub const fn judged(&self) -> u64 {
        self.judged
    }

    /// Opinions that came true.
    #[must_use]
    pub const fn hits(&self) -> u64 {
        self.hits
    }

    /// How much better it scores than its own base rates would; negative is worse.
    #[must_use]
    pub fn edge(&self) -> Ratio {
        self.reference - self.brier
    }

    /// Weight before normalising.
    fn raw_weight(&self) -> Ratio {
        (UNSKILLED + self.edge()).max(FLOOR)
    }
}

/// Moves a running average towards a value, as if `opinions` were in it.
fn average(average: &mut Ratio, value: Ratio, opinions: i64) {
    average.0 += (value.0 - average.0) / opinions;
}

/// Shares of one whole, in the order of the agents: by skill, capped at `max_weight` each. What is
/// cut off goes to the others by their shares. Where the cap leaves no way to share out the whole
/// (two agents, 40 %), all weigh the same.
pub fn weights(skills: &[Skill], max_weight: Ratio, shares: &mut Vec<Ratio>) {
    shares.clear();
    let n = skills.len();
    if n == 0 {
        return;
    }
    let equal = Ratio(Ratio::ONE.0 / i64::try_from(n).unwrap_or(i64::MAX));
    if max_weight <= equal {
        shares.resize(n, equal);
        return;
    }
    shares.resize(n, Ratio::ZERO);
    // Each pass caps at least one agent or ends: at most n passes.
    loop {
        let is_capped = |share: Ratio| share == max_weight;
        let taken: i64 = shares.iter().filter(|s| is_capped(**s)).map(|s| s.0).sum();
        let free = || skills.iter().zip(shares.iter()).filter(|(_, s)| !is_capped(**s));
        let raw: i128 = free().map(|(skill, _)| i128::from(skill.raw_weight().0)).sum();
        let left = Amount(i128::from(Ratio::ONE.0 - taken));
        let mut newly_capped = false;
        for (skill, share) in skills.iter().zip(shares.iter_mut()) {
            if is_capped(*share) || raw == 0 {
                continue;
            }
            let proportional = left.0 * i128::from(skill.raw_weight().0) / raw;
            let proportional = Ratio(i64::try_from(proportional).unwrap_or(0));
            newly_capped |= proportional >= max_weight;
            *share = proportional.min(max_weight);
        }
        if !newly_capped {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `right` opinions of every `of` came true, evenly spread.
    fn skilled(direction: Direction, confidence: i64, right: u32, of: u32) -> Skill {
        let mut skill = Skill::default();
        for i in 0..200 {
            let judged = if i % of < right { Judged::Right } else { Judged::Wrong };
            skill.count(direction, Ratio::percent(confidence), judged);
        }
        skill
    }

    fn shares(skills: &[Skill]) -> Vec<Ratio> {
        let mut shares = Vec::new();
        weights(skills, Ratio::percent(40), &mut shares);
        shares
    }

    #[test]
    fn weights_start_equal() {
        assert_eq!(shares(&[Skill::default(); 5]), [Ratio::percent(20); 5]);
    }

    #[test]
    fn the_score_is_briers() {
        let mut skill = Skill::default();
        skill.count(Direction::Long, Ratio::percent(70), Judged::Right);
        // After one opinion at 0.7 that came true: 0.25 + (0.09 − 0.25) / 21.
        assert_eq!(skill.brier(), Ratio(25_000_000 + (9_000_000 - 25_000_000) / 21));
        assert!(skill.edge() > Ratio::ZERO);
    }

    #[test]
    fn overconfidence_costs_more_than_it_earns() {
        let bold = skilled(Direction::Long, 95, 11, 20);
        let honest = skilled(Direction::Long, 55, 11, 20);
        assert!(honest.edge() > bold.edge());
        let shares = shares(&[bold, honest, Skill::default()]);
        assert!(shares[1] > shares[0]);
    }

    #[test]
    fn honest_modesty_is_no_skill() {
        // Flat, at 6 %, right 6 % of the time: a fine score, and nothing known.
        let modest = skilled(Direction::Flat, 6, 3, 50);
        assert!(modest.brier() < INDIFFERENT);
        // It said so from the start while its base rate had to be learnt: a small, passing edge.
        assert!(modest.edge() < Ratio::percent(3), "{:?}", modest.edge());
    }

    #[test]
    fn no_agent_weighs_more_than_the_cap_and_the_rest_share_the_rest() {
        // Knows which of its calls will come true.
        let mut oracle = Skill::default();
        for i in 0..200 {
            let judged = if i % 2 == 0 { Judged::Right } else { Judged::Wrong };
            let confidence = if i % 2 == 0 { 99 } else { 1 };
            oracle.count(Direction::Long, Ratio::percent(confidence), judged);
        }
        let shares = shares(&[oracle, Skill::default(), Skill::default()]);
        assert_eq!(shares, [Ratio::percent(40), Ratio::percent(30), Ratio::percent(30)]);
    }

    #[test]
    fn two_agents_cannot_be_capped_at_40_percent() {
        let skilled = skilled(Direction::Long, 90, 9, 10);
        assert_eq!(shares(&[skilled, Skill::default()]), [Ratio::percent(50); 2]);
    }

    #[test]
    fn flat_is_right_when_the_move_would_not_have_paid() {
        assert_eq!(Judged::new(Direction::Flat, 8, 8), Judged::Right);
        assert_eq!(Judged::new(Direction::Flat, -9, 8), Judged::Wrong);
        assert_eq!(Judged::new(Direction::Long, 0, 8), Judged::Wrong);
    }

    proptest! {
        #[test]
        fn shares_are_of_one_whole_and_within_the_cap(
            records in prop::collection::vec((0_i64..100, 0_u32..20), 3..12),
        ) {
            let skill = |&(confidence, right): &(i64, u32)| skilled(Direction::Long, confidence, right, 20);
            let skills: Vec<Skill> = records.iter().map(skill).collect();
            let shares = shares(&skills);
            let total: i64 = shares.iter().map(|s| s.0).sum();
            prop_assert!(shares.iter().all(|s| *s <= Ratio::percent(40)));
            // Rounding down loses at most one unit an agent.
            prop_assert!((Ratio::ONE.0 - 12..=Ratio::ONE.0).contains(&total));
        }
    }
}
