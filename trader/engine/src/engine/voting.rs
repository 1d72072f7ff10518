//! Opinions in, decisions out: rounds of consensus, and agents that act alone.

use crate::config::Authority;
use crate::consensus::{Judged, Outcome, Round, Skill, decide, weights};
use crate::effect::Effect;
use crate::event::Timer;
use crate::ids::{AgentId, DecisionId, RoundId};
use crate::instrument::{PriceTicks, QtyLots, SymbolId};
use crate::journal::{DecisionAction, DecisionRecord, Record, RoundRecord, Vote};
use crate::money::{Amount, Ratio};
use crate::opinion::{Direction, Opinion, Reason, View};
use crate::order::Side;

use super::Engine;
use super::intents::{Entry, Mandate};
use super::leaving::{By, Leaving};
use super::symbol::Unjudged;

impl Engine {
    /// Opens the round of the bar that just closed. One that still waits ends here as if its time
    /// were up.
    pub(super) fn open_round(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        if let Some(round) = self.symbols[symbol.index()].round.take() {
            self.close_round(round, true, effects);
        }
        if self.symbols[symbol.index()].voters.is_empty() {
            return;
        }
        let id = self.next_round_id();
        let state = &self.symbols[symbol.index()];
        let active = state.voters.iter().filter(|agent| !self.is_paused(**agent));
        let voters = active.map(|agent| (*agent, self.weights[usize::from(agent.0)]));
        let round = Round::open(id, symbol, state.bars - 1, self.now, voters);
        self.symbols[symbol.index()].round = Some(round);
        effects.push(Effect::WakeAt(
            self.now + self.config.consensus.timeout,
            Timer::RoundTimeout(id),
        ));
    }

    /// A round's time is up, if it still waits.
    pub(super) fn time_out(&mut self, id: RoundId, effects: &mut Vec<Effect>) {
        let waiting = |round: &Option<Round>| round.as_ref().is_some_and(|round| round.id == id);
        if let Some(state) = self.symbols.iter_mut().find(|state| waiting(&state.round))
            && let Some(round) = state.round.take()
        {
            self.close_round(round, true, effects);
        }
    }

    /// An agent answered.
    pub(super) fn on_opinion(&mut self, opinion: &Opinion, effects: &mut Vec<Effect>) {
        let (agent, symbol) = (opinion.agent, opinion.symbol);
        let Some(state) = self.agents.get_mut(usize::from(agent.0)) else {
            return;
        };
        match opinion.view {
            View::Opinion { .. } => state.opinions += 1,
            View::Abstain => state.abstentions += 1,
        }
        state.last = Some((self.now, opinion.clone()));
        let paused = state.paused;
        self.remember_for_judgement(opinion);

        let Some(symbol_state) = self.symbols.get_mut(symbol.index()) else {
            return;
        };
        match symbol_state.delegate {
            Some((delegate, _)) if delegate == agent => {
                if !paused && opinion.bar + 1 == symbol_state.bars {
                    self.act_alone(opinion, effects);
                }
            }
            _ => {
                if let Some(round) = &mut symbol_state.round
                    && round.take(opinion)
                    && round.is_complete()
                    && let Some(round) = symbol_state.round.take()
                {
                    self.close_round(round, false, effects);
                }
            }
        }
    }

    /// A person paused an agent: its vote does not decide a round that is still open.
    pub(super) fn withdraw(&mut self, agent: AgentId, symbol: SymbolId, effects: &mut Vec<Effect>) {
        let waiting = &mut self.symbols[symbol.index()].round;
        if let Some(round) = waiting {
            round.withdraw(agent);
            if round.is_complete()
                && let Some(round) = waiting.take()
            {
                self.close_round(round, false, effects);
            }
        }
    }

    fn close_round(&mut self, round: Round, timed_out: bool, effects: &mut Vec<Effect>) {
        let outcome = decide(round.votes(), &self.config.consensus);
        let mandate = self.mandate(&round, &outcome);
        let (id, symbol, bar) = (round.id, round.symbol, round.bar);
        let record = RoundRecord {
            id,
            symbol,
            bar,
            votes: round.into_votes(),
            outcome: outcome.direction,
            approval: outcome.approval,
            agreeing: outcome.agreeing,
            timed_out,
        };
        effects.push(Effect::Record(Record::Round(Box::new(record))));
        if let Some(direction) = outcome.direction {
            let percent = outcome.approval.map_or(0, |share| share.0 / Ratio::percent(1).0);
            let percent = u32::try_from(percent).unwrap_or_default();
            let reason = Reason::Template(
                "{0} agents agree, with {1} % of the weight cast",
                [count(outcome.agreeing), count(percent), 0.0],
            );
            let origin = Origin { round: Some(id), agent: None, bar, reason };
            self.carry_out(symbol, direction, mandate, origin, effects);
        }
    }

