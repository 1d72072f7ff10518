//! The last rounds and what came of them, as the page shows them.

use std::collections::VecDeque;

use sapphire_engine::instrument::Instrument;
use sapphire_engine::journal::{DecisionRecord, IntentRecord, RoundRecord, Vote};
use sapphire_engine::opinion::View;
use sapphire_engine::order::Purpose;
use sapphire_engine::time::Timestamp;

use crate::api::view;

/// As many as readers may ask for.
const KEPT: usize = 200;

/// The last rounds, the newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Rounds(VecDeque<view::Round>);

impl Rounds {
    pub(super) fn shown(&self) -> view::Decisions {
        view::Decisions { rounds: self.0.iter().cloned().collect() }
    }

    pub(super) fn round(
        &mut self,
        at: Timestamp,
        round: &RoundRecord,
        instrument: &Instrument,
        agents: &[String],
    ) {
        let cast = round.votes.iter().filter(|vote| direction(vote).is_some()).count();
        let shown = view::Round {
            id: round.id.to_string(),
            symbol: instrument.symbol.to_string(),
            closed_at: at.into(),
            outcome: round.outcome.into(),
            approval: round.approval.map(Into::into),
            agreeing: round.agreeing,
            cast: u32::try_from(cast).unwrap_or(u32::MAX),
            reason: reason(round),
            votes: round.votes.iter().map(|vote| shown_vote(vote, round, agents)).collect(),
            decision: None,
        };
        self.0.push_front(shown);
        self.0.truncate(KEPT);
    }

    pub(super) fn decision(&mut self, decision: &DecisionRecord) {
        let Some(id) = decision.round.map(|round| round.to_string()) else {
            return;
        };
        if let Some(round) = self.0.iter_mut().find(|round| round.id == id) {
            round.decision = Some(view::Decision {
                id: decision.id.to_string(),
                action: decision.action.into(),
                side: None,
                quantity: None,
                bound_by: None,
                verdict: None,
                denials: Vec::new(),
            });
        }
    }

    pub(super) fn intent(&mut self, intent: &IntentRecord, instrument: &Instrument) {
        // Protective orders carry their entry's decision; they are no verdict on it.
        let request = &intent.request;
        if !matches!(request.purpose, Purpose::Entry | Purpose::Exit) {
            return;
        }
        let Some(id) = request.decision.map(|decision| decision.to_string()) else {
            return;
        };
        let decision =
            |round: &mut view::Round| round.decision.take_if(|decision| decision.id == id);
        let found = self.0.iter_mut().find_map(|round| decision(round).map(|d| (round, d)));
        if let Some((round, mut decision)) = found {
            decision.side = Some(request.side.into());
            decision.quantity = Some(instrument.quantity(request.quantity).into());
            decision.bound_by = Some(format!("{:?}", intent.verdict.bound));
            decision.verdict = Some((&intent.verdict).into());
            decision.denials = intent.verdict.denials().map(Into::into).collect();
            round.decision = Some(decision);
        }
    }
}

fn direction(vote: &Vote) -> Option<sapphire_engine::opinion::Direction> {
    match vote.view {
        Some(View::Opinion { direction, .. }) => Some(direction),
        _ => None,
    }
}

fn shown_vote(vote: &Vote, round: &RoundRecord, agents: &[String]) -> view::Vote {
    let said = direction(vote);
    let confidence = match vote.view {
        Some(View::Opinion { confidence, .. }) => Some(confidence.into()),
        _ => None,
    };
    view::Vote {
        agent: agents.get(usize::from(vote.agent.0)).cloned().unwrap_or_default(),
        direction: said.map(Into::into),
        confidence,
        weight: vote.weight.into(),
        abstained: matches!(vote.view, Some(View::Abstain)),
        late: vote.view.is_none(),
        dissent: said.is_some() && round.outcome.is_some() && said != round.outcome,
        reason: vote.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn reason(round: &RoundRecord) -> String {
    let waited = if round.timed_out { "; its time was up" } else { "" };
    match (round.outcome, round.approval) {
        (Some(_), Some(approval)) => {
            format!("{} agree, with {approval} of the weight cast{waited}", round.agreeing)
        }
        (None, Some(approval)) => {
            format!(
                "not enough: {} agree, with {approval} of the weight cast{waited}",
                round.agreeing
            )
        }
        _ => format!("nobody voted{waited}"),
    }
}
