//! The desk's side and the readers' side.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sapphire_engine::ids::{AgentId, OrderId};
use sapphire_engine::instrument::{Instrument, PriceTicks, SymbolId};
use sapphire_engine::market::Bar;
use sapphire_engine::time::Span;

use super::life::{Life, Liveness};
use super::{Curve, CurvePoint, FillPoint, MarketSeries, Section, Sections};
use crate::api::view;

/// How often [`Publisher::due`] lets the desk publish. Streams look five times a second, so that
/// what they tell is at most 300 ms old.
pub const PUBLISH_INTERVAL: Duration = Duration::from_millis(100);

/// What never changes in a run: names for readers, units for decimals.
#[derive(Debug, Clone)]
pub struct DeskFacts {
    /// Instruments by [`SymbolId`].
    pub instruments: Vec<Instrument>,
    /// Agents' names by [`AgentId`].
    pub agents: Vec<String>,
    /// Length of a bar.
    pub bar_interval: Span,
}

/// The account and its curve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortfolioState {
    /// The account now.
    pub summary: view::PortfolioSummary,
    /// The run so far.
    pub curve: Curve,
}

/// What readers see. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Published(Arc<Shown>);

/// Every section.
#[derive(Debug)]
pub struct Shown {
    /// What never changes.
    pub facts: DeskFacts,
    /// `/api/system-status`.
    pub status: Section<view::SystemStatus>,
    /// `/api/health-metrics`.
    pub health: Section<view::Health>,
    /// `/api/portfolio`.
    pub portfolio: Section<PortfolioState>,
    /// `/api/positions`.
    pub positions: Section<view::Positions>,
    /// `/api/orders`.
    pub orders: Section<view::Orders>,
    /// `/api/agents`.
    pub agents: Section<view::Agents>,
    /// `/api/decisions`.
    pub decisions: Section<view::Decisions>,
    /// `/api/risk`.
    pub risk: Section<view::Risk>,
    /// `/api/market`, by [`SymbolId`].
    pub markets: Vec<Section<MarketSeries>>,
    /// How many times the desk began or ended to publish: odd while it does.
    moment: AtomicU64,
    life: Life,
}

impl std::ops::Deref for Published {
    type Target = Shown;
    fn deref(&self) -> &Shown {
        &self.0
    }
}

impl Published {
    /// The place of a symbol in the desk's list.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<SymbolId> {
        let index = self.facts.instruments.iter().position(|i| i.symbol.as_str() == name)?;
        u16::try_from(index).ok().map(SymbolId)
    }

    /// The place of an agent in the desk's list.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<AgentId> {
        let index = self.facts.agents.iter().position(|agent| agent == name)?;
        u16::try_from(index).ok().map(AgentId)
    }

    /// The moment that the sections are of, which changes whenever the desk publishes; `None` while it does. Sections
    /// read between two equal moments are of one state of the desk.
    #[must_use]
    pub fn moment(&self) -> Option<u64> {
        let moment = self.moment.load(Ordering::SeqCst);
        moment.is_multiple_of(2).then_some(moment)
    }

    /// Whether the desk thread lives; one that is silent for longer than `patience` has stalled.
    #[must_use]
    pub fn liveness(&self, patience: Duration) -> Liveness {
        self.life.liveness(patience)
    }
}

/// The desk thread's side: see the [module](super) for its use.
#[derive(Debug)]
pub struct Publisher {
    shown: Published,
    marked: Sections,
    last: Option<Instant>,
    sequence: u64,
    curve: Curve,
    markets: Vec<Marked>,
}

#[derive(Debug, Default)]
struct Marked {
    series: MarketSeries,
    changed: bool,
}

impl Publisher {
    /// A desk that has shown nothing yet. The first [`Publisher::due`] asks for every section.
    #[must_use]
    pub fn new(facts: DeskFacts) -> (Self, Published) {
        let symbols = facts.instruments.len();
        let shown = Published(Arc::new(Shown {
            facts,
            status: Section::default(),
            health: Section::default(),
            portfolio: Section::default(),
            positions: Section::default(),
            orders: Section::default(),
            agents: Section::default(),
            decisions: Section::default(),
            risk: Section::default(),
            markets: std::iter::repeat_with(Section::default).take(symbols).collect(),
            moment: AtomicU64::new(0),
            life: Life::begin(),
        }));
        let publisher = Self {
            shown: shown.clone(),
            marked: Sections::ALL,
            last: None,
            sequence: 0,
            curve: Curve::default(),
            markets: std::iter::repeat_with(|| Marked { changed: true, ..Marked::default() })
                .take(symbols)
                .collect(),
        };
        (publisher, shown)
    }

    /// Says that the thread lives: call it every turn of the loop, at least once a second.
    pub fn beat(&self) {
        self.shown.life.beat();
    }

