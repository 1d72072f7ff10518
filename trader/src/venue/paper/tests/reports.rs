//! What is told, and when.

use rstest::rstest;
use sapphire_engine::ids::{OrderId, TradeId};
use sapphire_engine::instrument::{PriceTicks, QtyLots};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{
    Fill, Removal, SubmitOutcome, VenueCode, VenueOrderState, VenueReport,
};

use super::{BTC, ETH, Talk, bar, config, fault, request};
use crate::venue::Venue;
use crate::venue::paper::{
    Fault, FaultKind, FaultTrigger, Funding, Latency, PaperConfig, PaperConfigError, PaperVenue,
};

const REST: OrderType = OrderType::Limit { price: PriceTicks(90), time_in_force: TimeInForce::Gtc };

#[test]
fn an_order_is_acknowledged_then_filled_then_its_position_told() {
    let mut talk = Talk::open(&config());
    talk.send(100, &request(1, Side::Buy, 3, OrderType::Market));
    talk.run(10_000);
    let fill = Fill {
        symbol: BTC,
        trade: TradeId(1),
        order: Some(OrderId(1)),
        side: Side::Buy,
        price: PriceTicks(100),
        quantity: QtyLots(3),
        // 300 × 0.0004
        fee: "0.12".parse().unwrap(),
        maker: false,
        at: Timestamp(110),
    };
    let outcome = SubmitOutcome::Accepted;
    assert_eq!(
        talk.heard,
        [
            (130, VenueReport::Submit { order: OrderId(1), outcome }),
            (130, VenueReport::Fill(fill)),
            (130, VenueReport::Position { symbol: BTC, quantity: QtyLots(3), at: Timestamp(110) }),
        ]
    );
}

#[test]
fn without_latency_everything_is_told_at_the_moment_it_happens() {
    let mut talk = Talk::open(&PaperConfig { latency: Latency::default(), ..config() });
    talk.send(100, &request(1, Side::Buy, 3, OrderType::Market));
    talk.run(100);
    assert_eq!(talk.heard.len(), 3);
}

#[test]
fn a_request_that_arrives_with_a_market_event_is_before_it() {
    let mut talk = Talk::open(&config());
    talk.send(990, &request(1, Side::Buy, 1, OrderType::Market));
    // The order arrives at 1000, when the next bar opens: the old bar's open is all it knows.
    talk.bar_opens(1000, BTC, 120);
    talk.run(10_000);
    assert_eq!(talk.fills()[0].1.price, PriceTicks(100));
}

#[test]
fn a_resting_order_is_filled_by_a_bars_range_and_told_in_the_same_bar() {
    let mut talk = Talk::open(&config());
    talk.send(100, &request(1, Side::Buy, 1, REST));
    talk.run(900);
    talk.bar_plays(999, BTC, &bar(0, 100, 100, 80, 90));
    talk.run(10_000);
    let (at, fill) = talk.fills()[0];
    assert_eq!((at, fill.at, fill.price, fill.maker), (1019, Timestamp(999), PriceTicks(90), true));
}

#[test]
fn a_refusal_names_the_venues_code() {
    let mut talk = Talk::open(&config());
    talk.send(0, &request(1, Side::Buy, 100_000, OrderType::Market));
    talk.run(10_000);
    let outcome = SubmitOutcome::Refused(VenueCode::MARGIN_INSUFFICIENT);
    assert_eq!(talk.heard, [(30, VenueReport::Submit { order: OrderId(1), outcome })]);
}

#[test]
fn an_order_that_arrives_after_its_expiry_is_refused() {
    let mut talk = Talk::open(&config());
    let mut late = request(1, Side::Buy, 1, OrderType::Market);
    late.expires = Timestamp(109);
    talk.send(100, &late);
    let mut just = request(2, Side::Buy, 1, OrderType::Market);
    just.expires = Timestamp(110);
    talk.send(100, &just);
    talk.run(10_000);
    let outcome = SubmitOutcome::Refused(VenueCode::EXPIRED_REQUEST);
    assert_eq!(talk.heard[0], (130, VenueReport::Submit { order: OrderId(1), outcome }));
    assert_eq!(talk.fills().len(), 1);
}

