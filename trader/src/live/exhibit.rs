//! What people are shown: the engine's state and the journal's records, turned into the API's
//! sections and into metrics while the desk works.

use std::time::{Duration, Instant, SystemTime};

use sapphire_engine::effect::{Alert, Severity};
use sapphire_engine::ids::AgentId;
use sapphire_engine::instrument::{Instrument, SymbolId};
use sapphire_engine::journal::{Link, Record, RunStarted};
use sapphire_engine::market::MarketEvent;
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::opinion::{Direction, View};
use sapphire_engine::order::{OrderState, Purpose};
use sapphire_engine::risk::{DrawdownStage, RuleValue};
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::{Fill, SubmitOutcome, VenueReport};
use sapphire_engine::{Engine, Tracked};

use super::rounds::Rounds;
use crate::api::published::{CurvePoint, DeskFacts, FillPoint, Published, Publisher, Sections};
use crate::api::view;
use crate::desk::{Reporter, Witness};
use crate::market::{DayWindow, Quality};
use crate::report::{BuyAndHold, Report, Surroundings};
use crate::store::CommitTimes;
use crate::telemetry::metrics::{Account, AgentSkill, DeskMetrics, SpokenView};

/// Orders that are shown: every open one, and of the others as many as readers may ask for.
const ORDERS_SHOWN: usize = 500;

/// What does not change while a run goes on.
#[derive(Debug, Clone)]
pub struct Labels {
    /// What a person should know of how the manifests were taken.
    pub notes: Vec<String>,
    /// The policy's name.
    pub policy: String,
    /// The policy's file.
    pub policy_file: String,
    /// Each recording's quality.
    pub quality: Vec<Quality>,
    /// Events in the data.
    pub events: u64,
}

/// How a policy came to be in force.
#[derive(Debug, Clone, Default)]
struct PolicyNews {
    acknowledged: Option<Timestamp>,
    acknowledged_wall: Option<SystemTime>,
    delay: Option<Duration>,
    refused: Option<(SystemTime, String)>,
}

/// Shows a desk while it works.
#[derive(Debug)]
pub struct Exhibit {
    publisher: Publisher,
    metrics: DeskMetrics,
    reporter: Reporter,
    labels: Labels,
    started: RunStarted,
    agents: Vec<String>,
    began: Instant,
    began_wall: SystemTime,
    phase: view::Phase,
    rounds: Rounds,
    days: Vec<DayWindow>,
    hold: BuyAndHold,
    symbol_errors: Vec<Option<String>>,
    last_error: Option<view::LastError>,
    feed_errors: u64,
    news: PolicyNews,
    head: Option<Link>,
    events: u64,
    received: Option<Instant>,
    unverified_since: Vec<Option<Timestamp>>,
    report: Option<view::Report>,
    /// Why the engine refused the command that is being carried out.
    refusal: Option<String>,
    /// A recovery works through what was shown before: it counts for the page, not for metrics of
    /// this process.
    live: bool,
}

impl Exhibit {
    /// For the run that begins with `started`; the second part goes to the server.
    #[must_use]
    pub fn new(started: &RunStarted, labels: Labels, metrics: DeskMetrics) -> (Self, Published) {
        let config = &started.config;
        let agents: Vec<String> = config.agents.iter().map(|agent| agent.name.clone()).collect();
        let (publisher, published) = Publisher::new(DeskFacts {
            instruments: config.instruments.clone(),
            agents: agents.clone(),
            bar_interval: config.bar_interval,
        });
        let symbols = config.instruments.len();
        let exhibit = Self {
            publisher,
            metrics,
            reporter: Reporter::new(started),
            labels,
            started: started.clone(),
            agents,
            began: Instant::now(),
            began_wall: SystemTime::now(),
            phase: view::Phase::Starting,
            rounds: Rounds::default(),
            days: vec![DayWindow::default(); symbols],
            hold: BuyAndHold::new(config.balance, symbols),
            symbol_errors: vec![None; symbols],
            last_error: None,
            feed_errors: 0,
            news: PolicyNews::default(),
            head: None,
            events: 0,
            received: None,
            unverified_since: vec![None; symbols],
            report: None,
            refusal: None,
            live: false,
        };
        (exhibit, published)
    }

    /// The desk goes on from here.
    pub fn begin(&mut self, engine: &Engine) {
        self.live = true;
        self.phase = view::Phase::Running;
        self.metrics.trading_state(engine.state());
        self.metrics.policy(engine.enforced_policy().generation, None);
        self.news.acknowledged = Some(engine.now());
        self.news.acknowledged_wall = Some(SystemTime::now());
        self.publisher.mark(Sections::ALL);
    }

