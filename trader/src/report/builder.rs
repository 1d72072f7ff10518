//! Watches a run and sums it up.

use std::collections::{BTreeMap, VecDeque};

use sapphire_engine::Engine;
use sapphire_engine::ids::{DecisionId, RoundId};
use sapphire_engine::instrument::{PriceTicks, SymbolId};
use sapphire_engine::journal::{
    DecisionAction, DecisionRecord, Record, RoundRecord, RunStarted, StateSource,
};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::opinion::View;
use sapphire_engine::order::Side;
use sapphire_engine::policy::TradingState;
use sapphire_engine::risk::RuleId;
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::{Fill, VenueReport};

use super::buy_and_hold::BuyAndHold;
use super::curve::{Curve, Point};
use super::ledger::{Ledger, Share};
use super::order_count::OrderCount;
use super::thinned::Thinned;

/// Decisions whose backers are remembered: a fill follows its decision within a few bars.
const DECISIONS_KEPT: usize = 1024;
/// Fills that are kept for the chart of prices.
const FILLS_KEPT: usize = 4096;

/// A change of the trading state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StateChange {
    pub at: Timestamp,
    pub state: TradingState,
    pub source: StateSource,
    pub reason: String,
}

/// A fill, as a chart shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FillMark {
    pub at: Timestamp,
    pub symbol: SymbolId,
    pub side: Side,
    pub price: PriceTicks,
}

/// What a run stands at, as the engine sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The moment of its last event.
    pub at: Timestamp,
    /// Marked equity.
    pub equity: Amount,
    /// Each symbol's mark.
    pub marks: Vec<Option<PriceTicks>>,
}

impl Standing {
    /// Where an engine stands now.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        let portfolio = engine.portfolio();
        let symbols = u16::try_from(engine.config().instruments.len()).unwrap_or(u16::MAX);
        let marks = (0..symbols).map(|symbol| portfolio.mark_price(SymbolId(symbol))).collect();
        Self { at: engine.now(), equity: portfolio.equity(), marks }
    }
}

/// Watches a run: told of every record and of every closed bar, it can sum up at any time.
#[derive(Debug, Clone)]
pub struct ReportBuilder {
    pub(super) started: RunStarted,
    pub(super) ledger: Ledger,
    pub(super) curve: Curve,
    pub(super) hold: BuyAndHold,
    pub(super) orders: OrderCount,
    pub(super) prices: Vec<Thinned<(Timestamp, PriceTicks)>>,
    pub(super) fills: VecDeque<FillMark>,
    pub(super) bars: u64,
    pub(super) begins: Option<Timestamp>,
    pub(super) transfers: Amount,
    pub(super) denials: BTreeMap<RuleId, u64>,
    pub(super) states: Vec<StateChange>,
    pub(super) ending: Option<String>,
    /// Who agreed in each symbol's last round.
    rounds: Vec<Option<(RoundId, Vec<Share>)>>,
    backers: BTreeMap<DecisionId, Vec<Share>>,
}

impl ReportBuilder {
    /// A run before its first event.
    #[must_use]
    pub fn new(started: &RunStarted) -> Self {
        let symbols = started.config.instruments.len();
        let initial = started.config.balance;
        Self {
            ledger: Ledger::new(&started.config.instruments),
            curve: Curve::new(initial),
            hold: BuyAndHold::new(initial, symbols),
            orders: OrderCount::default(),
            prices: vec![Thinned::default(); symbols],
            fills: VecDeque::new(),
            bars: 0,
            begins: None,
            transfers: Amount::ZERO,
            denials: BTreeMap::new(),
            states: Vec::new(),
            ending: None,
            rounds: vec![None; symbols],
            backers: BTreeMap::new(),
            started: started.clone(),
        }
    }

    /// Takes the close of a symbol's bar at `mark`, and the desk's marked equity then.
    pub fn on_bar(&mut self, at: Timestamp, symbol: SymbolId, mark: PriceTicks, equity: Amount) {
        self.bars += 1;
        self.begins.get_or_insert(at - self.started.config.bar_interval);
        self.ledger.set_price(symbol, mark);
        self.hold.observe(symbol, mark);
        self.prices[symbol.index()].push((at, mark));
        let point = Point { at, equity, hold: self.hold.value() };
        self.curve.observe(point, self.ledger.is_exposed());
    }