    /// What the agreeing agents stand for together: each its participation, by its weight.
    fn mandate(&self, round: &Round, outcome: &Outcome) -> Mandate {
        let agrees = |vote: &&Vote| match (&vote.view, outcome.direction) {
            (Some(View::Opinion { direction, .. }), Some(winner)) => *direction == winner,
            _ => false,
        };
        let stake = |vote: &Vote| {
            let agent = &self.config.agents[usize::from(vote.agent.0)];
            agent.participation.times(vote.weight)
        };
        let participation =
            round.votes().iter().filter(agrees).map(stake).fold(Ratio::ZERO, |a, b| a + b);
        Mandate::Consensus {
            participation,
            quorate: outcome.agreeing >= self.config.consensus.min_agents,
        }
    }

    /// A delegated agent's opinion is its decision.
    fn act_alone(&mut self, opinion: &Opinion, effects: &mut Vec<Effect>) {
        let View::Opinion { direction, .. } = opinion.view else {
            return;
        };
        let Some((agent, delegation)) = self.symbols[opinion.symbol.index()].delegate else {
            return;
        };
        let max_notional = match self.config.agents[usize::from(agent.0)].authority {
            Authority::Delegated { max_notional, .. } => max_notional,
            Authority::Consensus { .. } => return,
        };
        let mandate = Mandate::Delegated { agent, quantity: delegation.quantity, max_notional };
        let origin = Origin {
            round: None,
            agent: Some(agent),
            bar: opinion.bar,
            reason: opinion.reason.clone(),
        };
        self.carry_out(opinion.symbol, direction, mandate, origin, effects);
    }

    /// Makes the position what a direction asks for, where it is not that already.
    fn carry_out(
        &mut self,
        symbol: SymbolId,
        direction: Direction,
        mandate: Mandate,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        let position = self.portfolio.position(symbol).quantity();
        let held = Side::of_position(position);
        self.symbols[symbol.index()].wanted = Some(direction);
        let Some(side) = direction.side() else {
            self.cancel_entries(symbol, "the agents want out", effects);
            self.want_out(symbol, direction, origin, effects);
            return;
        };
        if position.signum() == side.sign() {
            self.stay(symbol);
            self.cancel_entries_of(symbol, side.opposite(), effects);
            return;
        }
        if self.has_entry(symbol, side) {
            if self.entries_of(symbol, side).any(|entry| entry.opens_too_much) {
                // Not by that one. Once it is over, the agents' next word counts.
                self.symbols[symbol.index()].wanted = Some(Direction::Flat);
            }
            return;
        }
        if self.symbols[symbol.index()].ended && position == QtyLots::ZERO {
            // The data are over: nothing would ever fill it.
            return;
        }
        self.cancel_entries_of(symbol, side.opposite(), effects);
        let goes_anyway =
            position != QtyLots::ZERO && self.leaving_by(symbol).is_some_and(By::overrules);
        if self.orders.is_closing(symbol) || goes_anyway {
            // It is not turned over; once it is gone, the agents' next word counts. That it goes is wanted
            // all the same, where the order on its way is one of a wish that was taken back.
            self.want_out(symbol, direction, origin, effects);
            return;
        }
        let action = match position {
            QtyLots::ZERO => DecisionAction::Enter,
            // What would close it may have filled; closing it once more by the same order would
            // open twice the size. The exit alone cannot go beyond zero.
            _ if self.orders.has_unknown_reduction(symbol) => DecisionAction::Exit,
            // Nothing is taken on when the data are over.
            _ if self.symbols[symbol.index()].ended => DecisionAction::Exit,
            _ => DecisionAction::Reverse,
        };
        let decision = self.decide(symbol, action, direction, origin, effects);
        self.decide_anew(symbol);
        let entered = action != DecisionAction::Exit
            && self.enter(Entry { symbol, side, mandate, decision, decided: self.now }, effects);
        if !entered && position != QtyLots::ZERO {
            self.exit(symbol, Leaving::Agents(decision, held), effects);
        }
    }

    /// Records a decision.
    fn decide(
        &mut self,
        symbol: SymbolId,
        action: DecisionAction,
        direction: Direction,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) -> DecisionId {
        let id = self.next_decision_id();
        let Origin { round, agent, bar, reason } = origin;
        let record = DecisionRecord { id, symbol, bar, round, agent, action, direction, reason };
        effects.push(Effect::Record(Record::Decision(Box::new(record))));
        id
    }

