//! Laws that every strategy of the catalogue keeps: its opinions are a function of the past alone, the
//! same each time, and its confidence is a probability.

// Clippy sees tests in `#[test]` functions only, not in what helps them.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sapphire_agents::{
    Answer, Candidate, Classification, EmaCrossConfig, MarketPredictionConfig,
    Strategy as Catalogue, StrategyOptimisationConfig, TrendMomentumConfig,
    VolumeMicrostructureConfig, VpinConfig,
};
use sapphire_engine::instrument::{PriceTicks, QtyLots, Symbol, SymbolId};
use sapphire_engine::market::Trade;
use sapphire_engine::money::Ratio;
use sapphire_engine::opinion::{Direction, View};
use sapphire_engine::order::Side;
use sapphire_engine::snapshot::{BookView, Snapshot};
use sapphire_engine::time::{Span, Timestamp};

/// After how many bars the calls here are judged.
const HORIZON: u32 = 3;

/// The catalogue with periods short enough that all of it speaks within a hundred bars. VPIN is there
/// in both of its readings.
fn catalogue() -> [Catalogue; 7] {
    let vpin = |classification| {
        Catalogue::Vpin(VpinConfig {
            buckets: 5,
            classification,
            deviation_bars: 10,
            threshold: 0.2,
            ..VpinConfig::default()
        })
    };
    [
        Catalogue::TrendMomentum(TrendMomentumConfig {
            fast_period: 3,
            slow_period: 6,
            signal_period: 3,
            trend_period: 9,
            rsi_period: 5,
            rsi_overbought: 90,
            rsi_oversold: 10,
        }),
        Catalogue::MarketPrediction(MarketPredictionConfig {
            lookback: 8,
            warmup: 10,
            learning_rate: 0.05,
            ..MarketPredictionConfig::default()
        }),
        Catalogue::VolumeMicrostructure(VolumeMicrostructureConfig {
            imbalance_bars: 3,
            volume_bars: 10,
            threshold: 0.1,
        }),
        vpin(Classification::Aggressor),
        vpin(Classification::Bulk),
        Catalogue::StrategyOptimisation(StrategyOptimisationConfig {
            training_bars: 50,
            trading_bars: 10,
            candidates: vec![Candidate { fast: 2, slow: 5 }, Candidate { fast: 3, slow: 9 }],
        }),
        Catalogue::EmaCross(EmaCrossConfig { fast: 3, slow: 7 }),
    ]
}

/// A made-up bar that owns its trades.
#[derive(Debug, Clone)]
struct Made {
    change: f64,
    wick: f64,
    volume: f64,
    bought: Option<f64>,
    flow: Option<f64>,
    trades: Vec<Trade>,
}

fn made() -> impl Strategy<Value = Made> {
    let trade = (any::<bool>(), 1_i64..50).prop_map(|(buy, lots)| Trade {
        id: 1,
        price: PriceTicks(10_000),
        quantity: QtyLots(lots),
        aggressor: if buy { Side::Buy } else { Side::Sell },
        at: Timestamp(0),
    });
    (
        prop_oneof![16 => -0.05..0.05_f64, 2 => Just(0.0), 1 => Just(1e6), 1 => Just(-0.999_999)],
        0.0..0.02_f64,
        prop_oneof![8 => 0.0..100.0_f64, 1 => Just(0.0)],
        prop::option::of(0.0..=1.0_f64),
        prop::option::weighted(0.3, -20.0..20.0_f64),
        prop::collection::vec(trade, 0..4),
    )
        .prop_map(|(change, wick, volume, bought, flow, trades)| Made {
            change,
            wick,
            volume,
            bought,
            flow,
            trades,
        })
}