    /// The journal's newest record: streams number their events by it.
    pub const fn journal_head(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    /// Notes that these sections may have changed.
    pub fn mark(&mut self, sections: Sections) {
        self.marked = self.marked | sections;
    }

    /// What the desk should build and publish now: what was marked since the last time, or nothing
    /// when that was less than [`PUBLISH_INTERVAL`] ago. Publishes the markets by itself.
    pub fn due(&mut self, now: Instant) -> Sections {
        let early = |last: Instant| now.saturating_duration_since(last) < PUBLISH_INTERVAL;
        if self.last.is_some_and(early) {
            return Sections::NONE;
        }
        self.last = Some(now);
        self.due_now()
    }

    /// The same, however short ago the last time was: for what people wait for, and for the end.
    pub fn due_now(&mut self) -> Sections {
        self.shown.moment.fetch_or(1, Ordering::SeqCst);
        for (marked, section) in self.markets.iter_mut().zip(&self.shown.markets) {
            if std::mem::take(&mut marked.changed) {
                section.publish(self.sequence, marked.series.clone());
            }
        }
        std::mem::take(&mut self.marked)
    }

    /// What was due is published: call it after that.
    pub fn settle(&self) {
        let moment = self.shown.moment.load(Ordering::SeqCst);
        self.shown.moment.store(moment.next_multiple_of(2), Ordering::SeqCst);
    }

    /// A bar closed.
    pub fn bar(&mut self, symbol: SymbolId, bar: &Bar) {
        if let Some(market) = self.markets.get_mut(symbol.index()) {
            market.series.push_bar(*bar);
            market.changed = true;
        }
    }

    /// The venue executed something of ours; the journal's head is its record.
    pub fn fill(&mut self, symbol: SymbolId, fill: FillPoint) {
        if let Some(market) = self.markets.get_mut(symbol.index()) {
            market.series.push_fill(self.sequence, fill);
            market.changed = true;
        }
    }

    /// The protective stops that stand now. Publishes the market at once where they changed: the
    /// desk says so while it publishes its positions, and the two tell one stop.
    pub fn stops(&mut self, symbol: SymbolId, stops: Vec<(OrderId, PriceTicks)>) {
        let Some(market) = self.markets.get_mut(symbol.index()) else { return };
        if market.series.set_stops(stops) {
            market.changed = false;
            self.shown.markets[symbol.index()].publish(self.sequence, market.series.clone());
        }
    }

    /// The next point of the equity curve: one a bar is plenty.
    pub fn equity_point(&mut self, point: CurvePoint) {
        self.curve.push(point);
        self.mark(Sections::PORTFOLIO);
    }

    /// Publishes the status.
    pub fn status(&mut self, status: view::SystemStatus) {
        self.shown.status.publish(self.sequence, status);
    }

    /// Publishes the health report.
    pub fn health(&mut self, health: view::Health) {
        self.shown.health.publish(self.sequence, health);
    }

    /// Publishes the account, with the curve so far.
    pub fn portfolio(&mut self, summary: view::PortfolioSummary) {
        let current = self.shown.portfolio.current();
        let same = current.is_some_and(|edition| {
            edition.value.summary == summary && edition.value.curve.seen() == self.curve.seen()
        });
        if !same {
            let state = PortfolioState { summary, curve: self.curve.clone() };
            self.shown.portfolio.publish(self.sequence, state);
        }
    }

    /// Publishes the positions.
    pub fn positions(&mut self, positions: view::Positions) {
        self.shown.positions.publish(self.sequence, positions);
    }

    /// Publishes orders, the newest first: every open one, and as many closed ones as readers may
    /// ask for (500).
    pub fn orders(&mut self, orders: view::Orders) {
        self.shown.orders.publish(self.sequence, orders);
    }

    /// Publishes the agents.
    pub fn agents(&mut self, agents: view::Agents) {
        self.shown.agents.publish(self.sequence, agents);
    }

    /// Publishes rounds, the newest first: as many as readers may ask for (200).
    pub fn decisions(&mut self, decisions: view::Decisions) {
        self.shown.decisions.publish(self.sequence, decisions);
    }

    /// Publishes the policy and its limits.
    pub fn risk(&mut self, risk: view::Risk) {
        self.shown.risk.publish(self.sequence, risk);
    }

    /// The desk's orderly end. What was published stays readable.
    pub fn finish(self) {
        self.shown.life.end();
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.shown.life.go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_of_one_moment_only_where_nothing_is_being_published() {
        let facts =
            DeskFacts { instruments: Vec::new(), agents: Vec::new(), bar_interval: Span::hours(1) };
        let (mut publisher, published) = Publisher::new(facts);
        let before = published.moment();
        assert!(before.is_some());
        assert!(!publisher.due(Instant::now()).is_empty());
        assert_eq!(published.moment(), None, "it publishes");
        publisher.settle();
        let after = published.moment();
        assert!(after.is_some() && after != before);
        assert!(publisher.due(Instant::now()).is_empty());
        publisher.settle();
        assert_eq!(published.moment(), after, "nothing was due");
    }
}