    /// Says that the desk thread lives.
    pub fn beat(&self) {
        self.publisher.beat();
    }

    /// The desk is in another phase.
    pub fn enter(&mut self, phase: view::Phase) {
        self.phase = phase;
        self.publisher.mark(Sections::ALL);
    }

    /// A policy acts whole.
    pub fn policy_acknowledged(&mut self, engine: &Engine, seen: Instant) {
        let delay = seen.elapsed();
        self.news.acknowledged = Some(engine.now());
        self.news.acknowledged_wall = Some(SystemTime::now());
        self.news.delay = Some(delay);
        self.metrics.policy(engine.enforced_policy().generation, Some(delay));
        self.publisher.mark(Sections::RISK);
    }

    /// A policy was refused; the old one stays.
    pub fn policy_refused(&mut self, why: &str) {
        self.news.refused = Some((SystemTime::now(), why.to_owned()));
        self.publisher.mark(Sections::RISK);
    }

    /// Something went wrong, and where.
    pub fn went_wrong(&mut self, place: &str, message: String) {
        let at = SystemTime::now().into();
        self.last_error = Some(view::LastError { at, place: place.to_owned(), message });
        self.publisher.mark(Sections::HEALTH | Sections::STATUS);
    }

    /// A command is about to be carried out.
    pub fn watch_command(&mut self) {
        self.refusal = None;
    }

    /// Why the engine refused it, if it did.
    pub fn take_refusal(&mut self) -> Option<String> {
        self.refusal.take()
    }

    /// How long commits of the journal took.
    pub fn committed(&self, took: impl IntoIterator<Item = Duration>) {
        took.into_iter().for_each(|took| self.metrics.journal_commit(took));
    }

    /// How far behind its schedule the desk is.
    pub fn lag(&self, lag: Duration) {
        self.metrics.event_loop_lag(lag);
    }

    /// Sums the run up.
    #[must_use]
    pub fn sum_up(&self, engine: &Engine, surroundings: &Surroundings<'_>) -> Report {
        self.reporter.report(engine, surroundings)
    }