    /// Takes a record of the journal; `engine` has written it and knows what it expected of an
    /// order.
    pub fn on_record(&mut self, at: Timestamp, record: &Record, engine: &Engine) {
        let expected = match record {
            Record::Intent(intent) => {
                engine.order(intent.request.id).and_then(|tracked| tracked.expected)
            }
            _ => None,
        };
        self.take(at, record, expected);
    }

    /// Takes a record, and the price expected of the order where it is an intent.
    pub(super) fn take(&mut self, at: Timestamp, record: &Record, expected: Option<PriceTicks>) {
        match record {
            Record::RunStarted(_) => self.begins = Some(at),
            Record::Round(round) => self.take_round(round),
            Record::Decision(decision) => self.take_decision(decision),
            Record::Intent(intent) => {
                for denial in intent.verdict.denials() {
                    *self.denials.entry(denial.rule).or_default() += 1;
                }
                let expected = expected.or_else(|| self.ledger.price(intent.request.symbol));
                self.orders.intent(intent, expected);
            }
            Record::Venue(report) => self.take_report(report),
            Record::TradingState { state, source, reason } => {
                let (state, source, reason) = (*state, *source, reason.clone());
                self.states.push(StateChange { at, state, source, reason });
            }
            Record::RunFinished { reason } => self.ending = Some(reason.clone()),
            _ => {}
        }
    }

    fn take_round(&mut self, round: &RoundRecord) {
        let agrees = |view: &Option<View>| match (view, round.outcome) {
            (Some(View::Opinion { direction, .. }), Some(winner)) => *direction == winner,
            _ => false,
        };
        let agreeing = round.votes.iter().filter(|vote| agrees(&vote.view));
        let shares = agreeing.map(|vote| (vote.agent, vote.weight)).collect();
        self.rounds[round.symbol.index()] = Some((round.id, shares));
    }

    fn take_decision(&mut self, decision: &DecisionRecord) {
        if decision.action == DecisionAction::Exit {
            return;
        }
        let round = self.rounds[decision.symbol.index()].as_ref();
        let backers = match (decision.agent, round) {
            (Some(agent), _) => vec![(agent, Ratio::ONE)],
            (None, Some((id, shares))) if decision.round == Some(*id) => shares.clone(),
            _ => Vec::new(),
        };
        self.backers.insert(decision.id, backers);
        if self.backers.len() > DECISIONS_KEPT {
            self.backers.pop_first();
        }
    }

    fn take_report(&mut self, report: &VenueReport) {
        match *report {
            VenueReport::Submit { order, outcome } => self.orders.outcome(order, outcome),
            VenueReport::Fill(fill) => self.take_fill(&fill),
            VenueReport::Removed { order, removal, .. } => self.orders.removed(order, removal),
            VenueReport::OrderStatus { order, state, at, .. } => {
                let grace = self.started.config.venue.absence_grace;
                self.orders.status(order, state, at, grace);
            }
            VenueReport::Funding { symbol, amount } => self.ledger.fund(symbol, amount),
            VenueReport::Transfer { amount } => self.transfers += amount,
            VenueReport::CancelRefused { .. }
            | VenueReport::Position { .. }
            | VenueReport::SymbolStatus { .. } => {}
        }
    }

    fn take_fill(&mut self, fill: &Fill) {
        let origin = self.orders.origin(fill);
        let backers = || {
            let backers = origin.decision.and_then(|decision| self.backers.get(&decision));
            backers.cloned().unwrap_or_default()
        };
        if !self.ledger.fill(fill, origin, backers) {
            return;
        }
        self.orders.fill(fill, self.ledger.position(fill.symbol));
        let Fill { at, symbol, side, price, .. } = *fill;
        self.fills.push_back(FillMark { at, symbol, side, price });
        if self.fills.len() > FILLS_KEPT {
            self.fills.pop_front();
        }
    }
}