/// Opinions of a fresh agent on each bar.
fn opinions(strategy: &Catalogue, bars: &[Made]) -> Vec<Answer> {
    let mut agent = strategy.agent(HORIZON).unwrap();
    let mut last = 1000.0;
    bars.iter()
        .zip(0..)
        .map(|(bar, n)| {
            let open = last;
            last *= 1.0 + bar.change;
            let at = Timestamp(0) + Span::hours(n + 1);
            agent.opine(&Snapshot {
                symbol: SymbolId(0),
                name: Symbol::new("BTCUSD").unwrap(),
                bar: n.unsigned_abs(),
                at,
                interval: Span::hours(1),
                open,
                high: open.max(last) * (1.0 + bar.wick),
                low: open.min(last) * (1.0 - bar.wick),
                close: last,
                volume: bar.volume,
                taker_buy_volume: bar.bought.map(|share| share * bar.volume),
                book: bar.flow.map(|order_flow_imbalance| BookView {
                    bid: last - 1.0,
                    bid_quantity: 1.0,
                    ask: last + 1.0,
                    ask_quantity: 1.0,
                    bid_depth: 10.0,
                    ask_depth: 12.0,
                    order_flow_imbalance,
                }),
                trades: &bar.trades,
                lot: 1.0,
                tick: 0.01,
            })
        })
        .collect()
}

fn strategies() -> impl Strategy<Value = Catalogue> {
    prop::sample::select(catalogue().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_changed_future_leaves_past_opinions_as_they_were(
        strategy in strategies(),
        past in prop::collection::vec(made(), 1..120),
        one in prop::collection::vec(made(), 1..40),
        other in prop::collection::vec(made(), 1..40),
    ) {
        let with = |future: &[Made]| opinions(&strategy, &[&past, future].concat());
        prop_assert_eq!(&with(&one)[..past.len()], &with(&other)[..past.len()]);
        prop_assert_eq!(&with(&one)[..past.len()], &opinions(&strategy, &past)[..]);
    }

    #[test]
    fn the_same_snapshots_give_the_same_opinions_to_the_last_bit(
        strategy in strategies(),
        bars in prop::collection::vec(made(), 1..120),
    ) {
        let text = |answers: &[Answer]| format!("{answers:?}");
        prop_assert_eq!(text(&opinions(&strategy, &bars)), text(&opinions(&strategy, &bars)));
    }

    #[test]
    fn confidence_is_a_probability_and_reasons_are_readable(
        strategy in strategies(),
        bars in prop::collection::vec(made(), 1..160),
    ) {
        for answer in opinions(&strategy, &bars) {
            if let View::Opinion { confidence, .. } = answer.view {
                prop_assert!(confidence > Ratio::ZERO && confidence < Ratio::ONE, "{}", confidence);
            }
            let reason = answer.reason.to_string();
            prop_assert!(!reason.is_empty() && !reason.contains(['{', '}']), "{}", reason);
            let mut words = reason.split(|c: char| !c.is_ascii_alphanumeric());
            prop_assert!(!words.any(|word| ["NaN", "inf"].contains(&word)), "{}", reason);
            prop_assert!(reason.len() < 120, "{}", reason);
        }
    }
}

/// A market with enough of everything in it that each strategy says each thing that it can.
fn eventful() -> Vec<Made> {
    (0..400)
        .map(|n| {
            let t = f64::from(n);
            let burst = f64::from(n % 50 < 8);
            Made {
                change: 0.02 * (t / 15.0).sin() + 0.01 * (t * 2.4).sin(),
                wick: 0.001,
                volume: 10.0 + 40.0 * burst,
                bought: Some(0.5 + 0.1 * (t * 1.7).sin() + 0.4 * burst * (t / 15.0).sin()),
                flow: None,
                trades: Vec::new(),
            }
        })
        .collect()
}

#[test]
fn every_strategy_abstains_first_and_then_takes_both_sides() {
    for strategy in catalogue() {
        let answers = opinions(&strategy, &eventful());
        assert_eq!(answers[0].view, View::Abstain, "{}", strategy.name());
        for wanted in [Direction::Long, Direction::Short] {
            let says = |answer: &Answer| matches!(answer.view, View::Opinion { direction, .. } if direction == wanted);
            assert!(answers.iter().any(says), "{} never says {wanted:?}", strategy.name());
        }
    }
}