    /// The final report, for the page.
    pub fn reported(&mut self, text: String, report: &Report) {
        let figures = serde_json::to_value(&report.performance)
            .ok()
            .and_then(|value| value.as_object().cloned())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(name, value)| value.as_str().map(|text| (name, text.to_owned())))
            .collect();
        self.report = Some(view::Report { text, figures });
        self.publisher.mark(Sections::STATUS);
    }

    /// Shows what changed, several times a second at most.
    pub fn show(&mut self, engine: &Engine, done: u64, commits: &CommitTimes) {
        let due = self.publisher.due(Instant::now());
        self.build(due, engine, done, commits);
    }

    /// Shows it now: for what people wait for, and for the end.
    pub fn show_now(&mut self, engine: &Engine, done: u64, commits: &CommitTimes) {
        let due = self.publisher.due_now();
        self.build(due, engine, done, commits);
    }

    /// The desk's orderly end; what was shown stays readable.
    pub fn finish(self) {
        self.publisher.finish();
    }

    fn instrument(&self, symbol: SymbolId) -> &Instrument {
        &self.started.config.instruments[symbol.index()]
    }

    fn symbols(&self) -> impl Iterator<Item = SymbolId> + use<> {
        (0..self.started.config.instruments.len())
            .filter_map(|i| u16::try_from(i).ok())
            .map(SymbolId)
    }

    fn build(&mut self, due: Sections, engine: &Engine, done: u64, commits: &CommitTimes) {
        if due.is_empty() {
            return;
        }
        if due.contains(Sections::STATUS) {
            let status = self.status(engine, done);
            self.publisher.status(status);
        }
        if due.contains(Sections::HEALTH) {
            let health = self.health(commits);
            self.publisher.health(health);
        }
        if due.contains(Sections::PORTFOLIO) {
            self.publisher.portfolio(self.portfolio(engine));
            self.metrics.account(&account(engine));
        }
        if due.contains(Sections::POSITIONS) {
            self.publisher.positions(self.positions(engine));
        }
        if due.contains(Sections::ORDERS) {
            for symbol in self.symbols() {
                let stop = |t: &Tracked| {
                    let request = &t.order.request;
                    (request.symbol == symbol && request.purpose == Purpose::Stop)
                        .then_some((request.id, request.kind.trigger()?))
                };
                let stops = engine.working_orders().filter_map(stop).collect();
                self.publisher.stops(symbol, stops);
            }
            self.publisher.orders(self.orders(engine));
        }
        if due.contains(Sections::AGENTS) {
            let agents = self.agents(engine);
            self.publisher.agents(agents);
        }
        if due.contains(Sections::DECISIONS) {
            self.publisher.decisions(self.rounds.shown());
        }
        if due.contains(Sections::RISK) {
            self.publisher.risk(self.risk(engine));
        }
    }

    fn status(&self, engine: &Engine, done: u64) -> view::SystemStatus {
        let config = &self.started.config;
        let reasons = engine.state_words().map(|(source, word)| view::StateReason {
            source: source.into(),
            state: word.state.into(),
            reason: word.reason.clone(),
            since: Some(word.since.into()),
        });
        view::SystemStatus {
            system: self.started.system.clone(),
            version: sapphire_engine::VERSION.to_owned(),
            run_id: config.run.to_string(),
            mode: "Paper".to_owned(),
            venue: "paper".to_owned(),
            phase: self.phase,
            trading_state: engine.state().into(),
            trading_state_reasons: reasons.collect(),
            event_time: Some(engine.now().into()),
            started_wall_time: self.began_wall.into(),
            progress: Some(view::Progress::new(done, self.labels.events)),
            bar_interval: config.bar_interval.to_string(),
            symbols: self.symbols().map(|symbol| self.symbol(engine, symbol)).collect(),
            storage: "embedded".to_owned(),
            bus: "embedded".to_owned(),
            notes: self.labels.notes.clone(),
            journal: view::JournalHead {
                sequence: self.head.map_or(0, |link| link.sequence),
                hash: self.head.map(|link| link.hash.to_string()).unwrap_or_default(),
            },
            report: self.report.clone(),
        }
    }

    fn symbol(&self, engine: &Engine, symbol: SymbolId) -> view::SymbolStatus {
        let instrument = self.instrument(symbol);
        let day = &self.days[symbol.index()];
        let shown = engine.symbol_view(symbol);
        let feed = match shown {
            Some(shown) if shown.feed_ended => view::Feed::Ended,
            Some(shown) if shown.received.is_none() => view::Feed::Waiting,
            Some(shown) if !shown.feed_whole => view::Feed::Broken,
            _ => view::Feed::Live,
        };
        let price = shown.and_then(|shown| shown.mark).or(day.last_price());
        view::SymbolStatus {
            symbol: instrument.symbol.to_string(),
            feed,
            last_price: price.map(|ticks| instrument.price(ticks).into()),
            change24h: day.change().map(Into::into),
            volume24h: price.map(|_| instrument.quantity(day.volume()).into()),
            last_event_time: shown.and_then(|shown| shown.received).map(Into::into),
            last_error: self.symbol_errors[symbol.index()].clone(),
            paused: shown.is_some_and(|shown| shown.paused),
        }
    }

    fn health(&self, commits: &CommitTimes) -> view::Health {
        let uptime = self.began.elapsed().as_secs_f64();
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let sum = |count: fn(&Quality) -> u64| self.labels.quality.iter().map(count).sum();
        view::Health {
            uptime_seconds: uptime,
            events_total: self.events,
            events_per_second: self.events as f64 / uptime.max(1e-9),
            journal: view::JournalHealth {
                commits: commits.count,
                last_commit_micros: micros(commits.last),
                p99_commit_micros: micros(commits.p99()),
            },
            last_error: self.last_error.clone(),
            feed_errors: self.feed_errors,
            data_quality: view::DataQuality {
                off_tick: sum(|quality| quality.off_tick),
                duplicates: sum(|quality| quality.duplicates),
                missing: sum(|quality| quality.missing),
                jumps: sum(|quality| quality.jumps),
            },
        }
    }

    fn portfolio(&self, engine: &Engine) -> view::PortfolioSummary {
        let portfolio = engine.portfolio();
        let losses = engine.losses();
        view::PortfolioSummary {
            equity: portfolio.equity().into(),
            wallet_balance: portfolio.wallet_balance().into(),
            cash: portfolio.cash().into(),
            realized_pnl: portfolio.realized().into(),
            unrealized_pnl: portfolio.unrealized().into(),
            fees: portfolio.fees().into(),
            funding: portfolio.funding().into(),
            initial_balance: portfolio.initial().into(),
            high_water_mark: losses.high_water_mark().into(),
            drawdown: losses.drawdown().into(),
            daily_loss: losses.daily_loss().into(),
            drawdown_state: match engine.drawdown_stage() {
                DrawdownStage::Normal => view::DrawdownState::Normal,
                DrawdownStage::Caution => view::DrawdownState::Caution,
                DrawdownStage::Reducing => view::DrawdownState::Reducing,
                DrawdownStage::Halted => view::DrawdownState::Halted,
            },
            buy_and_hold: self.hold.value().into(),
            as_of: Some(engine.now().into()),
            verified: all_verified(engine),
        }
    }

    fn positions(&self, engine: &Engine) -> view::Positions {
        let shown = |symbol: SymbolId| {
            let shown = engine.symbol_view(symbol)?;
            let side = view::PositionSide::of(shown.position)?;
            let instrument = self.instrument(symbol);
            let price = |ticks| instrument.price(ticks).into();
            let position = engine.portfolio().position(symbol);
            let mark = shown.mark.or(shown.entry)?;
            Some(view::Position {
                symbol: instrument.symbol.to_string(),
                side,
                quantity: instrument.quantity(shown.position.abs()).into(),
                entry_price: price(shown.entry?),
                mark_price: price(mark),
                unrealized_pnl: engine.portfolio().unrealized_of(symbol).into(),
                realized_pnl: position.realized().into(),
                notional: instrument.notional(mark, shown.position).abs().into(),
                stop_price: shown.stop.map(price),
                take_profit_price: shown.take_profit.map(price),
                verified: shown.verified,
                opened_at: position.opened().unwrap_or(engine.now()).into(),
            })
        };
        view::Positions { positions: self.symbols().filter_map(shown).collect() }
    }

    fn orders(&self, engine: &Engine) -> view::Orders {
        let mut ended = 0;
        let wanted = |tracked: &&Tracked| {
            let open = tracked.order.state.is_working();
            ended += usize::from(!open);
            open || ended <= ORDERS_SHOWN
        };
        let shown = |tracked: &Tracked| {
            let instrument = self.instrument(tracked.order.request.symbol);
            let reason = tracked.refusal.map(|code| format!("refused by the venue: {}", code.0));
            view::Order::of(&tracked.order, instrument, reason)
        };
        view::Orders { orders: engine.orders().filter(wanted).map(shown).collect() }
    }

    fn agents(&self, engine: &Engine) -> view::Agents {
        let shown = |place: usize| {
            let id = AgentId(u16::try_from(place).ok()?);
            let config = self.started.config.agents.get(place)?;
            let (state, weight) = engine.agent_view(id)?;
            let judged = state.skill.judged();
            let answers = state.opinions + state.abstentions;
            let brier = (judged > 0).then(|| state.skill.brier());
            self.metrics.agent_skill(
                id,
                AgentSkill {
                    weight,
                    activity: share(state.opinions, answers),
                    brier: brier.map(Ratio::to_f64),
                },
            );
            let last_opinion = state.last.as_ref().map(|(at, opinion)| {
                let (direction, confidence) = match opinion.view {
                    View::Opinion { direction, confidence } => (Some(direction), Some(confidence)),
                    View::Abstain => (None, None),
                };
                view::LastOpinion {
                    at: (*at).into(),
                    symbol: self.instrument(opinion.symbol).symbol.to_string(),
                    direction: direction.map(Into::into),
                    confidence: confidence.map(Into::into),
                    abstained: direction.is_none(),
                    reason: opinion.reason.to_string(),
                }
            });
            Some(view::Agent {
                name: config.name.clone(),
                strategy: config.strategy.clone(),
                authority: match config.authority {
                    sapphire_engine::config::Authority::Consensus { .. } => {
                        view::Authority::Consensus
                    }
                    sapphire_engine::config::Authority::Delegated { .. } => {
                        view::Authority::Delegated
                    }
                },
                paused: state.paused,
                weight: weight.into(),
                brier: brier.map(Into::into),
                opinions: state.opinions,
                abstentions: state.abstentions,
                hit_rate: (judged > 0).then(|| share(state.skill.hits(), judged).into()),
                last_opinion,
            })
        };
        view::Agents { agents: (0..self.agents.len()).filter_map(shown).collect() }
    }

    fn risk(&self, engine: &Engine) -> view::Risk {
        let enforced = engine.enforced_policy();
        let limits = engine
            .headroom()
            .into_iter()
            .filter_map(|row| limit_use(row.name, row.limit, row.value));
        view::Risk {
            policy: view::PolicyInForce {
                name: self.labels.policy.clone(),
                generation: enforced.generation,
                hash: enforced.hash.clone(),
                acknowledged_at: self.news.acknowledged.map(Into::into),
                acknowledged_wall_time: self.news.acknowledged_wall.map(Into::into),
                delay_millis: self
                    .news
                    .delay
                    .map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
                file: self.labels.policy_file.clone(),
                last_refused: self.news.refused.as_ref().map(|(at, message)| view::RefusedPolicy {
                    at: (*at).into(),
                    message: message.clone(),
                }),
            },
            trading_state: engine.state().into(),
            on_halt: engine.policy().on_halt.into(),
            flat: engine.is_flat(),
            flat_since: engine.flat_since().map(Into::into),
            halted_at: engine.halted_since().map(Into::into),
            limits: limits.collect(),
            pending: engine.pending_policy().map(|change| view::PendingPolicy {
                generation: change.generation,
                looser: Vec::new(),
            }),
        }
    }

    fn venue_said(&mut self, report: &VenueReport, engine: &Engine) {
        match *report {
            VenueReport::Fill(fill) => self.filled(&fill, engine),
            VenueReport::Submit { order, outcome } => {
                let to = match outcome {
                    SubmitOutcome::Accepted => OrderState::Accepted,
                    SubmitOutcome::Refused(_) => OrderState::Rejected,
                    SubmitOutcome::NotSent => OrderState::NotAccepted,
                    SubmitOutcome::Unknown(_) => OrderState::Unknown,
                };
                if self.live && engine.order(order).is_some() {
                    self.metrics.order_moved(Some(OrderState::Submitted), to);
                }
            }
            _ => {}
        }
    }

    fn filled(&mut self, fill: &Fill, engine: &Engine) {
        let order = fill.order.and_then(|order| engine.order(order));
        let purpose = order.map_or(Purpose::Flatten, |tracked| tracked.order.request.purpose);
        let point = FillPoint {
            at: fill.at,
            side: fill.side,
            price: fill.price,
            quantity: fill.quantity,
            order: fill.order,
            purpose,
        };
        self.publisher.fill(fill.symbol, point);
        let since = &mut self.unverified_since[fill.symbol.index()];
        *since = since.or(Some(fill.at));
        if self.live {
            self.metrics.fill(fill.side);
        }
    }
}

