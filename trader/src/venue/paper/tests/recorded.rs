//! The paper venue on recorded futures streams.

use std::path::Path;
use std::sync::Arc;

use rstest::rstest;
use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::{PriceTicks, QtyLots};
use sapphire_engine::market::{MarketEvent, Quote};
use sapphire_engine::money::Amount;
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{Fill, VenueReport};

use super::{BTC, Feed, Latency, Listing, PaperConfig, Talk, config, request};
use crate::market::tests::instrument;
use crate::market::{FeedEvent, MarketFeed, Reading, Recording, VolumeUnit};
use crate::venue::Venue;

/// A recording of the repository, and a venue for it without latency.
fn recorded(name: &str, tick: i64) -> (Arc<Recording>, PaperConfig) {
    let instrument = instrument(&name.to_uppercase(), tick, 100_000);
    let path = format!("../examples/data/{name}-usdm-20240808.jsonl.gz");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let volume_unit = VolumeUnit::Base;
    let reading = Reading { instrument: &instrument, bar_interval: Span::ZERO, volume_unit };
    let recording = Recording::read(&path, &reading).unwrap();
    let config = PaperConfig {
        instruments: vec![Listing { instrument, feed: Feed::Depth }],
        balance: Amount::whole(1_000_000),
        latency: Latency::default(),
        bar_interval: Span::secs(1),
        timeout: Span::secs(1),
        ..config()
    };
    (Arc::new(recording), config)
}

/// Plays a recording to a venue; `desk` is asked before each event, and after it with the fills that
/// the event made.
fn play(
    talk: &mut Talk,
    recording: &Arc<Recording>,
    mut desk: impl FnMut(&mut Talk, Timestamp, Moment<'_>),
) {
    let mut feed = MarketFeed::new([recording.clone()]);
    while let Some((at, symbol, event)) = feed.next() {
        talk.run(at.0 - 1);
        desk(talk, at, Moment::Before);
        talk.run(at.0);
        let heard = talk.heard.len();
        talk.venue.on_market(at, symbol, &event);
        talk.run(at.0);
        let FeedEvent::Market(event) = event else { continue };
        let fills = talk.heard[heard..].iter().filter_map(|(_, report)| match report {
            VenueReport::Fill(fill) => Some(*fill),
            _ => None,
        });
        let fills: Vec<_> = fills.collect();
        desk(talk, at, Moment::After(&event, &fills));
    }
}

enum Moment<'a> {
    Before,
    After(&'a MarketEvent<'a>, &'a [Fill]),
}

/// The levels that a market buy took, read off the recording by hand (and by a few lines of Python
/// that share nothing with this code).
#[rstest]
// After line 6,000 depth and quote agree: 61828.00 × 2.810 is best, and 3 BTC reach 61830.80.
#[case(1_723_161_280_511_935_231, 3_000, &[
    (618_280, 2_810), (618_281, 3), (618_285, 2), (618_297, 74), (618_300, 89), (618_304, 18),
    (618_307, 2), (618_308, 2),
])]
// After line 500 the depth still shows asks from 61800.10 up. The newer quote asks 61808.00.
#[case(1_723_161_257_408_613_664, 826, &[
    (618_080, 2), (618_086, 3), (618_087, 7), (618_089, 83), (618_090, 731),
])]
fn a_market_order_walks_the_recorded_book(
    #[case] after: i64,
    #[case] quantity: i64,
    #[case] levels: &[(i64, i64)],
) {
    let (recording, config) = recorded("btcusdt", 10_000_000);
    let mut talk = Talk::with(&config);
    let mut sent = false;
    play(&mut talk, &recording, |talk, at, moment| {
        if matches!(moment, Moment::Before) && at.0 > after && !sent {
            sent = true;
            talk.send(after + 1, &request(1, Side::Buy, quantity, OrderType::Market));
        }
    });
    let fills: Vec<_> =
        talk.fills().iter().map(|(_, fill)| (fill.price.0, fill.quantity.0)).collect();
    assert_eq!(fills, levels);
    let fee: Amount = talk.fills().iter().map(|(_, fill)| fill.fee).sum();
    assert_eq!(talk.venue.exchange().fees_collected(), fee);
}

