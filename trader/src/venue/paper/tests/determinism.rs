//! The same configuration, market and requests give the same reports.

use proptest::prelude::*;
use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::PriceTicks;
use sapphire_engine::money::Ratio;
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::VenueReport;

use super::{
    BAR, BTC, ETH, Fault, FaultKind, FaultTrigger, Latency, PaperConfig, Talk, bar, config, request,
};
use crate::market::FeedEvent;
use crate::venue::Venue;

/// What a random desk does in one bar.
#[derive(Debug, Clone, Copy)]
enum Act {
    Send { after: i64, buy: bool, quantity: i64, kind: OrderType, reduce_only: bool },
    Cancel { after: i64, order: u64 },
    Query { after: i64, order: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let price = (50_i64..150).prop_map(PriceTicks);
    let tif = prop::sample::select(vec![
        TimeInForce::Gtc,
        TimeInForce::Ioc,
        TimeInForce::Fok,
        TimeInForce::PostOnly,
    ]);
    let kind = prop_oneof![
        Just(OrderType::Market),
        (price.clone(), tif)
            .prop_map(|(price, time_in_force)| OrderType::Limit { price, time_in_force }),
        price.clone().prop_map(|trigger| OrderType::StopMarket { trigger }),
        price.prop_map(|trigger| OrderType::TakeProfitMarket { trigger }),
    ];
    prop_oneof![
        4 => (0..BAR.0, any::<bool>(), 1_i64..3000, kind, prop::bool::weighted(0.3)).prop_map(
            |(after, buy, quantity, kind, reduce_only)| Act::Send {
                after,
                buy,
                quantity,
                kind,
                reduce_only
            }
        ),
        1 => (0..BAR.0, 1_u64..40).prop_map(|(after, order)| Act::Cancel { after, order }),
        1 => (0..BAR.0, 1_u64..40).prop_map(|(after, order)| Act::Query { after, order }),
    ]
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let kind = prop_oneof![
        (
            prop::sample::select(vec![FaultTrigger::Submit, FaultTrigger::Cancel]),
            prop::sample::select(vec![
                FaultKind::NeverSent,
                FaultKind::AckLost,
                FaultKind::RequestLost,
                FaultKind::Refused(sapphire_engine::venue::VenueCode(-2010)),
            ])
        ),
        (
            Just(FaultTrigger::Fill),
            prop::sample::select(vec![
                FaultKind::DuplicateFill,
                FaultKind::LateFill(Span(1500)),
                FaultKind::OutOfOrderFill,
            ])
        ),
    ];
    let fault = (kind, 1_u32..8).prop_map(|((on, kind), nth)| Fault {
        on,
        nth,
        symbol: None,
        purpose: None,
        kind,
    });
    prop::collection::vec(fault, 0..6)
}

/// Bars as (open, up, down), and what is done while each is open.
type Script = Vec<((i64, i64, i64), Vec<Act>)>;

fn script() -> impl Strategy<Value = Script> {
    let prices = (60_i64..140, 0_i64..40, 0_i64..40);
    prop::collection::vec((prices, prop::collection::vec(act(), 0..6)), 1..12)
}

/// Plays a script. The clone takes over half-way, as a state that was rebuilt would.
fn play(config: &PaperConfig, script: &Script, hand_over_at: Option<usize>) -> Talk {
    let mut talk = Talk::with(config);
    let mut next = 0;
    for (number, (prices, acts)) in script.iter().enumerate() {
        if hand_over_at == Some(number) {
            talk.venue = talk.venue.clone();
        }
        let opens = i64::try_from(number).unwrap() * BAR.0;
        let (open, up, down) = *prices;
        let shape = bar(opens, open, open + up, open - down, open);
        talk.run(opens);
        for symbol in [BTC, ETH] {
            talk.venue.on_market(Timestamp(opens), symbol, &FeedEvent::BarOpens(&shape));
        }
        let mut acts = acts.clone();
        acts.sort_by_key(|act| match act {
            Act::Send { after, .. } | Act::Cancel { after, .. } | Act::Query { after, .. } => {
                *after
            }
        });
        for act in acts {
            match act {
                Act::Send { after, buy, quantity, kind, reduce_only } => {
                    next += 1;
                    let side = if buy { Side::Buy } else { Side::Sell };
                    let mut order = request(next, side, quantity, kind);
                    order.symbol = if next.is_multiple_of(3) { ETH } else { BTC };
                    order.reduce_only = reduce_only;
                    talk.run(opens + after);
                    talk.send(opens + after, &order);
                }
                Act::Cancel { after, order } => {
                    talk.run(opens + after);
                    talk.venue.cancel(Timestamp(opens + after), BTC, OrderId(order));
                }
                Act::Query { after, order } => {
                    talk.run(opens + after);
                    talk.venue.query_order(Timestamp(opens + after), BTC, OrderId(order));
                }
            }
        }
        talk.run(opens + BAR.0 - 2);
        for symbol in [BTC, ETH] {
            talk.bar_plays(opens + BAR.0 - 1, symbol, &shape);
        }
    }
    talk.run(i64::MAX / 2);
    talk
}

proptest! {
    #[test]
    fn the_same_inputs_give_the_same_reports(
        script in script(),
        faults in faults(),
        seed in any::<u64>(),
        jitter in 0_i64..200,
        cut in 0_usize..12,
    ) {
        let config = PaperConfig {
            latency: Latency { submit: Span(10), report: Span(20), jitter: Span(jitter) },
            slippage: Ratio::percent(1),
            seed,
            faults,
            ..config()
        };
        let (first, second) = (play(&config, &script, None), play(&config, &script, Some(cut)));
        prop_assert_eq!(first.heard, second.heard);
        prop_assert!(first.venue == second.venue);
    }

    /// Whatever goes wrong on the way: each trade is told at least once, and the fills that were told
    /// (each counted once) make the position that the venue has.
    #[test]
    fn what_was_told_adds_up_to_what_the_venue_has(
        script in script(),
        faults in faults(),
        seed in any::<u64>(),
    ) {
        let latency = Latency { submit: Span(10), report: Span(20), jitter: Span(50) };
        let talk = play(&PaperConfig { latency, seed, faults, ..config() }, &script, None);
        for symbol in [BTC, ETH] {
            let mut trades: Vec<_> = talk
                .fills()
                .iter()
                .filter(|(_, fill)| fill.symbol == symbol)
                .map(|(_, fill)| (fill.trade.0, fill.side.signed(fill.quantity).0))
                .collect();
            trades.sort_unstable();
            trades.dedup();
            let numbers: Vec<_> = trades.iter().map(|trade| trade.0).collect();
            prop_assert_eq!(&numbers, &(1..=trades.len() as u64).collect::<Vec<_>>());
            let told: i64 = trades.iter().map(|trade| trade.1).sum();
            prop_assert_eq!(told, talk.venue.position(symbol).0);
        }
        // An order is accepted or refused at most once.
        for order in 1..60 {
            let answers = talk.heard.iter().filter(|(_, report)| {
                matches!(report, VenueReport::Submit { order: o, .. } if o.0 == order)
            });
            prop_assert!(answers.count() <= 1);
        }
    }
}