impl Witness for Exhibit {
    fn record(&mut self, at: Timestamp, link: Link, record: &Record, engine: &Engine) {
        self.reporter.record(at, link, record, engine);
        self.head = Some(link);
        self.publisher.journal_head(link.sequence);
        self.publisher.mark(Sections::touched_by(record));
        match record {
            Record::Round(round) => {
                let instrument = &self.started.config.instruments[round.symbol.index()];
                self.rounds.round(at, round, instrument, &self.agents);
                if self.live {
                    self.metrics.round(round.outcome);
                    for vote in &round.votes {
                        if let Some(view) = &vote.view {
                            self.metrics.opinion(vote.agent, spoken(view));
                        }
                    }
                }
            }
            Record::CommandRefused { reason, .. } => self.refusal = Some(reason.clone()),
            Record::Decision(decision) => self.rounds.decision(decision),
            Record::Intent(intent) => {
                let symbol = intent.request.symbol;
                let instrument = &self.started.config.instruments[symbol.index()];
                self.rounds.intent(intent, instrument);
                if self.live {
                    let verdict = &intent.verdict;
                    let state =
                        if verdict.approved { OrderState::Submitted } else { OrderState::Denied };
                    self.metrics.order_moved(None, state);
                    verdict.denials().for_each(|denial| self.metrics.denied(denial.rule));
                    if verdict.approved {
                        self.metrics.submitted(intent.request.purpose);
                    }
                }
            }
            Record::Venue(report) => self.venue_said(report, engine),
            Record::PositionChecked { symbol, verified: true, .. } => {
                if let Some(since) = self.unverified_since[symbol.index()].take() {
                    let took = u64::try_from((at - since).0).unwrap_or(0);
                    if self.live {
                        self.metrics.verified(Duration::from_nanos(took));
                    }
                }
            }
            Record::TradingState { state, .. } => {
                tracing::info!(?state, "the trading state changed");
                self.metrics.trading_state(*state);
            }
            _ => {}
        }
    }

