//! What the engine keeps of a symbol.

use std::collections::VecDeque;

use crate::config::{Authority, Delegation, EngineConfig};
use crate::consensus::Round;
use crate::ids::{AgentId, DecisionId};
use crate::indicators::Atr;
use crate::instrument::{Instrument, PriceTicks, QtyLots, SymbolId};
use crate::market::{Bar, Book, Quote, Trade};
use crate::money::{Amount, Ratio};
use crate::opinion::Direction;
use crate::order::Side;
use crate::policy::Policy;
use crate::snapshot::{BookView, Snapshot};
use crate::time::{Span, Timestamp};

use super::leaving::{Leaving, NotClosed};

/// Bars that are kept to warm an ATR of another period up.
const BARS_KEPT: usize = 256;
/// Levels of a side that count as the near book.
const NEAR_LEVELS: usize = 10;

/// A symbol.
#[derive(Debug, Clone)]
pub(super) struct SymbolState {
    pub(super) voters: Vec<AgentId>,
    pub(super) delegate: Option<(AgentId, Delegation)>,
    /// Whether the policy's exits guard its positions.
    pub(super) guarded: bool,
    pub(super) paused: bool,
    /// Whether the venue trades it, as far as it told.
    pub(super) trading: bool,

    // The market.
    pub(super) received: Option<Timestamp>,
    pub(super) broken: bool,
    pub(super) ended: bool,
    pub(super) has_book: bool,
    pub(super) book: Book,
    pub(super) quote: Option<Quote>,
    pub(super) bars: u64,
    pub(super) last_bar: Option<Bar>,
    pub(super) forming: Option<Forming>,
    pub(super) trades: Vec<Trade>,
    pub(super) forming_trades: Vec<Trade>,
    /// Order-flow imbalance of the forming bar, in lots.
    pub(super) order_flow: f64,
    pub(super) closed_order_flow: f64,
    recent: VecDeque<Bar>,
    atr: Option<Atr>,
    atr_periods: u32,

    // Opinions.
    pub(super) round: Option<Round>,
    /// What the agents wanted last: an order of an older word of theirs does not overrule it. `None`
    /// where a person took that back.
    pub(super) wanted: Option<Direction>,
    pub(super) unjudged: VecDeque<Unjudged>,

    // The position.
    pub(super) verification: Verification,
    pub(super) guard: Option<Guard>,
    /// Who wants the position gone, until it is proven flat.
    pub(super) leaving: Vec<Leaving>,
    /// Whether people were told that the venue does not carry out what closes the position.
    pub(super) told_not_closed: bool,
    /// What was to close the position and did not. What protects the position does not wait for it.
    pub(super) not_closed: Option<NotClosed>,
    /// When a refused protective order may be tried again.
    pub(super) retry_at: Option<Timestamp>,
    /// Distance of the stop, in ticks, as of the entry that was approved last.
    pub(super) stop_distance: Option<i64>,
}

/// A bar that forms out of trades and quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forming {
    pub(super) bar: Bar,
    pub(super) traded: bool,
}

/// An opinion whose horizon has not come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unjudged {
    pub(super) agent: AgentId,
    pub(super) due: u64,
    pub(super) direction: Direction,
    pub(super) confidence: Ratio,
    pub(super) price: PriceTicks,
}

/// Whether the venue agrees about the position.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Verification {
    /// Since when it has not; `None` when it does.
    pub(super) since: Option<Timestamp>,
    /// The venue's time of the last fill: an older word on the position says nothing.
    pub(super) last_fill: Option<Timestamp>,
    pub(super) asked: u32,
    /// When the orders were asked about that may have changed it.
    pub(super) looked: Option<Timestamp>,
    /// When to ask again: an earlier wake-up is of an earlier question.
    pub(super) due: Option<Timestamp>,
    /// It has not for too long: the desk reduces.
    pub(super) failed: bool,
}

/// The protection of an open position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    /// The side of the position.
    pub(super) side: Side,
    /// Where the stop is to stand; `None` where the policy has none.
    pub(super) trigger: Option<PriceTicks>,
    /// By when a stop must stand, while none does.
    pub(super) stop_due: Option<Timestamp>,
    /// Where the take-profit is to stand.
    pub(super) take_profit: Option<PriceTicks>,
    /// The best close since the entry.
    pub(super) best: PriceTicks,
    /// Bars since the entry.
    pub(super) bars: u32,
    /// The entry's decision.
    pub(super) decision: Option<DecisionId>,
}

impl SymbolState {
    /// The symbols of a desk.
    pub(super) fn all(config: &EngineConfig, policy: &Policy) -> Vec<Self> {
        let id = |i: usize| SymbolId(u16::try_from(i).unwrap_or(u16::MAX));
        (0..config.instruments.len()).map(|i| Self::new(id(i), config, policy)).collect()
    }

