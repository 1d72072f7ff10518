//! What people are shown: the engine's state and the journal's records, turned into the API's
//! sections, into metrics and into the log while the desk works. It looks on, and changes nothing.

mod account;
mod agents;
mod measures;
mod orders;
mod risk;
mod rounds;
mod status;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use sapphire_engine::Engine;
use sapphire_engine::effect::{Alert, Severity};
use sapphire_engine::event::PolicyChange;
use sapphire_engine::instrument::{Instrument, SymbolId};
use sapphire_engine::journal::{Link, Record, RunStarted};
use sapphire_engine::market::MarketEvent;
use sapphire_engine::order::Purpose;
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::{Fill, VenueReport};

use self::account::AccountBook;
use self::measures::Measures;
use self::orders::Reasons;
use self::risk::PolicyNews;
use self::rounds::Rounds;
use crate::api::published::{DeskFacts, FillPoint, Published, Publisher, Sections};
use crate::api::view;
use crate::desk::{Reporter, Witness};
use crate::lineage::Narrator;
use crate::market::{DayWindow, Quality};
use crate::report::{Report, Surroundings};
use crate::store::CommitTimes;
use crate::telemetry::metrics::DeskMetrics;

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

/// What a remark for people is about; a newer one takes the older one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Manifests that act at a start alone.
    Manifests,
    /// The policy's file, when nobody follows it any more.
    Policy,
}

/// Shows a desk while it works.
#[derive(Debug)]
pub struct Exhibit {
    publisher: Publisher,
    measures: Measures,
    reporter: Reporter,
    narrator: Narrator,
    labels: Labels,
    remarks: BTreeMap<About, String>,
    began: Instant,
    began_wall: SystemTime,
    phase: view::Phase,
    account: AccountBook,
    rounds: Rounds,
    reasons: Reasons,
    days: Vec<DayWindow>,
    symbol_errors: Vec<Option<String>>,
    last_error: Option<view::LastError>,
    feed_errors: u64,
    policy: PolicyNews,
    head: Option<Link>,
    /// Market events that were taken in.
    events: u64,
    /// How many there had been at an earlier moment, and the rate between then and a later one.
    rate: (Instant, u64, f64),
    report: Option<view::Report>,
    /// Since when nothing is sent any more, and why: the journal failed, so the engine is not told,
    /// and no record says it.
    stands: Option<(Timestamp, String)>,
    /// Why the engine refused the command that is being carried out.
    refusal: Option<String>,
    /// A recovery works through what was shown before: it counts for the page, not for the log and
    /// the metrics of this process.
    live: bool,
}

impl Exhibit {
    /// For the run that begins with `started`; the second part goes to the server.
    #[must_use]
    pub fn new(started: &RunStarted, labels: Labels, metrics: DeskMetrics) -> (Self, Published) {
        let config = &started.config;
        let (publisher, published) = Publisher::new(DeskFacts {
            instruments: config.instruments.clone(),
            agents: config.agents.iter().map(|agent| agent.name.clone()).collect(),
            bar_interval: config.bar_interval,
        });
        let symbols = config.instruments.len();
        let exhibit = Self {
            publisher,
            measures: Measures::new(metrics),
            reporter: Reporter::new(started),
            narrator: Narrator::new(started.clone()),
            policy: PolicyNews::new(&labels),
            labels,
            remarks: BTreeMap::new(),
            began: Instant::now(),
            began_wall: SystemTime::now(),
            phase: view::Phase::Starting,
            account: AccountBook::new(config.balance, symbols),
            rounds: Rounds::default(),
            reasons: Reasons::default(),
            days: vec![DayWindow::default(); symbols],
            symbol_errors: vec![None; symbols],
            last_error: None,
            feed_errors: 0,
            head: None,
            events: 0,
            rate: (Instant::now(), 0, 0.0),
            report: None,
            stands: None,
            refusal: None,
            live: false,
        };
        (exhibit, published)
    }

