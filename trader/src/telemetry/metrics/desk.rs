//! The desk's series.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::{Gauge, Histogram, IntCounter, IntCounterVec, IntGauge};
use sapphire_engine::effect::Severity;
use sapphire_engine::ids::AgentId;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::opinion::Direction;
use sapphire_engine::order::{OrderState, Purpose, Side};
use sapphire_engine::policy::TradingState;
use sapphire_engine::risk::RuleId;

use super::account::{Account, AccountGauges};
use super::agents::{AgentSkill, SkillGauges, SpokenView};
use super::{FeedClock, Registrar};

/// From the engine alone to a disk that is busy.
const MICROSECONDS_UP: &[f64] = &[
    0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002_5, 0.005,
    0.01, 0.025, 0.1, 1.0,
];
/// A group commit, from a fast disk to a broken one.
const COMMIT_SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
];
/// In event time, up to the 30 s within which a position is to be verified.
const VERIFICATION_SECONDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The desk thread's part of the metrics.
#[derive(Debug)]
pub struct DeskMetrics {
    clock: Arc<FeedClock>,
    events: IntCounter,
    event_loop_lag: Gauge,
    feed_errors: Vec<IntCounter>,
    account: AccountGauges,
    opinions: Vec<[IntCounter; 4]>,
    skill: Vec<SkillGauges>,
    rounds: [IntCounter; 4],
    orders: BTreeMap<OrderState, IntGauge>,
    submitted: IntCounterVec,
    fills: [IntCounter; 2],
    denials: IntCounterVec,
    denials_by_rule: BTreeMap<RuleId, IntCounter>,
    alerts: IntCounterVec,
    trading_state: [(TradingState, IntGauge); 3],
    policy_generation: IntGauge,
    policy_delay: Gauge,
    commit: Histogram,
    verification: Histogram,
    event_to_intent: Histogram,
}

impl DeskMetrics {
    pub(super) fn new(
        registrar: &Registrar<'_>,
        symbols: &[String],
        agents: &[String],
        clock: Arc<FeedClock>,
    ) -> prometheus::Result<Self> {
        let feed_errors = registrar.counters(
            "sapphire_feed_errors_total",
            "Errors of a symbol's feed.",
            &["symbol"],
        )?;
        let opinions = registrar.counters(
            "sapphire_opinions_total",
            "What agents said, by agent and direction.",
            &["agent", "direction"],
        )?;
        let rounds = registrar.counters(
            "sapphire_rounds_total",
            "Rounds of consensus, by what they came to.",
            &["outcome"],
        )?;
        let fills =
            registrar.counters("sapphire_fills_total", "Executions, by side.", &["side"])?;
        let orders = registrar.states("sapphire_orders", "Orders of this run, by state.")?;
        let trading = registrar.states(
            "sapphire_trading_state",
            "1 for the trading state in force, 0 for the others.",
        )?;
        let state =
            |state: TradingState| (state, trading.with_label_values(&[&format!("{state:?}")]));
        let order_gauge =
            |state: OrderState| (state, orders.with_label_values(&[&state.to_string()]));
        Ok(Self {
            clock,
            events: registrar
                .counter("sapphire_events_total", "Events that the engine has taken.")?,
            event_loop_lag: registrar.gauge(
                "sapphire_event_loop_lag_seconds",
                "How far the desk is behind its schedule, in wall time.",
            )?,
            feed_errors: symbols.iter().map(|s| feed_errors.with_label_values(&[s])).collect(),
            account: AccountGauges::new(registrar)?,
            opinions: agents
                .iter()
                .map(|agent| {
                    SpokenView::NAMES.map(|view| opinions.with_label_values(&[agent, view]))
                })
                .collect(),
            skill: SkillGauges::of_each(registrar, agents)?,
            rounds: ["Long", "Short", "Flat", "Hold"].map(|o| rounds.with_label_values(&[o])),
            orders: OrderState::ALL.into_iter().map(order_gauge).collect(),
            submitted: registrar.counters(
                "sapphire_orders_submitted_total",
                "Orders handed to the venue, by purpose.",
                &["purpose"],
            )?,
            fills: ["Buy", "Sell"].map(|side| fills.with_label_values(&[side])),
            denials: registrar.counters(
                "sapphire_order_denials_total",
                "Intents that the risk gate denied, by each rule that said no.",
                &["rule"],
            )?,
            denials_by_rule: BTreeMap::new(),
            alerts: registrar.counters(
                "sapphire_alerts_total",
                "What people were told, by severity.",
                &["severity"],
            )?,
            trading_state: [
                state(TradingState::Active),
                state(TradingState::Reducing),
                state(TradingState::Halted),
            ],
            policy_generation: registrar.register(IntGauge::new(
                "sapphire_policy_generation",
                "Generation of the risk policy in force.",
            )?)?,
            policy_delay: registrar.gauge(
                "sapphire_policy_acknowledgement_delay_seconds",
                "Wall time from the newest policy's change to its acknowledgement.",
            )?,
            commit: registrar.histogram(
                "sapphire_journal_commit_duration_seconds",
                "From the first record of a group to its being durable.",
                COMMIT_SECONDS,
            )?,
            verification: registrar.histogram(
                "sapphire_position_verification_duration_seconds",
                "From a fill to the venue's confirmation of the position, in event time.",
                VERIFICATION_SECONDS,
            )?,
            event_to_intent: registrar.histogram(
                "sapphire_event_to_intent_duration_seconds",
                "Wall time from a market event's arrival to the durable intent that it caused.",
                MICROSECONDS_UP,
            )?,
        })
    }

