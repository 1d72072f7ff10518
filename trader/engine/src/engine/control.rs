//! Policies, people, and the engine's own restraint: what may be done at all.

use crate::config::Authority;
use crate::effect::{Effect, Severity};
use crate::event::{Command, CommandRequest, PolicyChange};
use crate::instrument::{QtyLots, SymbolId};
use crate::journal::{Record, StateSource};
use crate::opinion::Direction;
use crate::order::Purpose;
use crate::policy::{OnHalt, Policy, TradingState};
use crate::risk::DrawdownStage;
use crate::sizing::TradeOutcomes;

use super::leaving::Leaving;
use super::symbol::atr_periods;
use super::{Engine, alert};

/// The engine's own reasons to reduce or halt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Restraint {
    stage: DrawdownStage,
    /// Reducing on drawdown with nothing left to reduce.
    stranded: bool,
    /// Kelly stakes nothing, nothing is open, and nobody trades without Kelly.
    edgeless: bool,
    day_lost: bool,
    unverified: bool,
}

impl Restraint {
    /// Why only a person can let the desk go on.
    fn halt_reason(self) -> Option<&'static str> {
        match self {
            Self { stage: DrawdownStage::Halted, .. } => {
                Some("the drawdown limit is reached; a person has to resume")
            }
            Self { stranded: true, .. } => Some(
                "80 % of the drawdown limit is lost and nothing is open that could win it back; a person has to resume",
            ),
            Self { edgeless: true, .. } => Some(
                "the desk's closed trades show no edge, so Kelly stakes nothing, and without trades that stays so; \
                 a person's resume begins the record anew",
            ),
            _ => None,
        }
    }

    /// Of the reasons, the one to tell.
    fn reason(self) -> Option<&'static str> {
        match self {
            Self { unverified: true, .. } => Some("the venue has not confirmed a position in time"),
            Self { day_lost: true, .. } => Some("the daily loss limit is reached; until 00:00 UTC"),
            Self { stage: DrawdownStage::Reducing | DrawdownStage::Halted, .. } => {
                Some("drawdown is at 80 % of its limit or beyond")
            }
            _ => None,
        }
    }
}

impl Engine {
    /// The first event: the policy that the desk starts with holds.
    pub(super) fn begin(&mut self, effects: &mut Vec<Effect>) {
        self.take_policy_state(effects);
    }

    /// A policy arrived: the stricter of each value acts now.
    pub(super) fn on_policy(&mut self, change: &PolicyChange, effects: &mut Vec<Effect>) {
        effects.push(Effect::Record(Record::PolicyReceived(Box::new(change.clone()))));
        self.pending = Some(change.clone());
        self.policy = self.policy.tightened_by(&change.policy);
        self.apply_policy(effects);
    }

    /// It is durable: all of it acts.
    pub(super) fn on_policy_durable(&mut self, generation: u64, effects: &mut Vec<Effect>) {
        let Some(change) = self.pending.take_if(|change| change.generation == generation) else {
            return;
        };
        self.policy = change.policy.clone();
        self.enforced = change;
        effects.push(Effect::Record(Record::PolicyEnforced { generation }));
        self.apply_policy(effects);
    }

    fn apply_policy(&mut self, effects: &mut Vec<Effect>) {
        let Policy { limits, .. } = &self.policy;
        self.rate.set(limits.orders_per_second, limits.order_burst);
        let periods = atr_periods(&self.policy);
        for state in &mut self.symbols {
            state.set_atr_periods(periods);
        }
        self.refresh_restraint(effects);
        self.take_policy_state(effects);
        self.tend_all(effects);
    }

    fn take_policy_state(&mut self, effects: &mut Vec<Effect>) {
        let state = self.policy.trading_state;
        self.standing.set(StateSource::Policy, state, "the RiskPolicy's tradingState", self.now);
        self.note_state(StateSource::Policy, "the RiskPolicy's tradingState", effects);
    }

    /// Nobody knows what the policy says by now.
    pub(super) fn on_policy_lost(&mut self, reason: &str, effects: &mut Vec<Effect>) {
        self.standing.lose_policy(reason, self.now);
        let state = match self.standing.state() {
            TradingState::Halted => "still halted",
            TradingState::Reducing | TradingState::Active => "reducing",
        };
        alert(effects, Severity::Warning, None, format!("{state}: {reason}"));
        self.note_state(StateSource::Policy, reason, effects);
    }

