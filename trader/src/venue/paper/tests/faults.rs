//! Every scripted fault, and what can be found out after it.

use rstest::rstest;
use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::{PriceTicks, QtyLots};
use sapphire_engine::order::{OrderType, Purpose, Side, TimeInForce};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{
    Removal, SubmitOutcome, UnknownCause, VenueCode, VenueOrderState, VenueReport,
};

use super::{BTC, ETH, TIMEOUT, Talk, config, fault, request};
use crate::venue::Venue;
use crate::venue::paper::{Fault, FaultKind, FaultTrigger, PaperConfig};

const MARKET: OrderType = OrderType::Market;
const REST: OrderType = OrderType::Limit { price: PriceTicks(90), time_in_force: TimeInForce::Gtc };

fn with(faults: &[Fault]) -> Talk {
    Talk::open(&PaperConfig { faults: faults.to_vec(), ..config() })
}

fn outcome(order: u64, outcome: SubmitOutcome) -> VenueReport {
    VenueReport::Submit { order: OrderId(order), outcome }
}

/// The venue's answer to a query at 5000.
fn asked(talk: &mut Talk, order: u64) -> (VenueOrderState, i64) {
    talk.venue.query_order(Timestamp(5000), BTC, OrderId(order));
    talk.run(5100);
    match talk.heard.last() {
        Some((_, VenueReport::OrderStatus { state, filled, .. })) => (*state, filled.0),
        other => panic!("no answer but {other:?}"),
    }
}

#[test]
fn what_was_never_sent_is_known_not_to_be_there() {
    let mut talk = with(&[fault(FaultTrigger::Submit, 1, FaultKind::NeverSent)]);
    talk.send(100, &request(1, Side::Buy, 1, MARKET));
    talk.run(4000);
    assert_eq!(talk.heard, [(100, outcome(1, SubmitOutcome::NotSent))]);
    assert_eq!(asked(&mut talk, 1), (VenueOrderState::Absent, 0));
}

#[test]
fn a_lost_acknowledgement_is_unknown_and_the_fill_still_comes() {
    let mut talk = with(&[fault(FaultTrigger::Submit, 1, FaultKind::AckLost)]);
    talk.send(100, &request(1, Side::Buy, 2, MARKET));
    talk.run(4000);
    let unknown = SubmitOutcome::Unknown(UnknownCause::Timeout);
    assert_eq!(talk.fills().len(), 1);
    assert_eq!(talk.heard.last(), Some(&(100 + TIMEOUT.0, outcome(1, unknown))));
    assert!(!talk.heard.contains(&(130, outcome(1, SubmitOutcome::Accepted))));
    assert_eq!(asked(&mut talk, 1), (VenueOrderState::Filled, 2));
}

#[test]
fn a_lost_acknowledgement_of_a_resting_order_leaves_it_open() {
    let mut talk = with(&[fault(FaultTrigger::Submit, 1, FaultKind::AckLost)]);
    talk.send(100, &request(1, Side::Buy, 2, REST));
    talk.run(4000);
    let unknown = SubmitOutcome::Unknown(UnknownCause::Timeout);
    assert_eq!(talk.heard, [(400, outcome(1, unknown))]);
    assert_eq!(asked(&mut talk, 1), (VenueOrderState::Open, 0));
}

#[test]
fn a_lost_refusal_is_unknown_too() {
    let mut talk = with(&[fault(FaultTrigger::Submit, 1, FaultKind::AckLost)]);
    talk.send(100, &request(1, Side::Buy, 2_000_000, MARKET));
    talk.run(4000);
    let unknown = SubmitOutcome::Unknown(UnknownCause::Timeout);
    assert_eq!(talk.heard, [(400, outcome(1, unknown))]);
    assert_eq!(asked(&mut talk, 1), (VenueOrderState::Absent, 0));
}

#[test]
fn a_lost_request_is_unknown_and_absent() {
    let mut talk = with(&[fault(FaultTrigger::Submit, 1, FaultKind::RequestLost)]);
    talk.send(100, &request(1, Side::Buy, 1, MARKET));
    talk.run(4000);
    let unknown = SubmitOutcome::Unknown(UnknownCause::Timeout);
    assert_eq!(talk.heard, [(400, outcome(1, unknown))]);
    assert_eq!(asked(&mut talk, 1), (VenueOrderState::Absent, 0));
}

#[test]
fn a_scripted_refusal_bears_its_code() {
    let code = VenueCode(-2010);
    let mut talk = with(&[fault(FaultTrigger::Submit, 1, FaultKind::Refused(code))]);
    talk.send(100, &request(1, Side::Buy, 1, MARKET));
    talk.run(4000);
    assert_eq!(talk.heard, [(130, outcome(1, SubmitOutcome::Refused(code)))]);
    assert_eq!(asked(&mut talk, 1), (VenueOrderState::Absent, 0));
}

#[test]
fn a_duplicate_fill_is_the_same_trade_twice() {
    let mut talk = with(&[fault(FaultTrigger::Fill, 1, FaultKind::DuplicateFill)]);
    talk.send(100, &request(1, Side::Buy, 1, MARKET));
    talk.run(4000);
    let fills = talk.fills();
    assert_eq!(fills.len(), 2);
    assert_eq!(fills[0], fills[1]);
    assert_eq!(asked(&mut talk, 1), (VenueOrderState::Filled, 1));
}

#[test]
fn a_late_fill_comes_after_the_position_that_it_made() {
    let mut talk = with(&[fault(FaultTrigger::Fill, 1, FaultKind::LateFill(Span(700)))]);
    talk.send(100, &request(1, Side::Buy, 1, MARKET));
    talk.send(200, &request(2, Side::Buy, 1, MARKET));
    talk.run(4000);
    assert_eq!(talk.trades(), [2, 1]);
    assert_eq!(talk.fills()[1].0, 830);
    let position = VenueReport::Position { symbol: BTC, quantity: QtyLots(1), at: Timestamp(110) };
    assert!(talk.heard.contains(&(130, position)));
}