    /// The engine took `count` events.
    pub fn events(&self, count: u64) {
        self.events.inc_by(count);
    }

    /// A symbol's event was received at `now`.
    pub fn feed_event(&self, symbol: SymbolId, now: Instant) {
        self.clock.received(symbol.index(), now);
    }

    /// A symbol's feed failed.
    pub fn feed_error(&self, symbol: SymbolId) {
        if let Some(counter) = self.feed_errors.get(symbol.index()) {
            counter.inc();
        }
    }

    /// How far behind its schedule the desk is.
    pub fn event_loop_lag(&self, lag: Duration) {
        self.event_loop_lag.set(lag.as_secs_f64());
    }

    /// The account, when it changed and somebody might look: several times a second is plenty. The
    /// portfolio's value stays what it was while a position is unverified.
    pub fn account(&self, account: &Account) {
        self.account.show(account);
    }

    /// An agent answered.
    pub fn opinion(&self, agent: AgentId, view: SpokenView) {
        if let Some(counters) = self.opinions.get(usize::from(agent.0)) {
            counters[view as usize].inc();
        }
    }

    /// An agent was scored.
    pub fn agent_skill(&self, agent: AgentId, skill: AgentSkill) {
        if let Some(gauges) = self.skill.get(usize::from(agent.0)) {
            gauges.show(skill);
        }
    }

    /// A round closed; `None` is hold.
    pub fn round(&self, outcome: Option<Direction>) {
        let outcome = match outcome {
            Some(Direction::Long) => 0,
            Some(Direction::Short) => 1,
            Some(Direction::Flat) => 2,
            None => 3,
        };
        self.rounds[outcome].inc();
    }

    /// An order moved on; `from` is `None` for a new one.
    pub fn order_moved(&self, from: Option<OrderState>, to: OrderState) {
        if let Some(gauge) = from.and_then(|from| self.orders.get(&from)) {
            gauge.dec();
        }
        if let Some(gauge) = self.orders.get(&to) {
            gauge.inc();
        }
    }

    /// An order was handed to the venue.
    pub fn submitted(&self, purpose: Purpose) {
        self.submitted.with_label_values(&[&format!("{purpose:?}")]).inc();
    }

    /// The venue executed something of ours.
    pub fn fill(&self, side: Side) {
        self.fills[usize::from(side == Side::Sell)].inc();
    }

    /// A rule denied an intent.
    pub fn denied(&mut self, rule: RuleId) {
        let resolve = || self.denials.with_label_values(&[&rule.to_string()]);
        self.denials_by_rule.entry(rule).or_insert_with(resolve).inc();
    }

    /// People were told.
    pub fn alert(&self, severity: Severity) {
        self.alerts.with_label_values(&[&format!("{severity:?}")]).inc();
    }

    /// The trading state in force.
    pub fn trading_state(&self, in_force: TradingState) {
        for (state, gauge) in &self.trading_state {
            gauge.set((*state == in_force).into());
        }
    }

    /// A policy acts; `delay` is wall time from its change, `None` for the one that the run began
    /// with.
    pub fn policy(&self, generation: u64, delay: Option<Duration>) {
        self.policy_generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        if let Some(delay) = delay {
            self.policy_delay.set(delay.as_secs_f64());
        }
    }

    /// A group of records became durable.
    pub fn journal_commit(&self, took: Duration) {
        self.commit.observe(took.as_secs_f64());
    }

    /// A position was verified; `took` is event time since its fill.
    pub fn verified(&self, took: Duration) {
        self.verification.observe(took.as_secs_f64());
    }

    /// A market event led to a durable intent.
    pub fn intent(&self, since_event: Duration) {
        self.event_to_intent.observe(since_event.as_secs_f64());
    }
}