    /// The policy is seen again: what it says holds, and no more.
    pub(super) fn on_policy_found(&mut self, effects: &mut Vec<Effect>) {
        self.standing.find_policy();
        self.note_state(StateSource::Policy, "the RiskPolicy is seen again", effects);
    }

    /// A person's command.
    pub(super) fn on_command(&mut self, request: &CommandRequest, effects: &mut Vec<Effect>) {
        effects.push(Effect::Record(Record::Command(Box::new(request.clone()))));
        if let Err(reason) = self.obey(request, effects) {
            effects.push(Effect::Record(Record::CommandRefused { id: request.id, reason }));
        }
    }

    fn obey(&mut self, request: &CommandRequest, effects: &mut Vec<Effect>) -> Result<(), String> {
        let CommandRequest { command, who, reason, .. } = request;
        match *command {
            Command::Halt { flatten } => {
                self.flatten_commanded |= flatten;
                let words = format!("{who}: {reason}");
                self.standing.set(StateSource::Command, TradingState::Halted, &words, self.now);
                self.note_state(StateSource::Command, &words, effects);
                self.tend_all(effects);
            }
            Command::Resume => {
                self.standing.resume();
                self.flatten_commanded = false;
                self.losses.rebase();
                if self.restraint.edgeless {
                    self.outcomes = TradeOutcomes::default();
                }
                self.restraint = Restraint::default();
                self.refresh_restraint(effects);
                self.note_state(
                    StateSource::Command,
                    &format!("resumed by {who}: {reason}"),
                    effects,
                );
            }
            Command::Close { symbol } => self.close_by_command(symbol, effects)?,
            Command::Cancel { order } => self.cancel_by_command(order, who, effects)?,
            Command::PauseSymbol { symbol, paused } => {
                let state =
                    self.symbols.get_mut(symbol.index()).ok_or("there is no such symbol")?;
                state.paused = paused;
                if paused {
                    self.cancel_entries(symbol, "the symbol is paused", effects);
                }
            }
            Command::PauseAgent { agent, paused } => {
                let state =
                    self.agents.get_mut(usize::from(agent.0)).ok_or("there is no such agent")?;
                state.paused = paused;
                self.reweigh();
                if paused {
                    self.each_symbol(|engine, symbol| engine.withdraw(agent, symbol, effects));
                }
            }
        }
        Ok(())
    }

    fn close_by_command(
        &mut self,
        symbol: SymbolId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), String> {
        if self.symbols.get(symbol.index()).is_none() {
            return Err("there is no such symbol".to_owned());
        }
        if self.portfolio.position(symbol).quantity() == QtyLots::ZERO {
            return Err("there is no position to close".to_owned());
        }
        self.leave(symbol, Leaving::Person);
        let state = &mut self.symbols[symbol.index()];
        // Neither what a decision of before opens, nor a pause after what was refused, stands against it.
        (state.wanted, state.not_closed) = (Some(Direction::Flat), None);
        self.tend(symbol, effects);
        Ok(())
    }

    fn cancel_by_command(
        &mut self,
        order: crate::ids::OrderId,
        who: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), String> {
        let tracked = self.orders.get(order).ok_or("there is no such order")?;
        let request = tracked.order.request;
        if !tracked.order.state.is_working() {
            return Err(format!("the order is {} already", tracked.order.state));
        }
        if request.purpose == Purpose::Stop && !self.is_proven_flat(request.symbol) {
            return Err("it is the stop of an open position; close the position instead".to_owned());
        }
        match request.purpose {
            Purpose::Exit => self.decide_anew(request.symbol),
            Purpose::Flatten if !self.take_back_close(request.symbol) => {
                return Err(
                    "it closes a position that has to go: another would follow at once".to_owned()
                );
            }
            _ => {}
        }
        if !request.purpose.protects() {
            // Who takes it back wants neither it again, nor what would take its place.
            self.symbols[request.symbol.index()].wanted = None;
        }
        self.cancel_where(request.symbol, &format!("cancelled by {who}"), effects, |r| {
            r.id == order
        });
        Ok(())
    }

    /// The process is about to leave: no entries any more, stops stay.
    pub(super) fn on_stopping(&mut self, effects: &mut Vec<Effect>) {
        self.stopping = true;
        self.cancel_all_entries("the desk is leaving", effects);
    }