    fn new(symbol: SymbolId, config: &EngineConfig, policy: &Policy) -> Self {
        let mut voters = Vec::new();
        let mut delegate = None;
        let mut guarded = true;
        for (i, agent) in config.agents.iter().enumerate() {
            let id = AgentId(u16::try_from(i).unwrap_or(u16::MAX));
            match &agent.authority {
                Authority::Consensus { symbols } if symbols.contains(&symbol) => voters.push(id),
                Authority::Delegated { symbols, policy_exits, .. } => {
                    if let Some(delegation) = symbols.iter().find(|d| d.symbol == symbol) {
                        delegate = Some((id, *delegation));
                        guarded = *policy_exits;
                    }
                }
                Authority::Consensus { .. } => {}
            }
        }
        let mut state = Self {
            voters,
            delegate,
            guarded,
            paused: false,
            trading: true,
            received: None,
            broken: false,
            ended: false,
            has_book: false,
            book: Book::default(),
            quote: None,
            bars: 0,
            last_bar: None,
            forming: None,
            trades: Vec::new(),
            forming_trades: Vec::new(),
            order_flow: 0.0,
            closed_order_flow: 0.0,
            recent: VecDeque::with_capacity(BARS_KEPT),
            atr: None,
            atr_periods: 0,
            round: None,
            wanted: None,
            unjudged: VecDeque::new(),
            verification: Verification::default(),
            guard: None,
            leaving: Vec::new(),
            told_not_closed: false,
            not_closed: None,
            retry_at: None,
            stop_distance: None,
        };
        state.set_atr_periods(atr_periods(policy));
        state
    }

    /// Takes a closed bar in.
    pub(super) fn take_bar(&mut self, bar: &Bar) {
        self.last_bar = Some(*bar);
        self.bars += 1;
        if self.recent.len() == BARS_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(*bar);
        feed(&mut self.atr, bar);
    }

    /// Changes the ATR's periods, where they differ, warmed up on the bars that are kept.
    pub(super) fn set_atr_periods(&mut self, periods: u32) {
        if std::mem::replace(&mut self.atr_periods, periods) == periods {
            return;
        }
        self.atr = usize::try_from(periods).ok().and_then(|periods| Atr::new(periods).ok());
        for bar in &self.recent {
            feed(&mut self.atr, bar);
        }
    }

    /// ATR in ticks, rounded up; `None` until it is ready.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn atr_ticks(&self) -> Option<i64> {
        self.atr.as_ref().and_then(Atr::value).map(|ticks| libm::ceil(ticks) as i64)
    }

    /// `multiple` ATRs in ticks, rounded up, at least one.
    pub(super) fn atr_distance(&self, multiple: Ratio) -> Option<i64> {
        let atr = self.atr_ticks()?;
        i64::try_from(Amount(atr.into()).times_ceil(multiple).0).ok().map(|ticks| ticks.max(1))
    }

    /// Whether nothing of its feed is missing.
    pub(super) const fn feed_is_whole(&self) -> bool {
        !self.broken && (!self.has_book || self.book.is_live())
    }

    pub(super) fn snapshot(
        &self,
        symbol: SymbolId,
        instrument: &Instrument,
        interval: Span,
    ) -> Option<Snapshot<'_>> {
        let bar = self.last_bar.as_ref()?;
        let price = |ticks| instrument.price_f64(ticks);
        let lots = |quantity| instrument.quantity_f64(quantity);
        Some(Snapshot {
            symbol,
            name: instrument.symbol,
            bar: self.bars - 1,
            at: bar.open_time + interval,
            interval,
            open: price(bar.open),
            high: price(bar.high),
            low: price(bar.low),
            close: price(bar.close),
            volume: lots(bar.volume),
            taker_buy_volume: bar.taker_buy_volume.map(lots),
            book: self.book_view(instrument),
            trades: &self.trades,
            lot: lots(QtyLots(1)),
            tick: price(PriceTicks(1)),
        })
    }

    fn book_view(&self, instrument: &Instrument) -> Option<BookView> {
        let quote = self.quote?;
        let depth = |side| instrument.quantity_f64(near_depth(&self.book, side));
        Some(BookView {
            bid: instrument.price_f64(quote.bid.price),
            bid_quantity: instrument.quantity_f64(quote.bid.quantity),
            ask: instrument.price_f64(quote.ask.price),
            ask_quantity: instrument.quantity_f64(quote.ask.quantity),
            bid_depth: depth(Side::Buy),
            ask_depth: depth(Side::Sell),
            order_flow_imbalance: in_base(self.closed_order_flow, instrument),
        })
    }
}

/// What the nearest levels of a side hold together.
pub(super) fn near_depth(book: &Book, side: Side) -> QtyLots {
    let near = book.levels(side).take(NEAR_LEVELS);
    near.fold(QtyLots::ZERO, |sum, level| sum + level.quantity)
}

#[allow(clippy::float_arithmetic)]
fn in_base(lots: f64, instrument: &Instrument) -> f64 {
    lots * instrument.quantity_f64(QtyLots(1))
}

/// The ATR that the policy's exits are measured in; 14 where it names none.
pub(super) fn atr_periods(policy: &Policy) -> u32 {
    policy.exits.stop.map_or(14, |stop| stop.atr_periods)
}

/// In ticks: exact as floats up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn feed(atr: &mut Option<Atr>, bar: &Bar) {
    if let Some(atr) = atr {
        atr.update(bar.high.0 as f64, bar.low.0 as f64, bar.close.0 as f64);
    }
}