    /// The desk goes on from here.
    pub fn begin(&mut self, engine: &Engine) {
        self.live = true;
        self.phase = view::Phase::Running;
        self.measures.begin(engine, self.reporter.record_so_far());
        self.policy.in_force(engine.now(), None);
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
        self.policy.in_force(engine.now(), Some(delay));
        self.measures.policy(engine.enforced_policy().generation, delay);
        self.publisher.mark(Sections::RISK);
    }

    /// The policy's file holds this one, which may not act whole yet.
    pub fn policy_read(&mut self, engine: &Engine, policy: &PolicyChange) {
        self.policy.holds(engine, policy);
        self.publisher.mark(Sections::RISK);
    }

    /// A policy was refused; the old one stays.
    pub fn policy_refused(&mut self, why: &str) {
        self.policy.refused(why);
        self.publisher.mark(Sections::RISK);
    }

    /// Something that a person should know while it lasts; none when it is over.
    pub fn remark(&mut self, about: About, words: Option<String>) {
        match words {
            Some(words) => self.remarks.insert(about, words),
            None => self.remarks.remove(&about),
        };
        self.publisher.mark(Sections::STATUS);
    }

    /// Something went wrong, and where.
    pub fn went_wrong(&mut self, place: &str, message: String) {
        let at = SystemTime::now().into();
        self.last_error = Some(view::LastError { at, place: place.to_owned(), message });
        self.publisher.mark(Sections::HEALTH | Sections::STATUS);
    }

    /// The desk cannot go on, and why: nothing is sent any more.
    pub fn stands(&mut self, engine: &Engine, message: &str) {
        self.stands = Some((engine.now(), message.to_owned()));
        self.labels.notes.push(format!("halted, nothing is sent any more: {message}"));
        self.went_wrong("journal", message.to_owned());
        self.measures.stands();
        self.enter(view::Phase::Failed);
    }

    /// A command is about to be carried out.
    pub fn watch_command(&mut self) {
        self.refusal = None;
    }

    /// Why the engine refused it, if it did.
    pub fn take_refusal(&mut self) -> Option<String> {
        self.refusal.take()
    }

    /// How far behind its schedule the desk is.
    pub fn lag(&self, lag: Duration) {
        self.measures.lag(lag);
    }

    /// How long commits of the journal took.
    pub fn committed(&self, took: impl IntoIterator<Item = Duration>) {
        took.into_iter().for_each(|took| self.measures.commit(took));
    }

    /// Sums the run up.
    #[must_use]
    pub fn sum_up(&self, engine: &Engine, surroundings: &Surroundings<'_>) -> Report {
        self.reporter.report(engine, surroundings)
    }