#[test]
fn an_order_is_not_sent_after_its_expiry() {
    let mut talk = Talk::open(&config());
    let mut stale = request(1, Side::Buy, 1, OrderType::Market);
    stale.expires = Timestamp(99);
    talk.send(100, &stale);
    talk.run(10_000);
    let outcome = SubmitOutcome::NotSent;
    assert_eq!(talk.heard, [(100, VenueReport::Submit { order: OrderId(1), outcome })]);
}

#[test]
fn a_second_attempt_bears_the_same_number_and_another_client_id() {
    let mut talk = Talk::open(&config());
    let mut first = request(1, Side::Buy, 1, OrderType::Market);
    first.quantity = QtyLots(2_000_000);
    talk.send(0, &first);
    talk.run(50);
    let mut second = request(1, Side::Buy, 1, OrderType::Market);
    second.client_id.attempt = 2;
    talk.send(50, &second);
    talk.run(10_000);
    let refused = SubmitOutcome::Refused(VenueCode::BAD_QUANTITY);
    assert_eq!(talk.heard[0].1, VenueReport::Submit { order: OrderId(1), outcome: refused });
    assert_eq!(talk.fills()[0].1.order, Some(OrderId(1)));
}

#[test]
fn a_cancelled_order_is_told_as_removed_and_its_status_says_so() {
    let mut talk = Talk::open(&config());
    talk.send(0, &request(1, Side::Buy, 1, REST));
    talk.run(50);
    talk.venue.cancel(Timestamp(50), BTC, OrderId(1));
    talk.venue.query_order(Timestamp(70), BTC, OrderId(1));
    talk.run(10_000);
    let order = OrderId(1);
    let (removal, filled) = (Removal::Canceled, QtyLots::ZERO);
    assert_eq!(talk.heard[1], (80, VenueReport::Removed { order, removal, filled }));
    let (state, at) = (VenueOrderState::Canceled, Timestamp(80));
    assert_eq!(talk.heard[2], (100, VenueReport::OrderStatus { order, state, filled, at }));
}

#[rstest]
#[case::never_handed_over(OrderId(9))]
#[case::filled_already(OrderId(1))]
fn a_cancel_that_finds_nothing_is_refused(#[case] order: OrderId) {
    let mut talk = Talk::open(&config());
    talk.send(0, &request(1, Side::Buy, 1, OrderType::Market));
    talk.run(50);
    talk.heard.clear();
    talk.venue.cancel(Timestamp(50), BTC, order);
    talk.run(10_000);
    let code = VenueCode::CANCEL_REJECTED;
    assert_eq!(talk.heard, [(80, VenueReport::CancelRefused { order, code })]);
}