/// A maker quotes small lots at, behind and between the best prices. Whatever it gets must have
/// been there to get.
#[rstest]
#[case("btcusdt", 10_000_000)]
#[case("ethusdt", 1_000_000)]
fn a_makers_fills_are_covered_by_what_traded(#[case] name: &str, #[case] tick: i64) {
    let (recording, config) = recorded(name, tick);
    let mut talk = Talk::with(&config);
    let (mut events, mut next, mut quote) = (0_u64, 0_u64, None::<Quote>);
    let (mut by_trade, mut by_book) = (0, 0);
    play(&mut talk, &recording, |talk, at, moment| match moment {
        Moment::Before => {
            events += 1;
            let Some(quote) = quote.filter(|_| events.is_multiple_of(25)) else { return };
            next += 1;
            let offset = i64::try_from(next % 4).unwrap() - 1;
            let (side, price) = if next.is_multiple_of(2) {
                (Side::Buy, quote.bid.price.0 - offset)
            } else {
                (Side::Sell, quote.ask.price.0 + offset)
            };
            let time_in_force = TimeInForce::PostOnly;
            let kind = OrderType::Limit { price: PriceTicks(price), time_in_force };
            talk.send(at.0 - 1, &request(next, side, 5, kind));
            if next > 8 {
                talk.venue.cancel(at, BTC, OrderId(next - 8));
            }
        }
        Moment::After(event, fills) => {
            if let MarketEvent::Quote(new) = event {
                quote = Some(*new);
            }
            let filled: i64 = fills.iter().map(|fill| fill.quantity.0).sum();
            assert!(fills.iter().all(|fill| fill.maker));
            match event {
                MarketEvent::Trade(trade) => {
                    assert!(filled <= trade.quantity.0, "more than was traded");
                    for fill in fills {
                        let beyond = fill.side.sign() * (fill.price.0 - trade.price.0);
                        assert!(beyond >= 0, "{fill:?} by {trade:?}");
                        assert!(beyond > 0 || trade.aggressor != fill.side);
                    }
                    by_trade += fills.len();
                }
                MarketEvent::Quote(quote) => {
                    for fill in fills {
                        let opposite = if fill.side == Side::Buy { quote.ask } else { quote.bid };
                        assert!(fill.side.sign() * (fill.price.0 - opposite.price.0) >= 0);
                    }
                    by_book += fills.len();
                }
                _ => by_book += fills.len(),
            }
        }
    });
    assert!(by_trade > 50 && by_book > 0, "{by_trade} fills by trades, {by_book} by the book");
    assert_eq!(talk.venue.exchange().imbalance(), Amount::ZERO);
}

#[test]
fn a_recording_plays_the_same_twice() {
    let (recording, config) = recorded("ethusdt", 1_000_000);
    let latency =
        Latency { submit: Span::millis(2), report: Span::millis(1), jitter: Span::millis(5) };
    let config = PaperConfig { latency, seed: 11, ..config };
    let run = || {
        let mut talk = Talk::with(&config);
        let mut events = 0_u64;
        play(&mut talk, &recording, |talk, at, moment| {
            if matches!(moment, Moment::Before) {
                events += 1;
                if events.is_multiple_of(100) {
                    let id = events / 100;
                    let side = if id.is_multiple_of(2) { Side::Buy } else { Side::Sell };
                    talk.send(
                        at.0 - 1,
                        &request(id, side, 1 + (id % 50) as i64, OrderType::Market),
                    );
                    talk.venue.query_position(at, BTC);
                }
            }
        });
        talk
    };
    let (first, second) = (run(), run());
    assert!(first.fills().len() > 80);
    assert_eq!(first.heard, second.heard);
    assert!(first.venue == second.venue);
}

#[test]
fn a_symbol_whose_feed_ends_keeps_its_position() {
    let (recording, config) = recorded("btcusdt", 10_000_000);
    let mut talk = Talk::with(&config);
    let mut sent = false;
    let middle = Timestamp(1_723_161_280_000_000_000);
    play(&mut talk, &recording, |talk, at, _| {
        if at > middle && !sent {
            sent = true;
            talk.send(at.0, &request(1, Side::Sell, 7, OrderType::Market));
        }
    });
    assert_eq!(talk.venue.position(BTC), QtyLots(-7));
}