    /// The final report, for the page.
    pub fn reported(&mut self, text: String, report: &Report) {
        self.report = Some(status::shown_report(text, report));
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

    fn build(&mut self, due: Sections, engine: &Engine, done: u64, commits: &CommitTimes) {
        self.publish(due, engine, done, commits);
        self.publisher.settle();
    }

    fn publish(&mut self, due: Sections, engine: &Engine, done: u64, commits: &CommitTimes) {
        if due.contains(Sections::STATUS) {
            let status = self.status(engine, done);
            self.publisher.status(status);
        }
        if due.contains(Sections::HEALTH) {
            let health = self.health(commits);
            self.publisher.health(health);
        }
        if due.contains(Sections::PORTFOLIO) {
            self.publisher.portfolio(self.account.summary(engine));
            self.measures.account(engine, self.reporter.record_so_far());
        }
        if due.contains(Sections::POSITIONS) {
            self.publisher.positions(account::positions(engine));
        }
        if due.contains(Sections::ORDERS) {
            self.publisher.orders(orders::orders(engine, &self.reasons));
            self.show_stops(engine);
        }
        if due.contains(Sections::AGENTS) {
            self.publisher.agents(agents::agents(engine));
            self.measures.agents(engine);
        }
        if due.contains(Sections::DECISIONS) {
            self.publisher.decisions(self.rounds.newest_first());
        }
        if due.contains(Sections::RISK) {
            self.publisher.risk(self.risk(engine));
        }
    }

    fn show_stops(&mut self, engine: &Engine) {
        for (symbol, _) in symbols(engine) {
            let working = engine.working_orders().map(|tracked| &tracked.order.request);
            let stops = working
                .filter(|request| request.symbol == symbol && request.purpose == Purpose::Stop)
                .filter_map(|request| Some((request.id, request.kind.trigger()?)))
                .collect();
            self.publisher.stops(symbol, stops);
        }
    }

    fn filled(&mut self, fill: &Fill, engine: &Engine) {
        let order = fill.order.and_then(|order| engine.order(order));
        let purpose = order.map_or(Purpose::Flatten, |tracked| tracked.order.request.purpose);
        let Fill { at, side, price, quantity, order, .. } = *fill;
        self.publisher.fill(fill.symbol, FillPoint { at, side, price, quantity, order, purpose });
    }

    fn log(&self, at: Timestamp, link: Link, record: &Record) {
        let sequence = link.sequence;
        match record {
            // Alerts are told apart, by severity.
            Record::Alert(_) => {}
            Record::TradingState { .. }
            | Record::Flat
            | Record::PolicyFound
            | Record::CommandRefused { .. }
            | Record::Stopping
            | Record::Continuing
            | Record::Restarted { .. }
            | Record::RunFinished { .. } => {
                tracing::info!(event_time = %at, sequence, "{}", self.narrator.tell(record));
            }
            _ if tracing::enabled!(tracing::Level::DEBUG) => {
                tracing::debug!(event_time = %at, sequence, "{}", self.narrator.tell(record));
            }
            _ => {}
        }
    }
}

impl Witness for Exhibit {
    fn record(&mut self, at: Timestamp, link: Link, record: &Record, engine: &Engine) {
        self.reporter.record(at, link, record, engine);
        self.head = Some(link);
        self.publisher.journal_head(link.sequence);
        self.publisher.mark(Sections::touched_by(record));
        self.rounds.take(at, record, engine.config());
        self.reasons.take(record, &self.narrator);
        match record {
            Record::CommandRefused { reason, .. } => self.refusal = Some(reason.clone()),
            Record::Venue(VenueReport::Fill(fill)) => self.filled(fill, engine),
            _ => {}
        }
        if self.live {
            self.measures.record(at, record, engine);
            self.log(at, link, record);
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
            }
            MarketEvent::Restored => self.symbol_errors[symbol.index()] = None,
            _ => {}
        }
        if self.live {
            self.measures.market(symbol, event);
        }
    }

    fn bar(&mut self, at: Timestamp, symbol: SymbolId, engine: &Engine) {
        self.reporter.bar(at, symbol, engine);
        let Some(bar) = engine.symbol_view(symbol).and_then(|shown| shown.last_bar) else {
            return;
        };
        self.publisher.bar(symbol, &bar);
        // Trades are counted one by one where there are any.
        if bar.taker_buy_volume.is_none() {
            self.days[symbol.index()].observe(at, bar.close, bar.volume);
        }
        let point = self.account.observe(at, symbol, bar.close, engine);
        self.publisher.equity_point(point);
    }

    fn sends(&mut self) {
        if self.live {
            self.measures.intent_is_durable();
        }
    }

    fn alert(&mut self, at: Timestamp, alert: &Alert) {
        let message = alert.message.as_str();
        if alert.severity > Severity::Info {
            let instruments = &self.narrator.started().config.instruments;
            let about = alert.symbol.and_then(|symbol| instruments.get(symbol.index()));
            let place = about.map_or("desk".to_owned(), |about| about.symbol.to_string());
            self.went_wrong(&place, message.to_owned());
            if let Some(symbol) = alert.symbol {
                self.symbol_errors[symbol.index()] = Some(message.to_owned());
            }
        }
        if !self.live {
            return;
        }
        self.measures.alert(alert.severity);
        match alert.severity {
            Severity::Info => tracing::info!(event_time = %at, "{message}"),
            Severity::Warning => tracing::warn!(event_time = %at, "{message}"),
            Severity::Critical => tracing::error!(event_time = %at, "{message}"),
        }
    }
}

/// Symbols with their instruments.
fn symbols(engine: &Engine) -> impl Iterator<Item = (SymbolId, &Instrument)> {
    (0_u16..).map(SymbolId).zip(&engine.config().instruments)
}
