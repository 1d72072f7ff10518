//! What the exchange does for every event, and for every order.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, Symbol, SymbolId};
use sapphire_engine::market::{Bar, DepthUpdate, Level, MarketEvent, Quote, Trade};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_matching::{AccountId, ClientId, Exchange, Feed, Listing, NewOrder, Rules, TriggerBy};

const BTC: SymbolId = SymbolId(0);
const MID: i64 = 618_000;
const EVENTS: i64 = 1000;

fn exchange(feed: Feed) -> (Exchange, AccountId) {
    let instrument = Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        tick: 10_000_000,
        lot: 100_000,
        min_quantity: QtyLots(1),
        max_quantity: QtyLots(1_000_000),
        min_notional: Amount::whole(5),
        maker_fee: Ratio(20_000),
        taker_fee: Ratio(40_000),
        initial_margin: Ratio::percent(1),
        maintenance_margin: Ratio(500_000),
        liquidation_fee: Ratio(500_000),
    };
    let rules = Rules {
        slippage: Ratio::ZERO,
        funding: None,
        trigger_by: TriggerBy::ContractPrice,
        single_close_position: true,
        patience: Span::secs(60),
    };
    let mut exchange = Exchange::new(vec![Listing { instrument, feed }], rules).unwrap();
    let account = exchange.open_account(Amount::whole(1_000_000));
    (exchange, account)
}

fn level(price: i64, quantity: i64) -> Level {
    Level { price: PriceTicks(price), quantity: QtyLots(quantity) }
}

/// A book of 1,000 levels a side, as a snapshot tells it.
fn with_book() -> (Exchange, AccountId) {
    let (mut exchange, account) = exchange(Feed::Depth);
    let bids: Vec<_> = (1..=1000).map(|i| level(MID - i, 100 + i)).collect();
    let asks: Vec<_> = (1..=1000).map(|i| level(MID + i, 100 + i)).collect();
    let event = MarketEvent::DepthSnapshot { last_update: 1, bids: &bids, asks: &asks };
    exchange.on_market(Timestamp(0), BTC, &event);
    (exchange, account)
}

fn order(name: i64, side: Side, kind: OrderType) -> NewOrder {
    NewOrder {
        client: ClientId::new(&format!("o{name}")).unwrap(),
        symbol: BTC,
        side,
        quantity: QtyLots(5),
        kind,
        reduce_only: false,
        close_position: false,
        expires: None,
    }
}

/// A position with its stop, and quotes on both sides of the book.
fn with_orders() -> (Exchange, AccountId) {
    let (mut exchange, account) = with_book();
    let at = Timestamp(1);
    exchange.place(at, account, &order(0, Side::Buy, OrderType::Market)).unwrap();
    let stop = OrderType::StopMarket { trigger: PriceTicks(MID - 900) };
    let stop = NewOrder { close_position: true, ..order(1, Side::Sell, stop) };
    exchange.place(at, account, &stop).unwrap();
    for (name, side) in [(2, Side::Buy), (3, Side::Sell), (4, Side::Buy), (5, Side::Sell)] {
        let price = PriceTicks(MID - side.sign() * (3 + name));
        let time_in_force = TimeInForce::PostOnly;
        let kind = OrderType::Limit { price, time_in_force };
        exchange.place(at, account, &order(name, side, kind)).unwrap();
    }
    exchange.drain_events();
    (exchange, account)
}

fn events(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange/event");
    group.throughput(Throughput::Elements(EVENTS.unsigned_abs()));
    for (name, (start, _)) in [("idle", with_book()), ("orders", with_orders())] {
        group.bench_function(format!("quote/{name}"), |b| {
            b.iter_batched_ref(
                || start.clone(),
                |exchange| {
                    for i in 0..EVENTS {
                        let quote = Quote {
                            update: 2 + i.unsigned_abs(),
                            bid: level(MID - 1, 50 + i % 7),
                            ask: level(MID + 1, 50 + i % 5),
                        };
                        exchange.on_market(Timestamp(2 + i), BTC, &MarketEvent::Quote(quote));
                    }
                },
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("trade/{name}"), |b| {
            b.iter_batched_ref(
                || start.clone(),
                |exchange| {
                    for i in 0..EVENTS {
                        let at = Timestamp(2 + i);
                        let aggressor = if i % 2 == 0 { Side::Buy } else { Side::Sell };
                        let trade = Trade {
                            id: i.unsigned_abs(),
                            price: PriceTicks(MID + aggressor.sign()),
                            quantity: QtyLots(1),
                            aggressor,
                            at,
                        };
                        exchange.on_market(at, BTC, &MarketEvent::Trade(trade));
                    }
                },
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("depth of 40 levels/{name}"), |b| {
            b.iter_batched_ref(
                || start.clone(),
                |exchange| {
                    for i in 0..EVENTS {
                        let previous = 1 + i.unsigned_abs();
                        let bids: [Level; 20] =
                            std::array::from_fn(|k| level(MID - 1 - 17 * k as i64, 50 + i % 9));
                        let asks: [Level; 20] =
                            std::array::from_fn(|k| level(MID + 1 + 17 * k as i64, 50 + i % 9));
                        let event = MarketEvent::Depth(DepthUpdate {
                            first: previous + 1,
                            last: previous + 1,
                            previous,
                            bids: &bids,
                            asks: &asks,
                        });
                        exchange.on_market(Timestamp(2 + i), BTC, &event);
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    for (name, held) in [("idle", false), ("position", true)] {
        let (mut start, account) = exchange(Feed::Bars);
        if held {
            start.bar_opens(Timestamp(0), BTC, PriceTicks(MID));
            start.place(Timestamp(0), account, &order(0, Side::Buy, OrderType::Market)).unwrap();
            start.drain_events();
        }
        group.bench_function(format!("bar/{name}"), |b| {
            b.iter_batched_ref(
                || start.clone(),
                |exchange| {
                    for i in 0..EVENTS {
                        let open_time = Timestamp(1 + 60 * i);
                        let bar = Bar {
                            open_time,
                            open: PriceTicks(MID + i % 9),
                            high: PriceTicks(MID + 10),
                            low: PriceTicks(MID - 10),
                            close: PriceTicks(MID + i % 7),
                            volume: QtyLots(1),
                            taker_buy_volume: None,
                        };
                        exchange.bar_opens(open_time, BTC, bar.open);
                        exchange.bar_range(open_time + Span(59), BTC, black_box(&bar));
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn orders(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange/order");
    let (start, account) = with_orders();
    for (name, kind) in [
        ("market", OrderType::Market),
        (
            "limit",
            OrderType::Limit { price: PriceTicks(MID - 20), time_in_force: TimeInForce::Gtc },
        ),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || start.clone(),
                |exchange| {
                    let order = order(9, Side::Buy, kind);
                    black_box(exchange.place(Timestamp(2), account, &order)).unwrap();
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, events, orders);
criterion_main!(benches);