    fn market(&mut self, at: Timestamp, symbol: SymbolId, event: &MarketEvent<'_>, _: &Engine) {
        self.publisher.mark(Sections::MARKED_TO_MARKET);
        self.events += 1;
        match event {
            MarketEvent::Trade(trade) => {
                self.days[symbol.index()].observe(at, trade.price, trade.quantity);
            }
            MarketEvent::Broken => {
                self.feed_errors += 1;
                self.symbol_errors[symbol.index()] = Some("its feed broke".to_owned());
                self.metrics.feed_error(symbol);
            }
            MarketEvent::Restored => self.symbol_errors[symbol.index()] = None,
            _ => {}
        }
        if self.live {
            let now = Instant::now();
            self.received = Some(now);
            self.metrics.events(1);
            self.metrics.feed_event(symbol, now);
        }
    }

    fn bar(&mut self, at: Timestamp, symbol: SymbolId, engine: &Engine) {
        self.reporter.bar(at, symbol, engine);
        let Some(bar) = engine.symbol_view(symbol).and_then(|shown| shown.last_bar) else {
            return;
        };
        self.publisher.bar(symbol, &bar);
        self.hold.observe(symbol, bar.close);
        // Trades are counted one by one where there are any.
        if bar.taker_buy_volume.is_none() {
            self.days[symbol.index()].observe(at, bar.close, bar.volume);
        }
        self.publisher.equity_point(CurvePoint {
            at,
            equity: engine.portfolio().equity(),
            drawdown: engine.losses().drawdown(),
            buy_and_hold: self.hold.value(),
        });
    }

