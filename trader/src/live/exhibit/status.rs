//! What the desk is, and how the process is doing.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, SymbolId};
use sapphire_engine::policy::TradingState;
use sapphire_engine::{Engine, VERSION};

use super::{Exhibit, symbols};
use crate::api::view;
use crate::market::Oddity;
use crate::report::{self, Report};
use crate::store::CommitTimes;

/// Over how long a rate is taken.
const RATE_OVER: Duration = Duration::from_secs(2);

impl Exhibit {
    pub(super) fn status(&self, engine: &Engine, done: u64) -> view::SystemStatus {
        let config = engine.config();
        let stands = self.stands.as_ref().map(|(since, why)| view::StateReason {
            source: view::StateSource::Engine,
            state: view::TradingState::Halted,
            reason: format!("nothing is sent any more: {why}"),
            since: Some((*since).into()),
        });
        let mut words: Vec<_> =
            engine.state_words().filter(|(_, word)| word.state > TradingState::Active).collect();
        words.sort_by_key(|(_, word)| Reverse(word.state));
        let reasons = words.into_iter().map(|(source, word)| view::StateReason {
            source: source.into(),
            state: word.state.into(),
            reason: word.reason.clone(),
            since: Some(word.since.into()),
        });
        view::SystemStatus {
            system: self.narrator.started().system.clone(),
            version: VERSION.to_owned(),
            run_id: config.run.to_string(),
            mode: "Paper".to_owned(),
            venue: "paper".to_owned(),
            phase: self.phase,
            trading_state: self.trading_state(engine),
            trading_state_reasons: stands.into_iter().chain(reasons).collect(),
            event_time: Some(engine.now().into()),
            started_wall_time: self.began_wall.into(),
            progress: Some(view::Progress::new(done, self.labels.events)),
            bar_interval: config.bar_interval.to_string(),
            symbols: symbols(engine)
                .map(|(symbol, instrument)| self.symbol(engine, symbol, instrument))
                .collect(),
            storage: "embedded".to_owned(),
            bus: "embedded".to_owned(),
            notes: self.labels.notes.iter().chain(self.remarks.values()).cloned().collect(),
            journal: view::JournalHead {
                sequence: self.head.map_or(0, |link| link.sequence),
                hash: self.head.map(|link| link.hash.to_string()).unwrap_or_default(),
            },
            report: self.report.clone(),
        }
    }

    /// What holds: a desk that cannot write its journal is halted, whatever its engine was told.
    pub(super) fn trading_state(&self, engine: &Engine) -> view::TradingState {
        match self.stands {
            Some(_) => view::TradingState::Halted,
            None => engine.state().into(),
        }
    }

    fn symbol(
        &self,
        engine: &Engine,
        symbol: SymbolId,
        instrument: &Instrument,
    ) -> view::SymbolStatus {
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
            tick_size: instrument.price(PriceTicks(1)).into(),
            lot_size: instrument.quantity(QtyLots(1)).into(),
            feed,
            last_price: price.map(|ticks| instrument.price(ticks).into()),
            change24h: day.change().map(Into::into),
            volume24h: price.map(|_| instrument.quantity(day.volume()).into()),
            last_event_time: shown.and_then(|shown| shown.received).map(Into::into),
            last_error: self.symbol_errors[symbol.index()].clone(),
            paused: shown.is_some_and(|shown| shown.paused),
        }
    }

    pub(super) fn health(&mut self, commits: &CommitTimes) -> view::Health {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let quality = &self.labels.quality;
        let sum = |oddity| quality.iter().map(|quality| quality.count(oddity)).sum();
        let data_quality = view::DataQuality {
            off_tick: sum(Oddity::OffTick),
            contradictions: sum(Oddity::Contradictions),
            duplicates: sum(Oddity::Duplicates),
            missing: sum(Oddity::Missing),
            jumps: sum(Oddity::Jumps),
            out_of_order: sum(Oddity::OutOfOrder),
            sequence_gaps: sum(Oddity::SequenceGaps),
            below_lot: sum(Oddity::BelowLot),
            unsynchronised: sum(Oddity::Unsynchronised),
        };
        view::Health {
            uptime_seconds: self.began.elapsed().as_secs_f64(),
            events_total: self.events,
            events_per_second: self.events_per_second(),
            journal: view::JournalHealth {
                commits: commits.count,
                last_commit_micros: micros(commits.last),
                p99_commit_micros: micros(commits.p99()),
            },
            last_error: self.last_error.clone(),
            feed_errors: self.feed_errors,
            data_quality,
        }
    }

    #[allow(clippy::cast_precision_loss)] // a rate
    fn events_per_second(&mut self) -> f64 {
        let (since, before, _) = self.rate;
        let elapsed = since.elapsed();
        if elapsed >= RATE_OVER {
            let rate = self.events.saturating_sub(before) as f64 / elapsed.as_secs_f64();
            self.rate = (Instant::now(), self.events, rate);
        }
        self.rate.2
    }
}

/// A report as the status tells it.
pub(super) fn shown_report(text: String, report: &Report) -> view::Report {
    let figures = serde_json::to_value(&report.performance)
        .ok()
        .and_then(|value| value.as_object().cloned())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, value)| value.as_str().map(|text| (name, text.to_owned())))
        .collect();
    let sections = report::sections(report).into_iter().map(|section| view::ReportSection {
        title: section.title.to_owned(),
        wide: section.wide,
        facts: section
            .facts
            .into_iter()
            .map(|fact| view::ReportFact { name: fact.name, value: fact.value })
            .collect(),
    });
    view::Report { text, headline: report::headline(report), sections: sections.collect(), figures }
}