    /// Counts marked equity: the day, the high-water mark, and what they mean.
    pub(super) fn observe_equity(&mut self, effects: &mut Vec<Effect>) {
        self.losses.observe(self.portfolio.equity());
        let new_day = self.losses.begin_day(self.now.utc_day());
        if new_day {
            effects.push(Effect::Record(Record::DayStarted {
                equity: self.losses.day_start(),
                high_water_mark: self.losses.high_water_mark(),
            }));
        }
        self.restrain(new_day, effects);
    }

    /// Recomputes the engine's own word on trading, and acts if it changed.
    pub(super) fn refresh_restraint(&mut self, effects: &mut Vec<Effect>) {
        self.restrain(false, effects);
    }

    fn restrain(&mut self, new_day: bool, effects: &mut Vec<Effect>) {
        let limits = &self.policy.limits;
        let stage = self.losses.stage(limits);
        let restraint = Restraint {
            stage,
            stranded: stage == DrawdownStage::Reducing && self.is_flat(),
            edgeless: self.outcomes.shows_no_edge() && !self.has_delegates() && self.is_flat(),
            // A lost day stays lost until the next one.
            day_lost: self.restraint.day_lost && !new_day || self.losses.day_is_lost(limits),
            unverified: self.symbols.iter().any(|state| state.verification.failed),
        };
        if restraint == self.restraint {
            return;
        }
        let before = std::mem::replace(&mut self.restraint, restraint);
        if let Some(reason) = restraint.halt_reason()
            && before.halt_reason().is_none()
        {
            self.standing.set(StateSource::Engine, TradingState::Halted, reason, self.now);
            alert(effects, Severity::Critical, None, format!("halted: {reason}"));
            self.note_state(StateSource::Engine, reason, effects);
        }
        let reason = restraint.reason();
        let state = if reason.is_some() { TradingState::Reducing } else { TradingState::Active };
        let words = reason.unwrap_or("nothing restrains the desk any more");
        self.standing.set(StateSource::Engine, state, words, self.now);
        self.note_state(StateSource::Engine, words, effects);
    }

    /// Records a change of the state in force, and does what the new one asks for.
    fn note_state(&mut self, source: StateSource, reason: &str, effects: &mut Vec<Effect>) {
        let state = self.standing.state();
        if state == self.state {
            return;
        }
        self.state = state;
        self.flat_since = None;
        self.halted_since = (state == TradingState::Halted).then_some(self.now);
        let record = Record::TradingState { state, source, reason: reason.to_owned() };
        effects.push(Effect::Record(record));
        if state > TradingState::Active {
            self.cancel_all_entries("the desk takes nothing on", effects);
            self.tend_all(effects);
        }
    }

    fn has_delegates(&self) -> bool {
        self.config
            .agents
            .iter()
            .any(|agent| matches!(agent.authority, Authority::Delegated { .. }))
    }

    fn cancel_all_entries(&mut self, why: &str, effects: &mut Vec<Effect>) {
        self.each_symbol(|engine, symbol| engine.cancel_entries(symbol, why, effects));
    }

    fn tend_all(&mut self, effects: &mut Vec<Effect>) {
        self.each_symbol(|engine, symbol| engine.tend(symbol, effects));
    }

    fn each_symbol(&mut self, mut act: impl FnMut(&mut Self, SymbolId)) {
        for i in 0..self.symbols.len() {
            act(self, SymbolId(u16::try_from(i).unwrap_or(u16::MAX)));
        }
    }

    /// Whether a halt closes positions.
    pub(super) fn is_flattening(&self) -> bool {
        self.standing.state() == TradingState::Halted
            && (self.policy.on_halt == OnHalt::Flatten || self.flatten_commanded)
    }

    /// Notes, once, that nothing is open: the proof that a halt or a leave is complete.
    pub(super) fn note_flatness(&mut self, effects: &mut Vec<Effect>) {
        if self.flat_since.is_some() || !(self.state == TradingState::Halted || self.stopping) {
            return;
        }
        let verified = self.symbols.iter().all(|state| state.verification.since.is_none());
        if verified && self.portfolio.is_flat() && self.orders.none_working() {
            self.flat_since = Some(self.now);
            effects.push(Effect::Record(Record::Flat));
        }
    }
}
