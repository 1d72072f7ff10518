//! The paper venue as a desk sees it. Orders are handed over without the gate, whose approval only
//! the gate can give.

mod determinism;
mod faults;
mod recorded;
mod reports;

use sapphire_engine::ids::{ClientOrderId, OrderId, RunId};
use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, Symbol, SymbolId};
use sapphire_engine::market::Bar;
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{OrderRequest, OrderType, Purpose, Side};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{Fill, VenueReport};

use super::{Fault, FaultKind, FaultTrigger, Feed, Latency, Listing, PaperConfig, PaperVenue};
use crate::market::FeedEvent;
use crate::venue::Venue;

const BTC: SymbolId = SymbolId(0);
const ETH: SymbolId = SymbolId(1);
/// A bar, and how long we wait for an answer.
const BAR: Span = Span(1000);
const TIMEOUT: Span = Span(300);

fn listing(name: &str, feed: Feed) -> Listing {
    let instrument = Instrument {
        symbol: Symbol::new(name).unwrap(),
        tick: 100_000_000,
        lot: 100_000_000,
        min_quantity: QtyLots(1),
        max_quantity: QtyLots(1_000_000),
        min_notional: Amount::ZERO,
        maker_fee: Ratio(20_000),
        taker_fee: Ratio(40_000),
        initial_margin: Ratio::percent(10),
        maintenance_margin: Ratio::percent(5),
        liquidation_fee: Ratio::percent(1),
    };
    Listing { instrument, feed }
}

fn config() -> PaperConfig {
    PaperConfig {
        instruments: vec![listing("BTCUSDT", Feed::Bars), listing("ETHUSDT", Feed::Bars)],
        balance: Amount::whole(100_000),
        latency: Latency { submit: Span(10), report: Span(20), jitter: Span::ZERO },
        timeout: TIMEOUT,
        slippage: Ratio::ZERO,
        funding: None,
        trigger_by: super::TriggerBy::ContractPrice,
        single_close_position: true,
        bar_interval: BAR,
        seed: 1,
        faults: vec![],
    }
}

fn fault(on: FaultTrigger, nth: u32, kind: FaultKind) -> Fault {
    Fault { on, nth, symbol: None, purpose: None, kind }
}

fn request(id: u64, side: Side, quantity: i64, kind: OrderType) -> OrderRequest {
    let id = OrderId(id);
    OrderRequest {
        id,
        client_id: ClientOrderId { run: RunId(7), order: id, attempt: 1 },
        symbol: BTC,
        side,
        quantity: QtyLots(quantity),
        kind,
        reduce_only: false,
        close_position: false,
        purpose: Purpose::Entry,
        decision: None,
        expires: Timestamp(i64::MAX),
    }
}

/// A venue and everything that it told, with the times of arrival.
struct Talk {
    venue: PaperVenue,
    heard: Vec<(i64, VenueReport)>,
}

impl Talk {
    fn with(config: &PaperConfig) -> Self {
        Self { venue: PaperVenue::new(config).unwrap(), heard: vec![] }
    }

    /// With an open bar at 100 in both symbols, from time 0.
    fn open(config: &PaperConfig) -> Self {
        let mut talk = Self::with(config);
        talk.bar_opens(0, BTC, 100);
        talk.bar_opens(0, ETH, 50);
        talk
    }

    /// A bar's range acts.
    fn bar_plays(&mut self, at: i64, symbol: SymbolId, bar: &Bar) {
        self.venue.on_market(Timestamp(at), symbol, &FeedEvent::BarPlays(bar));
    }

    fn bar_opens(&mut self, at: i64, symbol: SymbolId, open: i64) {
        let bar = bar(at, open, open, open, open);
        self.venue.on_market(Timestamp(at), symbol, &FeedEvent::BarOpens(&bar));
    }

    fn send(&mut self, at: i64, request: &OrderRequest) {
        self.venue.hand_over(Timestamp(at), request);
    }

    /// Goes from one thing that is due to the next, as the desk does, until `until`.
    fn run(&mut self, until: i64) -> &mut Self {
        let mut reports = vec![];
        while let Some(due) = self.venue.next_due().filter(|due| due.0 <= until) {
            self.venue.advance(due, &mut reports);
            for (at, report) in reports.drain(..) {
                assert_eq!(at, due, "a report was handed out late");
                self.heard.push((at.0, report));
            }
        }
        assert_eq!(self.venue.exchange().imbalance(), Amount::ZERO);
        self
    }

    fn fills(&self) -> Vec<(i64, Fill)> {
        let fills = self.heard.iter().filter_map(|&(at, report)| match report {
            VenueReport::Fill(fill) => Some((at, fill)),
            _ => None,
        });
        fills.collect()
    }

    fn trades(&self) -> Vec<u64> {
        self.fills().iter().map(|(_, fill)| fill.trade.0).collect()
    }
}

fn bar(open_time: i64, open: i64, high: i64, low: i64, close: i64) -> Bar {
    Bar {
        open_time: Timestamp(open_time),
        open: PriceTicks(open),
        high: PriceTicks(high),
        low: PriceTicks(low),
        close: PriceTicks(close),
        volume: QtyLots(1),
        taker_buy_volume: None,
    }
}
