//! Keeps a report of a run while it goes.

use sapphire_engine::Engine;
use sapphire_engine::effect::Alert;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::journal::{Link, Record, RunStarted};
use sapphire_engine::market::MarketEvent;
use sapphire_engine::time::Timestamp;

use super::kernel::Witness;
use crate::report::{Report, ReportBuilder, Standing, Surroundings, TradingRecord};

/// Tells a [`ReportBuilder`] what it needs to know.
#[derive(Debug, Clone)]
pub struct Reporter {
    builder: ReportBuilder,
}

impl Reporter {
    /// For a run that begins.
    #[must_use]
    pub fn new(started: &RunStarted) -> Self {
        Self { builder: ReportBuilder::new(started) }
    }

    /// What its closed trades and days amount to so far.
    #[must_use]
    pub fn record_so_far(&self) -> TradingRecord {
        self.builder.record_so_far()
    }

    /// Sums up the run as it stands.
    #[must_use]
    pub fn report(&self, engine: &Engine, surroundings: &Surroundings<'_>) -> Report {
        self.builder.report(&Standing::of(engine), surroundings)
    }
}

impl Witness for Reporter {
    fn record(&mut self, at: Timestamp, _: Link, record: &Record, engine: &Engine) {
        self.builder.on_record(at, record, engine);
    }
    fn market(&mut self, _: Timestamp, _: SymbolId, _: &MarketEvent<'_>, _: &Engine) {}
    fn bar(&mut self, at: Timestamp, symbol: SymbolId, engine: &Engine) {
        let portfolio = engine.portfolio();
        if let Some(mark) = portfolio.mark_price(symbol) {
            self.builder.on_bar(at, symbol, mark, portfolio.equity());
        }
    }
    fn sends(&mut self) {}
    fn alert(&mut self, _: Timestamp, _: &Alert) {}
}