#[test]
fn a_query_tells_fills_that_are_late_before_its_answer() {
    let mut talk = with(&[fault(FaultTrigger::Fill, 1, FaultKind::LateFill(Span(700)))]);
    talk.send(100, &request(1, Side::Buy, 1, MARKET));
    talk.venue.query_order(Timestamp(200), BTC, OrderId(1));
    talk.run(4000);
    let told: Vec<_> = (talk.heard.iter())
        .filter(|(at, _)| *at == 230)
        .map(|(_, report)| matches!(report, VenueReport::Fill(_)))
        .collect();
    assert_eq!(told, [true, false], "the fill, then the status");
    // The late one still comes: a fill told twice.
    assert_eq!(talk.trades(), [1, 1]);
}

#[test]
fn an_out_of_order_fill_comes_right_after_the_next_one() {
    let mut talk = with(&[fault(FaultTrigger::Fill, 1, FaultKind::OutOfOrderFill)]);
    talk.send(100, &request(1, Side::Buy, 1, MARKET));
    talk.send(200, &request(2, Side::Buy, 1, MARKET));
    talk.run(4000);
    assert_eq!(talk.trades(), [2, 1]);
    assert_eq!(talk.fills()[1].0, 230);
}

#[test]
fn an_out_of_order_fill_that_nothing_follows_comes_after_the_time_out() {
    let mut talk = with(&[fault(FaultTrigger::Fill, 1, FaultKind::OutOfOrderFill)]);
    talk.send(100, &request(1, Side::Buy, 1, MARKET));
    talk.venue.query_order(Timestamp(150), BTC, OrderId(1));
    talk.run(4000);
    // Told by the query, and then once more.
    let times: Vec<_> = talk.fills().iter().map(|&(at, _)| at).collect();
    assert_eq!(times, [180, 130 + TIMEOUT.0]);
}

#[rstest]
#[case::never_sent(FaultKind::NeverSent, VenueOrderState::Open)]
#[case::request_lost(FaultKind::RequestLost, VenueOrderState::Open)]
#[case::answer_lost(FaultKind::AckLost, VenueOrderState::Canceled)]
fn of_a_faulty_cancel_nothing_is_heard(#[case] kind: FaultKind, #[case] then: VenueOrderState) {
    let mut talk = with(&[fault(FaultTrigger::Cancel, 1, kind)]);
    talk.send(100, &request(1, Side::Buy, 1, REST));
    talk.run(200);
    talk.heard.clear();
    talk.venue.cancel(Timestamp(200), BTC, OrderId(1));
    talk.run(4000);
    assert_eq!(talk.heard, []);
    assert_eq!(asked(&mut talk, 1).0, then);
}

#[test]
fn a_refused_cancel_leaves_the_order_open_and_the_next_one_works() {
    let code = VenueCode(-2011);
    let mut talk = with(&[fault(FaultTrigger::Cancel, 1, FaultKind::Refused(code))]);
    talk.send(100, &request(1, Side::Buy, 1, REST));
    talk.run(200);
    talk.heard.clear();
    talk.venue.cancel(Timestamp(200), BTC, OrderId(1));
    talk.venue.cancel(Timestamp(300), BTC, OrderId(1));
    talk.run(4000);
    let order = OrderId(1);
    let removal = Removal::Canceled;
    assert_eq!(
        talk.heard,
        [
            (230, VenueReport::CancelRefused { order, code }),
            (330, VenueReport::Removed { order, removal, filled: QtyLots::ZERO })
        ]
    );
}

#[test]
fn a_fault_counts_only_what_its_symbol_and_purpose_select() {
    let only = Fault {
        symbol: Some(ETH),
        purpose: Some(Purpose::Exit),
        ..fault(FaultTrigger::Submit, 2, FaultKind::NeverSent)
    };
    let mut talk = with(&[only]);
    let kinds = [
        (BTC, Purpose::Exit),
        (ETH, Purpose::Entry),
        (ETH, Purpose::Exit),
        (BTC, Purpose::Exit),
        (ETH, Purpose::Exit), // the second that counts
        (ETH, Purpose::Exit),
    ];
    for (id, (symbol, purpose)) in (1..).zip(kinds) {
        talk.send(
            100,
            &super::OrderRequest { symbol, purpose, ..request(id, Side::Buy, 1, MARKET) },
        );
    }
    talk.run(4000);
    let not_sent: Vec<_> = (talk.heard.iter())
        .filter_map(|(_, report)| match report {
            VenueReport::Submit { order, outcome: SubmitOutcome::NotSent } => Some(order.0),
            _ => None,
        })
        .collect();
    assert_eq!(not_sent, [5]);
}

#[test]
fn where_two_faults_hit_the_first_of_the_list_does() {
    let mut talk = with(&[
        fault(FaultTrigger::Submit, 1, FaultKind::AckLost),
        fault(FaultTrigger::Submit, 1, FaultKind::NeverSent),
        fault(FaultTrigger::Submit, 2, FaultKind::NeverSent),
    ]);
    talk.send(100, &request(1, Side::Buy, 1, MARKET));
    talk.send(100, &request(2, Side::Buy, 1, MARKET));
    talk.run(4000);
    let unknown = SubmitOutcome::Unknown(UnknownCause::Timeout);
    assert!(talk.heard.contains(&(400, outcome(1, unknown))));
    assert!(talk.heard.contains(&(100, outcome(2, SubmitOutcome::NotSent))));
}
