//! The engine, driven by hand: what comes out is asserted, what the venue would say is said.

mod budgets;
mod cancels;
mod deadlines;
mod entries;
mod exits;
mod exposures;
mod extremes;
mod faulty_venue;
mod halts;
mod judged;
mod lost_reports;
mod newer_word;
mod pauses;
mod protection;
mod reversals;
mod sizes;
mod stops_stay;
mod to_go;
mod unknown;

use super::*;
use crate::config::{AgentConfig, Authority, ConsensusConfig, Delegation, VenueConfig};
use crate::event::{Command, CommandRequest};
use crate::ids::{CommandId, RunId, TradeId};
use crate::instrument::{PriceTicks, QtyLots, Symbol};
use crate::market::{Bar, MarketEvent};
use crate::money::Amount;
use crate::opinion::{Direction, Opinion, Reason, View};
use crate::order::{OrderRequest, OrderState, Purpose, Side};
use crate::policy::tests::policy;
use crate::venue::{Fill, Removal, SubmitOutcome, VenueReport};

const BTC: SymbolId = SymbolId(0);

pub(super) fn instrument(name: &str) -> Instrument {
    Instrument {
        symbol: Symbol::new(name).unwrap(),
        tick: 10_000_000, // 0.1
        lot: 100_000,     // 0.001
        min_quantity: QtyLots(1),
        max_quantity: QtyLots(1_000_000),
        min_notional: Amount::whole(5),
        maker_fee: Ratio(20_000),
        taker_fee: Ratio(40_000),
        initial_margin: Ratio::percent(5),
        maintenance_margin: Ratio::percent(1),
        liquidation_fee: Ratio::ZERO,
    }
}

pub(super) fn config() -> EngineConfig {
    let agent = |i: usize| AgentConfig {
        name: format!("agent-{i}"),
        strategy: "test".to_owned(),
        authority: Authority::Consensus { symbols: vec![BTC] },
        horizon: 1,
        participation: Ratio::ONE,
    };
    EngineConfig {
        run: RunId(7),
        instruments: vec![instrument("BTCUSDT")],
        bar_interval: Span::secs(60),
        agents: (0..3).map(agent).collect(),
        consensus: ConsensusConfig {
            min_agents: 3,
            approval: Ratio::percent(67),
            timeout: Span::secs(30),
            max_weight: Ratio::percent(40),
        },
        policy: PolicyChange { generation: 1, hash: "h1".to_owned(), policy: policy() },
        balance: Amount::whole(100_000),
        venue: VenueConfig {
            request_ttl: Span::secs(5),
            absence_grace: Span::secs(5),
            resolve_interval: Span::millis(500),
            verify_interval: Span::millis(100),
            check_interval: None,
            single_close_position_stop: false,
            slippage: Ratio::ZERO,
            orders_per_minute: 1200,
        },
        live: false,
    }
}

/// One delegated agent on BTC, ten lots at a time.
pub(super) fn delegated() -> EngineConfig {
    let mut config = config();
    config.agents.truncate(1);
    config.agents[0].authority = Authority::Delegated {
        symbols: vec![Delegation { symbol: BTC, quantity: QtyLots(10) }],
        max_notional: Amount::whole(1_000_000),
        orders_per_second: 5,
        policy_exits: true,
    };
    config
}

/// An engine, a clock that only moves when told, and what came out since last asked.
pub(super) struct Rig {
    pub(super) engine: Engine,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
    timers: Vec<(Timestamp, Timer)>,
    next_trade: u64,
    next_command: u64,
}

impl Rig {
    pub(super) fn new(config: EngineConfig) -> Self {
        let mut rig = Self {
            engine: Engine::new(config),
            now: Timestamp(Span::hours(24 * 365).0),
            effects: Vec::new(),
            timers: Vec::new(),
            next_trade: 1,
            next_command: 1,
        };
        rig.event(EventKind::ClockUncertainty(Span::ZERO));
        rig
    }

    /// With ATR ready: twenty bars around a price, each 100 ticks high.
    pub(super) fn warm(config: EngineConfig) -> Self {
        let mut rig = Self::new(config);
        (0..20).for_each(|_| rig.bar(500_000));
        rig.take();
        rig
    }

    pub(super) fn event(&mut self, kind: EventKind<'_>) {
        let mut effects = Vec::new();
        self.engine.step(&Event { at: self.now, kind }, &mut effects);
        for effect in &effects {
            if let Effect::WakeAt(at, timer) = effect {
                self.timers.push((*at, *timer));
            }
        }
        self.effects.extend(effects);
    }

    /// What came out since last asked.
    pub(super) fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Lets time pass; wake-ups that fall due are delivered on the way.
    pub(super) fn wait(&mut self, span: Span) {
        let until = self.now + span;
        loop {
            self.timers.sort();
            match self.timers.first() {
                Some(&(at, timer)) if at <= until => {
                    self.timers.remove(0);
                    self.now = self.now.max(at);
                    self.event(EventKind::Timer(timer));
                }
                _ => break,
            }
        }
        self.now = until;
    }

    /// A minute passes, and its bar closes.
    pub(super) fn bar(&mut self, close: i64) {
        let open_time = self.now;
        self.wait(Span::secs(60));
        self.closes(open_time, close);
    }

    /// The bar that opened at `open_time` closes now.
    pub(super) fn closes(&mut self, open_time: Timestamp, close: i64) {
        let bar = Bar {
            open_time,
            open: PriceTicks(close),
            high: PriceTicks(close + 50),
            low: PriceTicks(close - 50),
            close: PriceTicks(close),
            volume: QtyLots(1000),
            taker_buy_volume: None,
        };
        self.event(EventKind::Market(BTC, MarketEvent::Bar(&bar)));
    }

