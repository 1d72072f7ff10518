//! What Prometheus scrapes, under its naming rules: base units in the names (`_seconds`, `_ratio`,
//! `_quote` for the quote currency), `_total` on counters, states as one series each.
//!
//! The desk thread owns a [`DeskMetrics`], whose series are resolved before the run begins: to count
//! is one atomic addition. The server owns the [`HttpMetrics`].

mod account;
mod agents;
mod desk;
mod http;
mod registrar;

pub use account::Account;
pub use agents::{AgentSkill, SpokenView};
pub use desk::DeskMetrics;
pub use http::HttpMetrics;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus::{Encoder, Gauge, GaugeVec, IntCounter, Opts, Registry, TextEncoder};

use super::logs;
use registrar::Registrar;

/// The content type of [`Metrics::render`]'s text.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// All series of a process, in a registry of their own.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    feeds: Feeds,
    log: Log,
    /// The server's part.
    pub http: HttpMetrics,
}

impl Metrics {
    /// Registers everything, for a desk of these symbols and agents. The second part goes to the
    /// desk thread.
    ///
    /// # Errors
    /// Two series of one name, which is a defect of this module.
    pub fn new(symbols: &[String], agents: &[String]) -> prometheus::Result<(Self, DeskMetrics)> {
        let registry = Registry::new();
        let registrar = Registrar::new(&registry);
        registrar.build_info()?;
        registrar.process_start_time()?;
        let feeds = Feeds::new(&registrar, symbols)?;
        let desk = DeskMetrics::new(&registrar, symbols, agents, feeds.clock.clone())?;
        let log = Log::new(&registrar)?;
        let http = HttpMetrics::new(&registrar)?;
        Ok((Self { registry, feeds, log, http }, desk))
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// A series that cannot be written, which is a defect of this module.
    pub fn render(&self) -> prometheus::Result<String> {
        self.feeds.refresh();
        self.log.refresh();
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

/// Receive times of the feeds: the desk notes them, a scrape turns them into ages.
#[derive(Debug)]
struct Feeds {
    clock: Arc<FeedClock>,
    ages: Vec<Gauge>,
}

/// When each symbol's newest event was received, in milliseconds since `began`, plus one; 0 before
/// the first.
#[derive(Debug)]
struct FeedClock {
    began: Instant,
    received: Vec<AtomicU64>,
}

impl FeedClock {
    fn received(&self, symbol: usize, now: Instant) {
        if let Some(last) = self.received.get(symbol) {
            let millis = now.saturating_duration_since(self.began).as_millis();
            last.store(u64::try_from(millis).unwrap_or(u64::MAX - 1) + 1, Ordering::Relaxed);
        }
    }
}

impl Feeds {
    fn new(registrar: &Registrar<'_>, symbols: &[String]) -> prometheus::Result<Self> {
        let opts = Opts::new(
            "sapphire_feed_age_seconds",
            "Wall time since the symbol's newest event was received; since the start before the first.",
        );
        let ages = registrar.register(GaugeVec::new(opts, &["symbol"])?)?;
        let received = symbols.iter().map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            clock: Arc::new(FeedClock { began: Instant::now(), received }),
            ages: symbols.iter().map(|symbol| ages.with_label_values(&[symbol])).collect(),
        })
    }

    fn refresh(&self) {
        let since_start = self.clock.began.elapsed();
        for (age, received) in self.ages.iter().zip(&self.clock.received) {
            let received = received.load(Ordering::Relaxed).saturating_sub(1);
            let silence = since_start.saturating_sub(Duration::from_millis(received));
            age.set(silence.as_secs_f64());
        }
    }
}

/// What the log lost, which it counts itself.
#[derive(Debug)]
struct Log {
    lost: IntCounter,
    told: AtomicU64,
}

impl Log {
    fn new(registrar: &Registrar<'_>) -> prometheus::Result<Self> {
        let lost = registrar.counter(
            "sapphire_log_lines_lost_total",
            "Log lines that were not written, since standard error was not read for too long.",
        )?;
        Ok(Self { lost, told: AtomicU64::new(0) })
    }

    fn refresh(&self) {
        let now = logs::lost_lines();
        // Of two scrapes at once the later count is told once.
        let told = self.told.fetch_max(now, Ordering::Relaxed);
        self.lost.inc_by(now.saturating_sub(told));
    }
}

#[cfg(test)]
mod tests;
