//! The functions that run for every event.

#![allow(missing_docs, clippy::unwrap_used, clippy::float_arithmetic)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sapphire_engine::Engine;
use sapphire_engine::config::{
    AgentConfig, Authority, ConsensusConfig, Delegation, EngineConfig, VenueConfig,
};
use sapphire_engine::event::{Event, EventKind, PolicyChange};
use sapphire_engine::ids::RunId;
use sapphire_engine::indicators::{Atr, Ema, Macd, Rsi};
use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, Symbol, SymbolId};
use sapphire_engine::journal::Chain;
use sapphire_engine::market::{Bar, Book, DepthUpdate, Level, MarketEvent};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::Side;
use sapphire_engine::policy::{Exits, Limits, OnHalt, Policy, StopRule, TradingState};
use sapphire_engine::time::{Span, Timestamp};

const BARS: usize = 10_000;

fn config() -> EngineConfig {
    let limits = Limits {
        max_drawdown: Ratio::percent(25),
        max_daily_loss: Ratio::percent(5),
        max_leverage: Ratio::percent(1000),
        risk_per_trade: Ratio::percent(1),
        risk_multiplier: Ratio::ONE,
        kelly_fraction: Ratio::percent(25),
        max_order_notional: None,
        max_gross_exposure: Ratio::percent(1000),
        max_net_exposure: Ratio::percent(1000),
        max_open_positions: 5,
        orders_per_second: 5,
        order_burst: 10,
        price_collar: Ratio::percent(1),
        max_data_age: Span::secs(60),
        max_clock_uncertainty: Span::millis(500),
        liquidation_buffer_atr: Ratio::percent(200),
        book_share: Ratio::percent(10),
    };
    let stop =
        StopRule { atr_periods: 14, atr_multiple: Ratio::percent(200), deadline: Span::secs(5) };
    let exits =
        Exits { stop: Some(stop), take_profit_atr: None, trailing_atr: None, time_stop_bars: None };
    let policy = Policy {
        limits,
        exits,
        trading_state: TradingState::Active,
        on_halt: OnHalt::CancelOnly,
        stale_after: Span::secs(60),
    };
    EngineConfig {
        run: RunId(7),
        instruments: vec![Instrument {
            symbol: Symbol::new("BTCUSDT").unwrap(),
            tick: 10_000_000,
            lot: 100_000,
            min_quantity: QtyLots(1),
            max_quantity: QtyLots(1_000_000),
            min_notional: Amount::whole(5),
            maker_fee: Ratio(20_000),
            taker_fee: Ratio(40_000),
            initial_margin: Ratio::percent(5),
            maintenance_margin: Ratio::percent(1),
            liquidation_fee: Ratio::ZERO,
        }],
        bar_interval: Span::secs(60),
        agents: vec![AgentConfig {
            name: "ema".to_owned(),
            strategy: "emaCross".to_owned(),
            authority: Authority::Delegated {
                symbols: vec![Delegation { symbol: SymbolId(0), quantity: QtyLots(10) }],
                max_notional: Amount::whole(1_000_000),
                orders_per_second: 5,
                policy_exits: false,
            },
            horizon: 1,
            participation: Ratio::ONE,
        }],
        consensus: ConsensusConfig {
            min_agents: 3,
            approval: Ratio::percent(67),
            timeout: Span::secs(30),
            max_weight: Ratio::percent(40),
        },
        policy: PolicyChange { generation: 1, hash: String::new(), policy },
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

/// A walk of prices by a linear congruential generator: the same every time.
fn bars() -> Vec<Bar> {
    let mut state = 1_u64;
    let mut price = 500_000_i64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        i64::try_from(state >> 57).unwrap() - 63
    };
    (0..BARS)
        .map(|i| {
            let open = price;
            price = (price + next()).max(1000);
            let (high, low) = (open.max(price) + next().abs(), open.min(price) - next().abs());
            Bar {
                open_time: Timestamp(i64::try_from(i).unwrap() * 60_000_000_000),
                open: PriceTicks(open),
                high: PriceTicks(high),
                low: PriceTicks(low),
                close: PriceTicks(price),
                volume: QtyLots(1000),
                taker_buy_volume: None,
            }
        })
        .collect()
}

fn engine(c: &mut Criterion) {
    let bars = bars();
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(BARS as u64));
    group.bench_function("step, bar", |b| {
        b.iter_batched(
            || (Engine::new(config()), Vec::with_capacity(64)),
            |(mut engine, mut effects)| {
                for bar in &bars {
                    let at = bar.open_time + Span::secs(60);
                    let kind = EventKind::Market(SymbolId(0), MarketEvent::Bar(bar));
                    engine.step(&Event { at, kind }, &mut effects);
                    effects.clear();
                }
                engine
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn indicators(c: &mut Criterion) {
    let closes: Vec<f64> = bars().iter().map(|bar| bar.close.0 as f64).collect();
    let mut group = c.benchmark_group("indicators");
    group.throughput(Throughput::Elements(BARS as u64));
    group.bench_function("EMA(12)", |b| {
        b.iter(|| {
            let mut ema = Ema::new(12).unwrap();
            closes.iter().filter_map(|close| ema.update(*close)).fold(0.0, f64::max)
        });
    });
    group.bench_function("RSI(14)", |b| {
        b.iter(|| {
            let mut rsi = Rsi::new(14).unwrap();
            closes.iter().filter_map(|close| rsi.update(*close)).fold(0.0, f64::max)
        });
    });
    group.bench_function("ATR(14)", |b| {
        b.iter(|| {
            let mut atr = Atr::new(14).unwrap();
            let update = |close: &f64| atr.update(close + 1.0, close - 1.0, *close);
            closes.iter().filter_map(update).fold(0.0, f64::max)
        });
    });
    group.bench_function("MACD(12, 26, 9)", |b| {
        b.iter(|| {
            let mut macd = Macd::new(12, 26, 9).unwrap();
            closes.iter().filter_map(|close| macd.update(*close)).count()
        });
    });
    group.finish();
}

fn book(c: &mut Criterion) {
    let level =
        |price: i64, quantity: i64| Level { price: PriceTicks(price), quantity: QtyLots(quantity) };
    let bids: Vec<Level> = (0..1000).map(|i| level(500_000 - i, 10)).collect();
    let asks: Vec<Level> = (1..=1000).map(|i| level(500_000 + i, 10)).collect();
    // Twenty levels a side near the touch, as the exchange sends several times a second.
    let near = |first: i64, step: i64| -> Vec<Level> {
        (0..20).map(|i| level(first + i * step, i * 7 % 13)).collect()
    };
    let (some_bids, some_asks) = (near(500_000, -3), near(500_001, 3));
    let mut group = c.benchmark_group("book");
    group.throughput(Throughput::Elements(40));
    group.bench_function("depth update, 20 levels a side", |b| {
        let mut book = Book::default();
        book.reset(0, &bids, &asks);
        let mut last = 0;
        b.iter(|| {
            let update = DepthUpdate {
                first: last,
                last: last + 1,
                previous: last,
                bids: &some_bids,
                asks: &some_asks,
            };
            last += 1;
            book.update(&update).unwrap();
            black_box(book.best(Side::Buy))
        });
    });
    group.finish();
}

fn journal(c: &mut Criterion) {
    let payload = vec![b'x'; 700];
    let mut group = c.benchmark_group("journal");
    group.throughput(Throughput::Bytes(700));
    group.bench_function("chain a record of 700 bytes", |b| {
        let mut chain = Chain::new(RunId(1));
        b.iter(|| black_box(chain.append(Timestamp(1), &payload)));
    });
    group.finish();
}

criterion_group!(hot, engine, indicators, book, journal);
criterion_main!(hot);
