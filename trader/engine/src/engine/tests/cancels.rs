//! A cancel that the venue does not carry out for the moment is asked for again.

use rstest::rstest;

use super::*;
use crate::venue::{Removal, VenueCode, VenueOrderState};

/// An entry that works at the venue, and that a halt cancels.
fn halted() -> (Rig, OrderRequest) {
    let (mut rig, entry) = Rig::entering(config());
    rig.take();
    rig.command(Command::Halt { flatten: false });
    assert_eq!(cancelled(&rig.take()), [entry.id]);
    (rig, entry)
}

fn refuse(rig: &mut Rig, order: OrderId, code: VenueCode) {
    rig.report(VenueReport::CancelRefused { order, code });
}

fn is_open(rig: &mut Rig, order: OrderId) {
    let (at, filled, state) = (rig.now, QtyLots::ZERO, VenueOrderState::Open);
    rig.report(VenueReport::OrderStatus { order, state, filled, at });
}

#[rstest]
#[case::too_many_requests(-1003)]
#[case::a_fault_of_a_server(-1001)]
#[case::a_clock_that_is_off(-1021)]
fn a_cancel_that_is_refused_for_the_moment_is_asked_again_with_a_growing_pause(#[case] code: i32) {
    let (mut rig, entry) = halted();
    for pause in [1, 2, 4, 5, 5] {
        refuse(&mut rig, entry.id, VenueCode(code));
        // Whatever else is heard of it meanwhile.
        is_open(&mut rig, entry.id);
        rig.wait(Span::millis(pause * 1000 - 1));
        assert!(cancelled(&rig.take()).is_empty(), "before {pause} s");
        rig.wait(Span::millis(1));
        assert_eq!(cancelled(&rig.take()), [entry.id], "after {pause} s");
    }
    rig.removed(entry.id, Removal::Canceled);
    rig.take();
    rig.wait(Span::secs(60));
    assert!(cancelled(&rig.take()).is_empty());
}

#[test]
fn a_cancel_that_found_nothing_is_asked_again_where_the_venue_then_shows_the_order() {
    let (mut rig, entry) = halted();
    refuse(&mut rig, entry.id, VenueCode::CANCEL_REJECTED);
    rig.take();
    is_open(&mut rig, entry.id);
    assert!(cancelled(&rig.effects).is_empty(), "not at once: it would only say the same");
    rig.wait(Span::secs(5));
    assert_eq!(cancelled(&rig.take()), [entry.id]);
}

#[test]
fn a_cancel_that_overtakes_its_order_is_asked_again_once_the_venue_has_that() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.command(Command::Halt { flatten: false });
    assert_eq!(cancelled(&rig.take()), [entry.id]);
    refuse(&mut rig, entry.id, VenueCode::CANCEL_REJECTED);
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    assert!(cancelled(&rig.take()).is_empty());
    rig.wait(Span::ZERO);
    assert_eq!(cancelled(&rig.take()), [entry.id]);
}

/// A desk that has just left its position, and cancels the stop.
fn left() -> (Rig, OrderRequest) {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    let exit = rig.leaving();
    rig.fills(&exit);
    assert_eq!(cancelled(&rig.take()), [stop.id]);
    (rig, stop)
}

fn reenter(rig: &mut Rig) {
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.fills(&entry);
}

#[test]
fn the_cancel_of_a_stop_is_decided_anew_once_the_venue_shows_that_it_stands() {
    let (mut rig, stop) = left();
    refuse(&mut rig, stop.id, VenueCode(-1003));
    rig.wait(Span::secs(1));
    assert_eq!(asked(&rig.take()), [stop.id]);
    is_open(&mut rig, stop.id);
    assert_eq!(cancelled(&rig.take()), [stop.id]);
}

/// What became of the cancel, as far as anybody tells the desk.
#[rstest]
#[case::it_was_done_and_nobody_said_so(None)]
#[case::there_was_nothing_to_cancel(Some(VenueCode::CANCEL_REJECTED))]
fn a_stop_whose_cancel_is_in_doubt_takes_the_place_of_none(#[case] said: Option<VenueCode>) {
    let (mut rig, stop) = left();
    if let Some(code) = said {
        refuse(&mut rig, stop.id, code);
    }
    reenter(&mut rig);
    let new = rig.sent_one();
    assert_eq!((new.purpose, new.kind), (Purpose::Stop, stop.kind));
    rig.outcome(new.id, SubmitOutcome::Accepted);
    let mut questions = 0;
    for _ in 0..120 {
        // The answers are lost, too.
        rig.wait(Span::secs(1));
        let effects = rig.take();
        questions += asked(&effects).iter().filter(|order| **order == stop.id).count();
        assert_eq!(cancelled(&effects), [], "the only stop that stands");
    }
    assert!(questions >= 3, "it is asked about until the venue answers: {questions}");
    let (at, filled, state) = (rig.now, QtyLots::ZERO, VenueOrderState::Canceled);
    rig.report(VenueReport::OrderStatus { order: stop.id, state, filled, at });
    assert_eq!(cancelled(&rig.take()), []);
    let stands = rig.engine.order(new.id).unwrap().order;
    assert_eq!((stands.state, stands.pending), (OrderState::Accepted, None));
}

#[test]
fn a_stop_whose_cancel_is_in_doubt_guards_nothing() {
    let (mut rig, _) = left();
    reenter(&mut rig);
    for _ in 0..5 {
        for stop in rig.sent().iter().filter(|order| order.purpose == Purpose::Stop) {
            rig.outcome(stop.id, SubmitOutcome::Refused(VenueCode(-4000)));
        }
        rig.wait(Span::secs(1));
    }
    assert!(rig.sent().iter().any(|order| order.purpose == Purpose::Flatten));
}

#[test]
fn what_an_order_filled_before_its_cancel_is_waited_for_though_it_is_told_later() {
    let (mut rig, entry) = halted();
    let removal = Removal::Canceled;
    rig.report(VenueReport::Removed { order: entry.id, removal, filled: QtyLots(4) });
    assert_eq!(rig.state_of(entry.id), OrderState::Accepted, "four lots of it are nobody's");
    rig.take();
    rig.wait(Span::secs(60));
    let effects = rig.take();
    assert!(
        (3..15).contains(&asked(&effects).len()) && cancelled(&effects).is_empty(),
        "{effects:?}"
    );
    rig.fill(&entry, 500_000, 3);
    assert_eq!(rig.state_of(entry.id), OrderState::PartiallyFilled);
    rig.fill(&entry, 500_000, 1);
    assert_eq!(rig.state_of(entry.id), OrderState::Canceled);
    assert_eq!(rig.position(), QtyLots(4));
    rig.take();
    rig.wait(Span::secs(60));
    assert!(!asked(&rig.take()).contains(&entry.id));
}
