//! The last rounds of consensus, and what came of them.

use std::collections::VecDeque;

use sapphire_engine::config::EngineConfig;
use sapphire_engine::ids::DecisionId;
use sapphire_engine::journal::{
    DecisionAction, DecisionRecord, IntentRecord, Record, RoundRecord, Vote,
};
use sapphire_engine::opinion::{Direction, View};
use sapphire_engine::order::{Purpose, Side};
use sapphire_engine::time::Timestamp;

use crate::api::view;

/// Rounds that are shown.
const KEPT: usize = 200;

/// The last rounds; a delegated agent's decision stands as a round of its own.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// The oldest first.
    kept: VecDeque<(Option<DecisionId>, view::Round)>,
}

impl Rounds {
    pub(super) fn newest_first(&self) -> view::Decisions {
        view::Decisions { rounds: self.kept.iter().rev().map(|(_, round)| round.clone()).collect() }
    }

    pub(super) fn take(&mut self, at: Timestamp, record: &Record, config: &EngineConfig) {
        match record {
            Record::Round(round) => self.push(None, told_round(at, round, config)),
            Record::Decision(decision) => self.take_decision(at, decision, config),
            Record::Intent(intent) => self.take_intent(intent, config),
            _ => {}
        }
    }

    fn push(&mut self, decision: Option<DecisionId>, round: view::Round) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((decision, round));
    }

    fn take_decision(&mut self, at: Timestamp, decision: &DecisionRecord, config: &EngineConfig) {
        let told = view::Decision {
            id: decision.id.to_string(),
            action: decision.action.into(),
            side: side_of(decision),
            quantity: None,
            bound_by: None,
            verdict: None,
            denials: Vec::new(),
        };
        let round = decision.round.map(|round| round.to_string());
        let of_round =
            self.kept.iter_mut().rev().find(|(_, kept)| Some(&kept.id) == round.as_ref());
        if let Some((id, kept)) = of_round {
            (*id, kept.decision) = (Some(decision.id), Some(told));
            kept.reason = decision.reason.to_string();
            return;
        }
        let round = view::Round {
            id: decision.id.to_string(),
            symbol: name(config, decision.symbol),
            closed_at: at.into(),
            outcome: Some(decision.direction).into(),
            approval: None,
            agreeing: u32::from(decision.agent.is_some()),
            cast: u32::from(decision.agent.is_some()),
            reason: decision.reason.to_string(),
            votes: Vec::new(),
            decision: Some(told),
        };
        self.push(Some(decision.id), round);
    }

    /// The order that carries a decision out, judged. Its protective orders carry it too.
    fn take_intent(&mut self, intent: &IntentRecord, config: &EngineConfig) {
        let request = &intent.request;
        if !matches!(request.purpose, Purpose::Entry | Purpose::Exit | Purpose::Flatten) {
            return;
        }
        let of_decision = request
            .decision
            .and_then(|decision| self.kept.iter_mut().rev().find(|(id, _)| *id == Some(decision)));
        let Some((_, view::Round { decision: Some(decision), .. })) = of_decision else { return };
        let instrument = config.instruments.get(request.symbol.index());
        decision.side = Some(request.side.into());
        decision.quantity = instrument.map(|i| i.quantity(request.quantity).into());
        decision.bound_by = Some(format!("{:?}", intent.verdict.bound));
        decision.verdict = Some((&intent.verdict).into());
        decision.denials = intent.verdict.denials().map(Into::into).collect();
    }
}

fn side_of(decision: &DecisionRecord) -> Option<view::Side> {
    match (decision.action, decision.direction) {
        (DecisionAction::Exit, _) | (_, Direction::Flat) => None,
        (_, Direction::Long) => Some(Side::Buy.into()),
        (_, Direction::Short) => Some(Side::Sell.into()),
    }
}

fn told_round(at: Timestamp, round: &RoundRecord, config: &EngineConfig) -> view::Round {
    let vote = |vote: &Vote| told_vote(vote, round.outcome, config);
    let votes: Vec<_> = round.votes.iter().map(vote).collect();
    let cast = votes.iter().filter(|vote| vote.direction.is_some()).count();
    let reason = match (round.outcome, cast) {
        (Some(_), _) => "as the desk stands already".to_owned(),
        (None, 0) => "nobody voted".to_owned(),
        (None, _) => "no direction had enough agents and weight".to_owned(),
    };
    view::Round {
        id: round.id.to_string(),
        symbol: name(config, round.symbol),
        closed_at: at.into(),
        outcome: round.outcome.into(),
        approval: round.approval.map(Into::into),
        agreeing: round.agreeing,
        cast: u32::try_from(cast).unwrap_or(u32::MAX),
        reason: if round.timed_out { format!("{reason}; its time was up") } else { reason },
        votes,
        decision: None,
    }
}

fn told_vote(vote: &Vote, outcome: Option<Direction>, config: &EngineConfig) -> view::Vote {
    let (direction, confidence) = match &vote.view {
        Some(View::Opinion { direction, confidence }) => (Some(*direction), Some(*confidence)),
        Some(View::Abstain) | None => (None, None),
    };
    let agent = config.agents.get(usize::from(vote.agent.0));
    view::Vote {
        agent: agent.map(|agent| agent.name.clone()).unwrap_or_default(),
        direction: direction.map(Into::into),
        confidence: confidence.map(Into::into),
        weight: vote.weight.into(),
        abstained: vote.view == Some(View::Abstain),
        late: vote.view.is_none(),
        dissent: outcome.is_some() && direction.is_some() && direction != outcome,
        reason: vote.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn name(config: &EngineConfig, symbol: sapphire_engine::instrument::SymbolId) -> String {
    let instrument = config.instruments.get(symbol.index());
    instrument.map(|instrument| instrument.symbol.to_string()).unwrap_or_default()
}
