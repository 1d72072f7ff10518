//! The engine: state and an event in, effects out.
//!
//! A file each for what it does: [`market`] takes data in, [`voting`] turns opinions into decisions,
//! [`intents`] sizes and judges them by [`exposure`] and [`liquidation`], [`reports`] follows orders
//! through the venue's answers, [`leaving`] closes what is to go, [`protection`] keeps stops in place,
//! [`proof`] resolves what is unknown, [`control`] obeys policies and people.

mod agents;
mod control;
mod exposure;
mod intents;
mod leaving;
mod liquidation;
mod market;
mod orders;
mod proof;
mod protection;
mod reports;
mod symbol;
mod view;
mod voting;

pub use agents::AgentState;
pub use orders::Tracked;
pub use view::{Headroom, SymbolView};

use crate::config::EngineConfig;
use crate::effect::{Alert, Effect, Severity};
use crate::event::{Event, EventKind, PolicyChange, Timer};
use crate::ids::{AgentId, DecisionId, OrderId, RoundId};
use crate::instrument::{Instrument, SymbolId};
use crate::journal::Record;
use crate::money::Ratio;
use crate::policy::{Policy, TradingState};
use crate::portfolio::Portfolio;
use crate::risk::{LossWatch, OrderRate, Standing};
use crate::sizing::TradeOutcomes;
use crate::snapshot::Snapshot;
use crate::time::{Span, Timestamp};

use orders::Orders;
use symbol::SymbolState;

/// A desk's whole trading logic.
#[derive(Debug, Clone)]
pub struct Engine {
    config: EngineConfig,
    now: Timestamp,
    /// What is in force; stricter than `pending` until that is durable.
    policy: Policy,
    enforced: PolicyChange,
    pending: Option<PolicyChange>,
    standing: Standing,
    /// The state that was recorded last.
    state: TradingState,
    /// The engine's own reasons to reduce.
    restraint: control::Restraint,
    losses: LossWatch,
    portfolio: Portfolio,
    outcomes: TradeOutcomes,
    symbols: Vec<SymbolState>,
    orders: Orders,
    agents: Vec<AgentState>,
    /// Shares of the voting agents, by agent; zero for others.
    weights: Vec<Ratio>,
    rate: OrderRate,
    venue_rate: OrderRate,
    clock_uncertainty: Option<Span>,
    stopping: bool,
    /// A commanded halt that closes positions.
    flatten_commanded: bool,
    flat_since: Option<Timestamp>,
    halted_since: Option<Timestamp>,
    next_order: u64,
    next_round: u64,
    next_decision: u64,
}

impl Engine {
    /// A desk before its first event.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let policy = config.policy.policy.clone();
        let limits = &policy.limits;
        let symbols = SymbolState::all(&config, &policy);
        let agents: Vec<AgentState> = config.agents.iter().map(AgentState::new).collect();
        // Entries may use four fifths of what the venue takes.
        let budget = config.venue.orders_per_minute / 60 * 4 / 5;
        let mut engine = Self {
            now: Timestamp(i64::MIN),
            enforced: config.policy.clone(),
            pending: None,
            standing: Standing::default(),
            state: TradingState::Active,
            restraint: control::Restraint::default(),
            losses: LossWatch::new(config.balance),
            portfolio: Portfolio::new(config.balance, config.instruments.len()),
            outcomes: TradeOutcomes::default(),
            symbols,
            orders: Orders::default(),
            weights: Vec::new(),
            rate: OrderRate::per_second(limits.orders_per_second, limits.order_burst),
            venue_rate: OrderRate::per_second(budget.max(1), budget.max(1) * 10),
            agents,
            clock_uncertainty: None,
            stopping: false,
            flatten_commanded: false,
            flat_since: None,
            halted_since: None,
            next_order: 1,
            next_round: 1,
            next_decision: 1,
            policy,
            config,
        };
        engine.reweigh();
        engine
    }

    /// What it was made of.
    #[must_use]
    pub const fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Takes an event in, and appends what is to be done to `effects`, in order.
    pub fn step(&mut self, event: &Event<'_>, effects: &mut Vec<Effect>) {
        if self.now == Timestamp(i64::MIN) {
            self.now = event.at;
            self.begin(effects);
        }
        self.now = self.now.max(event.at);
        match event.kind {
            EventKind::Market(symbol, event) => self.on_market(symbol, &event, effects),
            EventKind::Opinion(opinion) => self.on_opinion(opinion, effects),
            EventKind::Venue(report) => self.on_report(report, effects),
            EventKind::Timer(timer) => self.on_timer(timer, effects),
            EventKind::Policy(change) => self.on_policy(change, effects),
            EventKind::PolicyDurable { generation } => self.on_policy_durable(generation, effects),
            EventKind::PolicyLost(reason) => self.on_policy_lost(reason, effects),
            EventKind::PolicyFound => self.on_policy_found(effects),
            EventKind::Command(request) => self.on_command(request, effects),
            EventKind::ClockUncertainty(span) => self.clock_uncertainty = Some(span),
            EventKind::Stopping => self.on_stopping(effects),
            EventKind::Continuing => self.stopping = false,
        }
    }

    fn on_timer(&mut self, timer: Timer, effects: &mut Vec<Effect>) {
        match timer {
            Timer::RoundTimeout(round) => self.time_out(round, effects),
            Timer::StopDeadline(symbol) => self.on_stop_deadline(symbol, effects),
            Timer::Resolve(order) => self.resolve(order, effects),
            Timer::Verify(symbol) => self.verify_again(symbol, effects),
            Timer::Protect(symbol) => self.tend(symbol, effects),
        }
    }

    /// Brings a symbol's protection, closing and proof of flatness up to date: called after
    /// anything that could have changed one of them.
    fn tend(&mut self, symbol: SymbolId, effects: &mut Vec<Effect>) {
        self.close_if_wanted(symbol, effects);
        self.protect(symbol, effects);
        self.note_flatness(effects);
    }

    /// The last closed bar of a symbol, for its agents; `None` before the first.
    #[must_use]
    pub fn snapshot(&self, symbol: SymbolId) -> Option<Snapshot<'_>> {
        self.symbols[symbol.index()].snapshot(
            symbol,
            self.instrument(symbol),
            self.config.bar_interval,
        )
    }

    fn instrument(&self, symbol: SymbolId) -> &Instrument {
        &self.config.instruments[symbol.index()]
    }

    fn next_order_id(&mut self) -> OrderId {
        self.next_order += 1;
        OrderId(self.next_order - 1)
    }

    fn next_round_id(&mut self) -> RoundId {
        self.next_round += 1;
        RoundId(self.next_round - 1)
    }

    fn next_decision_id(&mut self) -> DecisionId {
        self.next_decision += 1;
        DecisionId(self.next_decision - 1)
    }

    fn agent(&self, id: AgentId) -> Option<&AgentState> {
        self.agents.get(usize::from(id.0))
    }
}

fn alert(effects: &mut Vec<Effect>, severity: Severity, symbol: Option<SymbolId>, message: String) {
    let alert = Alert { severity, symbol, message };
    effects.push(Effect::Record(Record::Alert(alert.clone())));
    effects.push(Effect::Alert(alert));
}

#[cfg(test)]
mod tests;