#[test]
fn an_order_that_is_still_on_its_way_is_absent() {
    let slow = Latency { submit: Span(10), report: Span::ZERO, jitter: Span::ZERO };
    let mut talk = Talk::open(&PaperConfig { latency: slow, ..config() });
    talk.venue.query_order(Timestamp(0), BTC, OrderId(1));
    talk.send(5, &request(1, Side::Buy, 1, REST));
    talk.venue.query_order(Timestamp(6), BTC, OrderId(1));
    talk.run(10_000);
    let states: Vec<_> = (talk.heard.iter())
        .filter_map(|(_, report)| match report {
            VenueReport::OrderStatus { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [VenueOrderState::Absent, VenueOrderState::Open]);
}

#[test]
fn a_position_is_told_as_it_was_when_the_venue_answered() {
    let mut talk = Talk::open(&config());
    talk.venue.query_position(Timestamp(0), BTC);
    talk.send(5, &request(1, Side::Sell, 2, OrderType::Market));
    talk.venue.query_position(Timestamp(5), BTC);
    talk.run(10_000);
    let positions: Vec<_> = (talk.heard.iter())
        .filter_map(|(_, report)| match report {
            VenueReport::Position { quantity, at, .. } => Some((quantity.0, at.0)),
            _ => None,
        })
        .collect();
    // The first answer, the push after the fill, the second answer.
    assert_eq!(positions, [(0, 10), (-2, 15), (-2, 15)]);
}

#[test]
fn funding_is_paid_at_its_hour_and_told() {
    let funding = Funding { rate: Ratio::percent(1), interval: Span(500) };
    let mut talk = Talk::open(&PaperConfig { funding: Some(funding), ..config() });
    talk.send(0, &request(1, Side::Buy, 3, OrderType::Market));
    talk.run(999);
    // 3 × 100 × 1 % each 500.
    let paid = VenueReport::Funding { symbol: BTC, amount: Amount::whole(-3) };
    assert_eq!(talk.heard.last(), Some(&(520, paid)));
    talk.run(1999);
    assert_eq!(talk.heard.iter().filter(|(_, report)| *report == paid).count(), 3);
}

#[test]
fn a_liquidation_is_a_fill_of_no_order() {
    // 100000 of money bears 10000 lots at 100 with 10 % initial margin: 900000 needs 90000.
    let mut talk = Talk::open(&config());
    talk.send(0, &request(1, Side::Buy, 9000, OrderType::Market));
    talk.run(900);
    talk.bar_plays(999, BTC, &bar(0, 100, 100, 50, 60));
    talk.run(10_000);
    let (_, fill) = talk.fills()[1];
    assert_eq!((fill.order, fill.side, fill.quantity), (None, Side::Sell, QtyLots(9000)));
    // Wallet 100000 - 360 fee; (99640 - 9000 × (100 - p)) = 0.05 × 9000 × p: p = 93.60, so 93.
    assert_eq!(fill.price, PriceTicks(93));
}

#[test]
fn jitter_lets_answers_and_pushes_overtake_each_other_but_keeps_the_streams_order() {
    let latency = Latency { submit: Span(10), report: Span(5), jitter: Span(40) };
    let mut overtaken = false;
    for seed in 0..20 {
        let mut talk = Talk::open(&PaperConfig { latency, seed, ..config() });
        for id in 1..=20 {
            talk.send(100 + 10 * id, &request(id as u64, Side::Buy, 1, OrderType::Market));
        }
        talk.run(10_000);
        let acknowledged = |order| {
            let outcome = SubmitOutcome::Accepted;
            let report = VenueReport::Submit { order, outcome };
            talk.heard.iter().position(|&(_, heard)| heard == report)
        };
        assert_eq!(talk.trades(), (1..=20).collect::<Vec<_>>());
        for (place, (_, report)) in talk.heard.iter().enumerate() {
            if let VenueReport::Fill(fill) = report {
                overtaken |= acknowledged(fill.order.unwrap()).unwrap() > place;
            }
        }
    }
    assert!(overtaken, "no fill ever overtook its acknowledgement");
}

#[test]
fn a_wrong_configuration_names_everything_that_is_wrong() {
    let bad = PaperConfig {
        balance: Amount::ZERO,
        timeout: Span::ZERO,
        bar_interval: Span::ZERO,
        slippage: Ratio::ONE,
        latency: Latency { submit: Span(-1), ..Latency::default() },
        faults: vec![
            fault(FaultTrigger::Submit, 1, FaultKind::DuplicateFill),
            fault(FaultTrigger::Fill, 1, FaultKind::RequestLost),
            fault(FaultTrigger::Cancel, 0, FaultKind::AckLost),
            fault(FaultTrigger::Fill, 1, FaultKind::LateFill(Span::ZERO)),
            Fault {
                symbol: Some(sapphire_engine::instrument::SymbolId(2)),
                ..fault(FaultTrigger::Fill, 1, FaultKind::DuplicateFill)
            },
        ],
        ..config()
    };
    let errors = PaperVenue::new(&bad).unwrap_err();
    let of_faults = errors.iter().filter_map(|error| match error {
        PaperConfigError::Fault { number, .. } => Some(*number),
        _ => None,
    });
    assert_eq!(of_faults.collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(errors.len(), 10, "{errors:#?}");
    assert!(PaperVenue::new(&config()).is_ok());
}

#[test]
fn an_order_for_a_symbol_that_is_not_listed_is_refused() {
    let mut talk = Talk::open(&config());
    let mut stray = request(1, Side::Buy, 1, OrderType::Market);
    stray.symbol = sapphire_engine::instrument::SymbolId(9);
    talk.send(0, &stray);
    talk.venue.query_position(Timestamp(0), stray.symbol);
    talk.run(10_000);
    let outcome = SubmitOutcome::Refused(VenueCode::INVALID_SYMBOL);
    assert_eq!(talk.heard[0].1, VenueReport::Submit { order: OrderId(1), outcome });
    assert_ne!(stray.symbol, ETH);
}