    /// All agents answer the last bar alike.
    pub(super) fn all_say(&mut self, direction: Direction) {
        for agent in 0..self.engine.config().agents.len() {
            self.says(u16::try_from(agent).unwrap(), direction);
        }
    }

    pub(super) fn says(&mut self, agent: u16, direction: Direction) {
        let bar = self.engine.symbol_view(BTC).unwrap().bars - 1;
        let view = View::Opinion { direction, confidence: Ratio::percent(60) };
        let agent = AgentId(agent);
        let opinion = Opinion { agent, symbol: BTC, bar, view, reason: Reason::fixed("test") };
        self.event(EventKind::Opinion(&opinion));
    }

    pub(super) fn report(&mut self, report: VenueReport) {
        self.event(EventKind::Venue(&report));
    }

    pub(super) fn outcome(&mut self, order: OrderId, outcome: SubmitOutcome) {
        self.report(VenueReport::Submit { order, outcome });
    }

    pub(super) fn fill(&mut self, request: &OrderRequest, price: i64, quantity: i64) {
        let fill = Fill {
            symbol: request.symbol,
            trade: TradeId(self.next_trade),
            order: Some(request.id),
            side: request.side,
            price: PriceTicks(price),
            quantity: QtyLots(quantity),
            fee: Amount::ZERO,
            maker: false,
            at: self.now,
        };
        self.next_trade += 1;
        self.report(VenueReport::Fill(fill));
    }

    /// The venue confirms whatever the engine believes.
    pub(super) fn confirm_position(&mut self) {
        let quantity = self.position();
        self.report(VenueReport::Position { symbol: BTC, quantity, at: self.now });
    }

    pub(super) fn command(&mut self, command: Command) {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        let (who, reason) = ("ada".to_owned(), "a test".to_owned());
        self.event(EventKind::Command(&CommandRequest { id, command, who, reason }));
    }

    pub(super) fn position(&self) -> QtyLots {
        self.engine.portfolio().position(BTC).quantity()
    }

    /// Orders that were handed over since last asked, and forgets everything else.
    pub(super) fn sent(&mut self) -> Vec<OrderRequest> {
        let submitted = |effect: &Effect| match effect {
            Effect::Submit(order) => Some(*order.get()),
            _ => None,
        };
        self.take().iter().filter_map(submitted).collect()
    }

    /// The one order that was handed over since last asked.
    pub(super) fn sent_one(&mut self) -> OrderRequest {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent[0]
    }

    /// Flat, and an entry to the long side works.
    pub(super) fn entering(config: EngineConfig) -> (Self, OrderRequest) {
        let mut rig = Self::warm(config);
        rig.bar(500_000);
        rig.all_say(Direction::Long);
        let entry = rig.sent_one();
        rig.outcome(entry.id, SubmitOutcome::Accepted);
        (rig, entry)
    }

    /// The order leaves the book, and all its fills are known.
    pub(super) fn removed(&mut self, order: OrderId, removal: Removal) {
        let known = self.engine.order(order);
        let filled = known.map_or(QtyLots::ZERO, |tracked| tracked.order.filled);
        self.report(VenueReport::Removed { order, removal, filled });
    }

    /// The order fills whole, and the venue confirms the position.
    pub(super) fn fills(&mut self, order: &OrderRequest) {
        self.fill(order, 500_000, order.quantity.0);
        self.confirm_position();
    }

    /// The agents want out, and the exit works.
    pub(super) fn leaving(&mut self) -> OrderRequest {
        self.bar(500_000);
        self.all_say(Direction::Flat);
        let exit = self.sent_one();
        self.outcome(exit.id, SubmitOutcome::Accepted);
        exit
    }

    /// Long (or short) by consensus, filled whole, stop accepted, position confirmed.
    pub(super) fn in_position(direction: Direction, config: EngineConfig) -> (Self, OrderRequest) {
        let mut rig = Self::warm(config);
        rig.bar(500_000);
        rig.all_say(direction);
        let entry = rig.sent_one();
        rig.outcome(entry.id, SubmitOutcome::Accepted);
        rig.fill(&entry, 500_000, entry.quantity.0);
        let stop = rig.sent_one();
        assert_eq!(stop.purpose, Purpose::Stop);
        rig.outcome(stop.id, SubmitOutcome::Accepted);
        rig.confirm_position();
        rig.take();
        (rig, stop)
    }

    pub(super) fn state_of(&self, order: OrderId) -> OrderState {
        self.engine.order(order).unwrap().order.state
    }
}

/// Orders that were asked to be cancelled.
pub(super) fn cancelled(effects: &[Effect]) -> Vec<OrderId> {
    let cancel = |effect: &Effect| match effect {
        Effect::Cancel { order, .. } => Some(*order),
        _ => None,
    };
    effects.iter().filter_map(cancel).collect()
}

/// The orders that the venue is asked about.
pub(super) fn asked(effects: &[Effect]) -> Vec<OrderId> {
    let query = |effect: &Effect| match effect {
        Effect::Query { order, .. } => Some(*order),
        _ => None,
    };
    effects.iter().filter_map(query).collect()
}

/// The rules that denied the intents among these effects.
pub(super) fn denials(effects: &[Effect]) -> Vec<crate::risk::RuleId> {
    let denied = |effect: &Effect| match effect {
        Effect::Record(Record::Intent(intent)) => {
            Some(intent.verdict.denials().map(|d| d.rule).collect::<Vec<_>>())
        }
        _ => None,
    };
    effects.iter().filter_map(denied).flatten().collect()
}

/// Whether an order opposes a position of a side.
pub(super) fn opposes(request: &OrderRequest, side: Side) -> bool {
    request.side == side.opposite()
}
