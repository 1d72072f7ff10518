//! What the metrics count.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sapphire_engine::Engine;
use sapphire_engine::effect::Severity;
use sapphire_engine::ids::{AgentId, OrderId};
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::journal::Record;
use sapphire_engine::market::MarketEvent;
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::opinion::{Direction, View};
use sapphire_engine::order::OrderState;
use sapphire_engine::policy::TradingState;
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::VenueReport;

use super::account::all_verified;
use crate::report::TradingRecord;
use crate::telemetry::metrics::{Account, AgentSkill, DeskMetrics, SpokenView};

/// Feeds the metrics.
#[derive(Debug)]
pub(super) struct Measures {
    metrics: DeskMetrics,
    /// Orders as they were last counted; those that ended go.
    states: BTreeMap<OrderId, OrderState>,
    /// Since when a symbol's position waits for its verification.
    unverified: BTreeMap<SymbolId, Timestamp>,
    last_event: Option<Instant>,
}

impl Measures {
    pub(super) const fn new(metrics: DeskMetrics) -> Self {
        Self { metrics, states: BTreeMap::new(), unverified: BTreeMap::new(), last_event: None }
    }

    /// What stands when the counting begins.
    pub(super) fn begin(&mut self, engine: &Engine, record: TradingRecord) {
        self.metrics.trading_state(engine.state());
        self.metrics.policy(engine.enforced_policy().generation, None);
        for tracked in engine.working_orders() {
            self.metrics.order_moved(None, tracked.order.state);
            self.states.insert(tracked.order.request.id, tracked.order.state);
        }
        self.account(engine, record);
        self.agents(engine);
    }

    pub(super) fn lag(&self, lag: Duration) {
        self.metrics.event_loop_lag(lag);
    }

    /// Nothing is sent any more.
    pub(super) fn stands(&self) {
        self.metrics.trading_state(TradingState::Halted);
    }

    pub(super) fn alert(&self, severity: Severity) {
        self.metrics.alert(severity);
    }

    pub(super) fn policy(&self, generation: u64, delay: Duration) {
        self.metrics.policy(generation, Some(delay));
    }

    pub(super) fn commit(&self, took: Duration) {
        self.metrics.journal_commit(took);
    }

    pub(super) fn market(&mut self, symbol: SymbolId, event: &MarketEvent<'_>) {
        let now = Instant::now();
        self.last_event = Some(now);
        self.metrics.events(1);
        self.metrics.feed_event(symbol, now);
        if matches!(event, MarketEvent::Broken) {
            self.metrics.feed_error(symbol);
        }
    }

    pub(super) fn record(&mut self, at: Timestamp, record: &Record, engine: &Engine) {
        match record {
            Record::Round(round) => {
                self.metrics.round(round.outcome);
                for vote in &round.votes {
                    if let Some(view) = &vote.view {
                        self.metrics.opinion(vote.agent, spoken(view));
                    }
                }
            }
            Record::Intent(intent) => {
                for denial in intent.verdict.denials() {
                    self.metrics.denied(denial.rule);
                }
                if intent.verdict.approved {
                    self.metrics.submitted(intent.request.purpose);
                }
                self.follow(intent.request.id, engine);
            }
            Record::TradingState { state, .. } => self.metrics.trading_state(*state),
            Record::Venue(report) => self.report(at, report, engine),
            Record::PositionChecked { symbol, verified: true, .. } => {
                if let Some(since) = self.unverified.remove(symbol) {
                    let took = u64::try_from((at - since).0).unwrap_or(0);
                    self.metrics.verified(Duration::from_nanos(took));
                }
            }
            _ => {}
        }
    }

    /// An intent became durable: how long after the event that caused it.
    pub(super) fn intent_is_durable(&self) {
        if let Some(since) = self.last_event {
            self.metrics.intent(since.elapsed());
        }
    }

    fn report(&mut self, at: Timestamp, report: &VenueReport, engine: &Engine) {
        let order = match report {
            VenueReport::Fill(fill) => {
                self.metrics.fill(fill.side);
                self.unverified.entry(fill.symbol).or_insert(at);
                fill.order
            }
            VenueReport::Submit { order, .. }
            | VenueReport::Removed { order, .. }
            | VenueReport::CancelRefused { order, .. }
            | VenueReport::OrderStatus { order, .. } => Some(*order),
            _ => None,
        };
        if let Some(order) = order {
            self.follow(order, engine);
        }
    }

    fn follow(&mut self, id: OrderId, engine: &Engine) {
        let Some(tracked) = engine.order(id) else { return };
        let to = tracked.order.state;
        let from = self.states.get(&id).copied();
        if from == Some(to) {
            return;
        }
        self.metrics.order_moved(from, to);
        if to.is_closed() {
            self.states.remove(&id);
        } else {
            self.states.insert(id, to);
        }
    }

    pub(super) fn agents(&self, engine: &Engine) {
        let count = u16::try_from(engine.config().agents.len()).unwrap_or(u16::MAX);
        for id in (0..count).map(AgentId) {
            let Some((state, weight)) = engine.agent_view(id) else { continue };
            let answers = Amount::whole(
                i64::try_from(state.opinions + state.abstentions).unwrap_or(i64::MAX),
            );
            let opinions = Amount::whole(i64::try_from(state.opinions).unwrap_or(i64::MAX));
            let judged = state.skill.judged() > 0;
            self.metrics.agent_skill(
                id,
                AgentSkill {
                    weight,
                    activity: opinions.ratio_of(answers).unwrap_or(Ratio::ZERO),
                    brier: judged.then(|| state.skill.brier().to_f64()),
                },
            );
        }
    }

    pub(super) fn account(&self, engine: &Engine, record: TradingRecord) {
        let (portfolio, losses) = (engine.portfolio(), engine.losses());
        let (gross_exposure, net_exposure, open_positions) = engine.exposure();
        self.metrics.account(&Account {
            equity: portfolio.equity(),
            verified: all_verified(engine),
            high_water_mark: losses.high_water_mark(),
            realized_pnl: portfolio.realized(),
            unrealized_pnl: portfolio.unrealized(),
            fees: portfolio.fees(),
            funding: portfolio.funding(),
            gross_exposure,
            net_exposure,
            leverage: gross_exposure.ratio_of(portfolio.equity()).unwrap_or(Ratio::ZERO),
            drawdown: losses.drawdown(),
            daily_loss: losses.daily_loss().max(Ratio::ZERO),
            open_positions,
            win_rate: record.win_rate.map(Ratio::to_f64),
            sharpe: record.sharpe,
        });
    }
}

fn spoken(view: &View) -> SpokenView {
    match view {
        View::Opinion { direction: Direction::Long, .. } => SpokenView::Long,
        View::Opinion { direction: Direction::Short, .. } => SpokenView::Short,
        View::Opinion { direction: Direction::Flat, .. } => SpokenView::Flat,
        View::Abstain => SpokenView::Abstain,
    }
}
