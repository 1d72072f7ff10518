//! A cancel that the venue does not carry out for the moment is asked for again.

use rstest::rstest;

use super::*;
use crate::venue::{Removal, VenueCode, VenueOrderState};

/// An entry that works at the venue, and that a halt cancels.
fn halted() -> (Rig, OrderRequest) {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
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
    rig.report(VenueReport::Removed { order: entry.id, removal: Removal::Canceled });
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
    rig.wait(Span::secs(5));
    assert_eq!(cancelled(&rig.take()), [entry.id]);
}

#[test]
fn the_cancel_of_a_stop_is_decided_anew_after_a_refusal() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000);
    rig.all_say(Direction::Flat);
    let exit = rig.sent_one();
    rig.outcome(exit.id, SubmitOutcome::Accepted);
    rig.fill(&exit, 500_000, exit.quantity.0);
    rig.confirm_position();
    assert_eq!(cancelled(&rig.take()), [stop.id]);
    refuse(&mut rig, stop.id, VenueCode(-1003));
    rig.wait(Span::secs(1));
    assert_eq!(cancelled(&rig.take()), [stop.id]);
}
