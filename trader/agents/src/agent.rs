//! What a desk talks to.

use std::fmt::Debug;

use sapphire_engine::ids::AgentId;
use sapphire_engine::money::Ratio;
use sapphire_engine::opinion::{Opinion, Reason, View};
use sapphire_engine::snapshot::Snapshot;

use crate::record::TrackRecord;
use crate::rule::{Call, Rule};

/// An answer to one snapshot: a view, and a reason for people that costs nothing until it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What the agent thinks.
    pub view: View,
    /// Why.
    pub reason: Reason,
}

impl Answer {
    /// No opinion, and why not.
    #[must_use]
    pub const fn abstain(reason: Reason) -> Self {
        Self { view: View::Abstain, reason }
    }

    /// The answer as the vote of `agent` on the bar that it answers.
    #[must_use]
    pub fn into_opinion(self, agent: AgentId, snapshot: &Snapshot<'_>) -> Opinion {
        Opinion {
            agent,
            symbol: snapshot.symbol,
            bar: snapshot.bar,
            view: self.view,
            reason: self.reason,
        }
    }
}

/// An agent on one symbol: a deterministic fold over its snapshots.
pub trait Agent: Debug + Send {
    /// Answers the next closed bar. Snapshots come in order, each bar once, all of one symbol.
    fn opine(&mut self, snapshot: &Snapshot<'_>) -> Answer;

    /// After how many bars an opinion is to be judged; at least 1.
    fn horizon(&self) -> u32;
}

/// A [`Rule`] whose confidence comes from its own record.
#[derive(Debug, Clone)]
pub struct Calibrated<R> {
    rule: R,
    record: TrackRecord,
}

impl<R: Rule> Calibrated<R> {
    /// An agent that follows `rule` and judges each of its calls `horizon` bars later (at least 1; 0
    /// is taken as 1).
    #[must_use]
    pub fn new(rule: R, horizon: u32) -> Self {
        Self { rule, record: TrackRecord::new(horizon) }
    }

    /// How its calls have fared so far.
    #[must_use]
    pub const fn record(&self) -> &TrackRecord {
        &self.record
    }
}

impl<R: Rule> Agent for Calibrated<R> {
    fn opine(&mut self, snapshot: &Snapshot<'_>) -> Answer {
        if !is_sound(snapshot) {
            return Answer::abstain(Reason::fixed(
                "the bar has a price or volume that is no number",
            ));
        }
        self.record.settle(snapshot.close);
        match self.rule.observe(snapshot) {
            Call::Abstain(reason) => {
                self.record.pass(snapshot.close);
                Answer::abstain(reason)
            }
            Call::Claim { direction, strength, reason } => {
                let confidence = self.record.claim(snapshot.close, direction, strength);
                let confidence = Ratio::from_f64(confidence);
                Answer { view: View::Opinion { direction, confidence }, reason }
            }
        }
    }

    fn horizon(&self) -> u32 {
        self.record.horizon()
    }
}

/// Whether every number that a rule may read is one. The engine checks bars before it makes snapshots
/// of them; this guards agents that are fed by anything else.
fn is_sound(snapshot: &Snapshot<'_>) -> bool {
    let price = |x: f64| x > 0.0 && x < 1e15;
    let quantity = |x: f64| (0.0..1e18).contains(&x);
    price(snapshot.low)
        && price(snapshot.high)
        && price(snapshot.open)
        && price(snapshot.close)
        && quantity(snapshot.volume)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::bar;
    use crate::rule::Strength;
    use sapphire_engine::opinion::Direction;

    /// Always long, from the first bar.
    #[derive(Debug)]
    struct Bull;
    impl Rule for Bull {
        fn observe(&mut self, _: &Snapshot<'_>) -> Call {
            Call::Claim {
                direction: Direction::Long,
                strength: Strength::Fair,
                reason: Reason::fixed("always"),
            }
        }
    }

    fn confidence(answer: &Answer) -> f64 {
        match answer.view {
            View::Opinion { confidence, .. } => confidence.to_f64(),
            View::Abstain => panic!("abstained: {}", answer.reason),
        }
    }

    #[test]
    fn confidence_starts_at_one_half_and_follows_the_record() {
        let (mut right, mut wrong) = (Calibrated::new(Bull, 1), Calibrated::new(Bull, 1));
        assert_eq!(confidence(&right.opine(&bar(0, 100.0))), 0.5);
        wrong.opine(&bar(0, 100.0));
        for n in 1..200 {
            right.opine(&bar(n, 100.0 + f64::from(n)));
            wrong.opine(&bar(n, 1000.0 - f64::from(n)));
        }
        assert!(confidence(&right.opine(&bar(200, 400.0))) > 0.8);
        assert!(confidence(&wrong.opine(&bar(200, 700.0))) < 0.2);
    }

    #[test]
    fn a_bar_that_is_no_number_is_passed_over_and_leaves_no_trace() {
        let (mut clean, mut dirty) = (Calibrated::new(Bull, 1), Calibrated::new(Bull, 1));
        for n in 0..50 {
            for bad in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
                assert_eq!(dirty.opine(&bar(n, bad)).view, View::Abstain);
            }
            let good = bar(n, 100.0 + f64::from(n % 7));
            assert_eq!(dirty.opine(&good), clean.opine(&good));
        }
    }

    #[test]
    fn an_answer_votes_on_the_bar_that_it_saw() {
        let snapshot = bar(7, 100.0);
        let opinion = Calibrated::new(Bull, 3).opine(&snapshot).into_opinion(AgentId(2), &snapshot);
        assert_eq!((opinion.agent, opinion.bar), (AgentId(2), 7));
    }
}
