//! The desk's series.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts,
};
use sapphire_engine::effect::Severity;
use sapphire_engine::ids::AgentId;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::money::{Amount, Ratio, SCALE};
use sapphire_engine::opinion::{Direction, View};
use sapphire_engine::order::{OrderState, Purpose, Side};
use sapphire_engine::policy::TradingState;
use sapphire_engine::risk::RuleId;

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

/// What the account amounts to, in quote currency and shares of equity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Marked equity.
    pub equity: Amount,
    /// Whether the venue has confirmed every position.
    pub verified: bool,
    /// Highest equity so far.
    pub high_water_mark: Amount,
    /// Profit and loss of what was closed.
    pub realized_pnl: Amount,
    /// Profit and loss of what is open.
    pub unrealized_pnl: Amount,
    /// Fees paid, less rebates.
    pub fees: Amount,
    /// Funding received, less funding paid.
    pub funding: Amount,
    /// Worst-case sum of positions' magnitudes.
    pub gross_exposure: Amount,
    /// Worst-case magnitude of the sum of positions.
    pub net_exposure: Amount,
    /// Gross exposure over equity.
    pub leverage: Ratio,
    /// Fall from the high-water mark.
    pub drawdown: Ratio,
    /// Loss since 00:00 UTC.
    pub daily_loss: Ratio,
    /// Symbols with a position.
    pub open_positions: u32,
}

/// How good an agent has been.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgentSkill {
    /// Its share of the vote, 0 to 1.
    pub weight: Ratio,
    /// Share of its recent answers that were opinions rather than abstentions, 0 to 1.
    pub activity: Ratio,
    /// Mean squared error of its confidence; `None` before the first score.
    pub brier: Option<f64>,
}

/// What an agent said, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpokenView {
    /// The price rises.
    Long,
    /// The price falls.
    Short,
    /// It does neither.
    Flat,
    /// It cannot tell.
    Abstain,
}

impl SpokenView {
    const NAMES: [&'static str; 4] = ["Long", "Short", "Flat", "Abstain"];
}

impl From<Direction> for SpokenView {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Long => Self::Long,
            Direction::Short => Self::Short,
            Direction::Flat => Self::Flat,
        }
    }
}

impl From<&View> for SpokenView {
    fn from(view: &View) -> Self {
        match view {
            View::Opinion { direction, .. } => (*direction).into(),
            View::Abstain => Self::Abstain,
        }
    }
}

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

#[derive(Debug)]
struct AccountGauges {
    portfolio_value: Gauge,
    equity: Gauge,
    high_water_mark: Gauge,
    realized_pnl: Gauge,
    unrealized_pnl: Gauge,
    fees: Gauge,
    funding: Gauge,
    gross_exposure: Gauge,
    net_exposure: Gauge,
    leverage: Gauge,
    drawdown: Gauge,
    daily_loss: Gauge,
    open_positions: IntGauge,
}

#[derive(Debug)]
struct SkillGauges {
    weight: Gauge,
    activity: Gauge,
    brier: Gauge,
}

/// For display only: money never comes back from here.
#[allow(clippy::cast_precision_loss)]
fn quote(amount: Amount) -> f64 {
    amount.0 as f64 / SCALE as f64
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
        let gauges = &self.account;
        if account.verified {
            gauges.portfolio_value.set(quote(account.equity));
        }
        gauges.equity.set(quote(account.equity));
        gauges.high_water_mark.set(quote(account.high_water_mark));
        gauges.realized_pnl.set(quote(account.realized_pnl));
        gauges.unrealized_pnl.set(quote(account.unrealized_pnl));
        gauges.fees.set(quote(account.fees));
        gauges.funding.set(quote(account.funding));
        gauges.gross_exposure.set(quote(account.gross_exposure));
        gauges.net_exposure.set(quote(account.net_exposure));
        gauges.leverage.set(account.leverage.to_f64());
        gauges.drawdown.set(account.drawdown.to_f64());
        gauges.daily_loss.set(account.daily_loss.to_f64());
        gauges.open_positions.set(account.open_positions.into());
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
            gauges.weight.set(skill.weight.to_f64());
            gauges.activity.set(skill.activity.to_f64());
            gauges.brier.set(skill.brier.unwrap_or(f64::NAN));
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

impl AccountGauges {
    fn new(registrar: &Registrar<'_>) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| registrar.gauge(name, help);
        Ok(Self {
            portfolio_value: gauge(
                "sapphire_portfolio_value_quote",
                "Marked equity in quote currency, when every position was last verified.",
            )?,
            equity: gauge(
                "sapphire_equity_quote",
                "Marked equity in quote currency, by our own count.",
            )?,
            high_water_mark: gauge(
                "sapphire_high_water_mark_quote",
                "Highest equity so far in quote currency, adjusted for transfers.",
            )?,
            realized_pnl: gauge(
                "sapphire_realized_pnl_quote",
                "Profit and loss of what was closed, in quote currency, before fees and funding.",
            )?,
            unrealized_pnl: gauge(
                "sapphire_unrealized_pnl_quote",
                "Profit and loss of what is open, in quote currency, at the mark.",
            )?,
            fees: gauge("sapphire_fees_paid_quote", "Fees paid in quote currency, less rebates.")?,
            funding: gauge(
                "sapphire_funding_received_quote",
                "Funding received in quote currency, less funding paid.",
            )?,
            gross_exposure: gauge(
                "sapphire_gross_exposure_quote",
                "Worst-case sum of positions' magnitudes in quote currency, working orders included.",
            )?,
            net_exposure: gauge(
                "sapphire_net_exposure_quote",
                "Worst-case magnitude of the sum of positions in quote currency.",
            )?,
            leverage: gauge("sapphire_leverage_ratio", "Gross exposure over equity.")?,
            drawdown: gauge(
                "sapphire_drawdown_ratio",
                "Fall of equity from its high-water mark, as a share of it.",
            )?,
            daily_loss: gauge(
                "sapphire_daily_loss_ratio",
                "Loss since 00:00 UTC in event time, as a share of the equity then.",
            )?,
            open_positions: registrar
                .register(IntGauge::new("sapphire_open_positions", "Symbols with a position.")?)?,
        })
    }
}

impl SkillGauges {
    fn of_each(registrar: &Registrar<'_>, agents: &[String]) -> prometheus::Result<Vec<Self>> {
        let gauges = |name: &str, help: &str| {
            registrar.register(GaugeVec::new(Opts::new(name, help), &["agent"])?)
        };
        let weight = gauges("sapphire_agent_weight_ratio", "An agent's share of the vote.")?;
        let activity = gauges(
            "sapphire_agent_activity_ratio",
            "Share of an agent's recent answers that were opinions rather than abstentions.",
        )?;
        let brier = gauges(
            "sapphire_agent_brier_score",
            "Mean squared error of an agent's confidence, 0 (perfect) to 1; NaN before the first score.",
        )?;
        let of = |agent: &String| Self {
            weight: weight.with_label_values(&[agent]),
            activity: activity.with_label_values(&[agent]),
            brier: brier.with_label_values(&[agent]),
        };
        Ok(agents.iter().map(of).collect())
    }
}

impl Registrar<'_> {
    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        self.register(Gauge::new(name, help)?)
    }

    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.register(IntCounter::new(name, help)?)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        self.register(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn states(&self, name: &str, help: &str) -> prometheus::Result<IntGaugeVec> {
        self.register(IntGaugeVec::new(Opts::new(name, help), &["state"])?)
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> prometheus::Result<Histogram> {
        let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(Histogram::with_opts(opts)?)
    }
}