    fn sends(&mut self) {
        if let (true, Some(received)) = (self.live, self.received) {
            self.metrics.intent(received.elapsed());
        }
    }

    fn alert(&mut self, at: Timestamp, alert: &Alert) {
        let message = alert.message.as_str();
        match alert.severity {
            Severity::Info => tracing::info!(event_time = %at, "{message}"),
            Severity::Warning => tracing::warn!(event_time = %at, "{message}"),
            Severity::Critical => tracing::error!(event_time = %at, "{message}"),
        }
        if alert.severity > Severity::Info {
            self.last_error = Some(view::LastError {
                at: SystemTime::now().into(),
                place: alert
                    .symbol
                    .map_or("desk".to_owned(), |s| self.instrument(s).symbol.to_string()),
                message: alert.message.clone(),
            });
            if let Some(symbol) = alert.symbol {
                self.symbol_errors[symbol.index()] = Some(alert.message.clone());
            }
        }
        if self.live {
            self.metrics.alert(alert.severity);
        }
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

fn all_verified(engine: &Engine) -> bool {
    (0_u16..).map_while(|place| engine.symbol_view(SymbolId(place))).all(|symbol| symbol.verified)
}

fn share(part: u64, whole: u64) -> Ratio {
    let part = Amount(i128::from(part));
    part.ratio_of(Amount(i128::from(whole))).unwrap_or(Ratio::ZERO)
}

fn account(engine: &Engine) -> Account {
    let portfolio = engine.portfolio();
    let losses = engine.losses();
    let (gross, net, open) = engine.exposure();
    Account {
        equity: portfolio.equity(),
        verified: all_verified(engine),
        high_water_mark: losses.high_water_mark(),
        realized_pnl: portfolio.realized(),
        unrealized_pnl: portfolio.unrealized(),
        fees: portfolio.fees(),
        funding: portfolio.funding(),
        gross_exposure: gross,
        net_exposure: net,
        leverage: gross.ratio_of(portfolio.equity()).unwrap_or(Ratio::ZERO),
        drawdown: losses.drawdown(),
        daily_loss: losses.daily_loss(),
        open_positions: open,
    }
}

/// A limit and how much of it is used, in decimals; what is not known is not shown.
fn limit_use(name: &str, limit: RuleValue, value: RuleValue) -> Option<view::LimitUse> {
    let units = |value: RuleValue| match value {
        RuleValue::Amount(amount) => Some((amount, "quote")),
        RuleValue::Ratio(ratio) => Some((Amount(ratio.0.into()), "ratio")),
        RuleValue::Count(count) => Some((Amount::whole(count), "count")),
        _ => None,
    };
    let ((limit, unit), (value, _)) = (units(limit)?, units(value)?);
    let unit = if name == "maxLeverage" { "x" } else { unit };
    let used = value.max(Amount::ZERO);
    Some(view::LimitUse {
        name: name.to_owned(),
        unit: unit.to_owned(),
        limit: limit.into(),
        value: value.into(),
        headroom: (limit - used).max(Amount::ZERO).into(),
        fraction: used.ratio_of(limit).unwrap_or(Ratio::ONE).into(),
    })
}
