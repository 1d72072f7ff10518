//! One symbol's recent bars and the desk's fills on them, in integers until somebody reads.

use std::collections::VecDeque;

use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots};
use sapphire_engine::market::Bar;
use sapphire_engine::order::{Purpose, Side};
use sapphire_engine::time::{Span, Timestamp};

use crate::api::view;

/// Bars kept per symbol, and the most that can be asked for.
pub const BARS_MAX: usize = 2000;
/// Fills kept per symbol.
pub const FILLS_MAX: usize = 1000;

/// A fill, as the market section keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillPoint {
    /// When the venue executed it.
    pub at: Timestamp,
    /// Side.
    pub side: Side,
    /// Price.
    pub price: PriceTicks,
    /// Quantity.
    pub quantity: QtyLots,
    /// Our order; `None` for what is not ours.
    pub order: Option<OrderId>,
    /// Why the order existed; `Flatten` for what is not ours.
    pub purpose: Purpose,
}

/// One symbol's recent market.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MarketSeries {
    bars: VecDeque<Bar>,
    fills: VecDeque<(u64, FillPoint)>,
    fills_seen: u64,
    stops: Vec<(OrderId, PriceTicks)>,
}

impl MarketSeries {
    pub(super) fn push_bar(&mut self, bar: Bar) {
        if self.bars.len() == BARS_MAX {
            self.bars.pop_front();
        }
        self.bars.push_back(bar);
    }

    /// `sequence` is the journal's number at the fill.
    pub(super) fn push_fill(&mut self, sequence: u64, fill: FillPoint) {
        if self.fills.len() == FILLS_MAX {
            self.fills.pop_front();
        }
        self.fills.push_back((sequence, fill));
        self.fills_seen += 1;
    }

    /// Says whether the stops changed.
    pub(super) fn set_stops(&mut self, stops: Vec<(OrderId, PriceTicks)>) -> bool {
        let changed = self.stops != stops;
        self.stops = stops;
        changed
    }

    /// Fills so far, forgotten ones included: a reader that remembers it asks for what is new with
    /// [`MarketSeries::update`].
    #[must_use]
    pub const fn fills_seen(&self) -> u64 {
        self.fills_seen
    }

    /// How many fills a reader has seen that knows the journal up to record `sequence`.
    #[must_use]
    pub fn fills_seen_at(&self, sequence: u64) -> u64 {
        let newer = self.fills.iter().rev().take_while(|(at, _)| *at > sequence).count();
        self.fills_seen - newer as u64
    }

    /// How many fills there were before the newest `bars` bars.
    #[must_use]
    pub fn fills_seen_before_bars(&self, bars: usize) -> u64 {
        let first = self.bars.get(self.bars.len().saturating_sub(bars)).map(|bar| bar.open_time);
        let on_them = |fill: &&(u64, FillPoint)| first.is_none_or(|first| fill.1.at >= first);
        self.fills_seen - self.fills.iter().filter(on_them).count() as u64
    }

    /// The newest `points` bars, with the fills since the first of them.
    #[must_use]
    pub fn market(
        &self,
        instrument: &Instrument,
        bar_interval: Span,
        points: usize,
    ) -> view::Market {
        let first = self.bars.len().saturating_sub(points);
        let since = self.bars.get(first).map(|bar| bar.open_time);
        let shown = |fill: &&(u64, FillPoint)| since.is_none_or(|since| fill.1.at >= since);
        view::Market {
            symbol: instrument.symbol.to_string(),
            bar_interval: bar_interval.to_string(),
            bars: self.bars.range(first..).map(|bar| view::Bar::of(bar, instrument)).collect(),
            fills: self
                .fills
                .iter()
                .filter(shown)
                .map(|(_, fill)| tell(fill, instrument))
                .collect(),
            stops: self.stop_lines(instrument),
        }
    }

    /// The newest bar's open time: a reader that remembers it asks for what is new with
    /// [`MarketSeries::update`].
    #[must_use]
    pub fn newest_bar(&self) -> Option<Timestamp> {
        self.bars.back().map(|bar| bar.open_time)
    }

    /// The bars that opened after `bar` (all where it is `None`), the newest `bars` of them at most,
    /// the fills after the first `seen` ones, and the stops.
    #[must_use]
    pub fn update(
        &self,
        instrument: &Instrument,
        bar: Option<Timestamp>,
        bars: usize,
        seen: u64,
    ) -> view::MarketUpdate {
        let told = |old: &Bar| bar.is_some_and(|bar| old.open_time <= bar);
        let untold = self.bars.partition_point(told).max(self.bars.len().saturating_sub(bars));
        let new = usize::try_from(self.fills_seen.saturating_sub(seen)).unwrap_or(usize::MAX);
        let first = self.fills.len().saturating_sub(new);
        view::MarketUpdate {
            symbol: instrument.symbol.to_string(),
            bars: self.bars.range(untold..).map(|bar| view::Bar::of(bar, instrument)).collect(),
            fills: self.fills.range(first..).map(|(_, fill)| tell(fill, instrument)).collect(),
            stops: self.stop_lines(instrument),
        }
    }

    fn stop_lines(&self, instrument: &Instrument) -> Vec<view::StopLine> {
        let line = |(order, price): &(OrderId, PriceTicks)| view::StopLine {
            price: instrument.price(*price).into(),
            order_id: order.to_string(),
        };
        self.stops.iter().map(line).collect()
    }
}

fn tell(fill: &FillPoint, instrument: &Instrument) -> view::Fill {
    view::Fill {
        t: fill.at.into(),
        side: fill.side.into(),
        price: instrument.price(fill.price).into(),
        quantity: instrument.quantity(fill.quantity).into(),
        order_id: fill.order.map(|order| order.to_string()).unwrap_or_default(),
        purpose: fill.purpose.into(),
    }
}
