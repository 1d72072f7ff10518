//! The report as one who looks on while a desk works.

use sapphire_engine::Engine;
use sapphire_engine::effect::Alert;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::journal::{Link, Record};
use sapphire_engine::market::MarketEvent;
use sapphire_engine::time::Timestamp;

use super::builder::ReportBuilder;
use crate::desk::Witness;

impl Witness for ReportBuilder {
    fn record(&mut self, at: Timestamp, _: Link, record: &Record, engine: &Engine) {
        self.on_record(at, record, engine);
    }

    /// A bar's close is a point of the curve; on a stream, the first event after each interval is.
    #[inline]
    fn market(
        &mut self,
        at: Timestamp,
        symbol: SymbolId,
        event: &MarketEvent<'_>,
        engine: &Engine,
    ) {
        if matches!(event, MarketEvent::Bar(_)) || self.is_interval_over(at, symbol) {
            let portfolio = engine.portfolio();
            if let Some(mark) = portfolio.mark_price(symbol) {
                self.on_bar(at, symbol, mark, portfolio.equity());
            }
        }
    }

    fn alert(&mut self, _: Timestamp, _: &Alert) {}
}