    /// Leaves a position of a side by an exit of the policy's.
    pub(super) fn exit_by_rule(
        &mut self,
        symbol: SymbolId,
        side: Side,
        why: &'static str,
        effects: &mut Vec<Effect>,
    ) {
        let decision = self.decide_by_rule(symbol, why, effects);
        self.exit(symbol, Leaving::Policy(decision, side), effects);
    }

    /// The agents want out of the position, if there is one and nobody wanted that before.
    fn want_out(
        &mut self,
        symbol: SymbolId,
        direction: Direction,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        let position = self.portfolio.position(symbol).quantity();
        if position != QtyLots::ZERO && self.leaving_by(symbol).is_none() {
            let decision = self.decide(symbol, DecisionAction::Exit, direction, origin, effects);
            let held = Side::of_position(position);
            self.exit(symbol, Leaving::Agents(decision, held), effects);
        }
    }

    /// Decides to leave without asking an agent.
    pub(super) fn decide_by_rule(
        &mut self,
        symbol: SymbolId,
        why: &'static str,
        effects: &mut Vec<Effect>,
    ) -> DecisionId {
        let bar = self.symbols[symbol.index()].bars.saturating_sub(1);
        let origin = Origin { round: None, agent: None, bar, reason: Reason::fixed(why) };
        self.decide(symbol, DecisionAction::Exit, Direction::Flat, origin, effects)
    }

    fn remember_for_judgement(&mut self, opinion: &Opinion) {
        let View::Opinion { direction, confidence } = opinion.view else {
            return;
        };
        let horizon = self.config.agents[usize::from(opinion.agent.0)].horizon;
        let Some(state) = self.symbols.get_mut(opinion.symbol.index()) else {
            return;
        };
        // Judged from the close that it answers: an opinion on an older bar has no price here.
        if let Some(bar) = state.last_bar.filter(|_| opinion.bar + 1 == state.bars) {
            state.unjudged.push_back(Unjudged {
                agent: opinion.agent,
                due: opinion.bar + u64::from(horizon),
                direction,
                confidence,
                price: bar.close,
            });
        }
    }

    /// Judges the opinions whose horizon this bar is, and weighs the agents anew.
    pub(super) fn judge_opinions(&mut self, symbol: SymbolId, close: PriceTicks) {
        let instrument = &self.config.instruments[symbol.index()];
        let cost = {
            let one_way = instrument.taker_fee + self.config.venue.slippage;
            one_way + one_way
        };
        let state = &mut self.symbols[symbol.index()];
        let bar = state.bars - 1;
        let mut judged = false;
        // Agents of other horizons answer the same bars, so what is due need not be in front; the
        // queue is as long as the longest horizon times the agents.
        state.unjudged.retain(|opinion| {
            if opinion.due > bar {
                return true;
            }
            let round_trip = Amount(opinion.price.0.into()).times_ceil(cost);
            let moved = close.0.saturating_sub(opinion.price.0);
            let outcome = Judged::new(
                opinion.direction,
                moved,
                i64::try_from(round_trip.0).unwrap_or(i64::MAX),
            );
            self.agents[usize::from(opinion.agent.0)].skill.count(
                opinion.direction,
                opinion.confidence,
                outcome,
            );
            judged = true;
            false
        });
        if judged {
            self.reweigh();
        }
    }

    /// Shares the weight among all agents that vote and are not paused.
    pub(super) fn reweigh(&mut self) {
        let votes =
            |i: &usize| matches!(self.config.agents[*i].authority, Authority::Consensus { .. });
        let voting: Vec<usize> =
            (0..self.agents.len()).filter(votes).filter(|i| !self.agents[*i].paused).collect();
        let skills: Vec<Skill> = voting.iter().map(|i| self.agents[*i].skill).collect();
        let mut shares = Vec::with_capacity(skills.len());
        weights(&skills, self.config.consensus.max_weight, &mut shares);
        self.weights.clear();
        self.weights.resize(self.agents.len(), Ratio::ZERO);
        for (agent, share) in voting.into_iter().zip(shares) {
            self.weights[agent] = share;
        }
    }

    fn is_paused(&self, agent: AgentId) -> bool {
        self.agent(agent).is_some_and(|agent| agent.paused)
    }
}

/// Where a decision comes from.
struct Origin {
    round: Option<RoundId>,
    agent: Option<AgentId>,
    bar: u64,
    reason: Reason,
}

fn count(n: u32) -> f64 {
    f64::from(n)
}
