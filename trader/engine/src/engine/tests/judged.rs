//! Whatever closes a position beside the order that turns it over, no more stays open than was judged.

use rstest::rstest;

use super::exits::LOST;
use super::newer_word::{Overruling, fill, gone, leaves_all, overrule, reversing_with};
use super::*;
use crate::venue::{Removal, VenueCode};

const ACCEPTED: SubmitOutcome = SubmitOutcome::Accepted;

fn stop_of(rig: &Rig) -> OrderRequest {
    let mut working = rig.engine.working_orders().map(|tracked| tracked.order.request);
    working.find(|request| request.purpose == Purpose::Stop).unwrap()
}

/// Long, without a stop, beside a reversal that works; the close goes when it has waited enough.
fn closing_beside_a_reversal(outcome: SubmitOutcome) -> (Rig, OrderRequest, OrderRequest) {
    let (mut rig, reversal) = reversing_with(outcome);
    overrule(&mut rig, Overruling::Beyond);
    rig.take();
    if outcome == ACCEPTED {
        // Too many requests, again and again.
        for _ in 0..5 {
            rig.report(VenueReport::CancelRefused { order: reversal.id, code: VenueCode(-1003) });
            let closes = rig.sent().iter().any(|order| order.purpose.closes());
            assert!(!closes, "the reversal lives, and would open twice the size");
            rig.wait(Span::secs(1));
        }
    } else {
        rig.wait(Span::secs(5));
    }
    let close = rig.sent().into_iter().find(|order| order.purpose == Purpose::Flatten).unwrap();
    rig.outcome(close.id, ACCEPTED);
    rig.take();
    (rig, reversal, close)
}

#[rstest]
fn a_reversal_that_fills_after_the_position_was_closed_beside_it_is_left(
    #[values(LOST, ACCEPTED)] outcome: SubmitOutcome,
) {
    let (mut rig, reversal, close) = closing_beside_a_reversal(outcome);
    fill(&mut rig, &close);
    rig.confirm_position();
    rig.take();
    fill(&mut rig, &reversal);
    assert_eq!(rig.position(), QtyLots(-8332));
    leaves_all(&mut rig);
}

#[test]
fn a_reversal_that_opens_too_much_is_left_although_the_agents_want_its_side_again() {
    let (mut rig, reversal, close) = closing_beside_a_reversal(ACCEPTED);
    fill(&mut rig, &close);
    rig.confirm_position();
    rig.bar(500_000);
    rig.all_say(Direction::Short);
    assert_eq!(rig.sent(), [], "beside what may still open twice the size");
    fill(&mut rig, &reversal);
    assert_eq!(rig.position(), QtyLots(-8332));
    leaves_all(&mut rig);
}

#[test]
fn what_is_more_than_was_judged_is_left_although_the_agents_come_to_want_it() {
    let (mut rig, reversal, close) = closing_beside_a_reversal(ACCEPTED);
    rig.fill(&close, 500_000, 2000);
    fill(&mut rig, &reversal);
    rig.take();
    // What closed the former position still works, so that the exit waits.
    rig.closes(rig.now, 500_000);
    rig.all_say(Direction::Short);
    rig.removed(close.id, Removal::Expired);
    rig.take();
    rig.wait(Span::secs(1));
    leaves_all(&mut rig);
}

#[test]
fn a_reversal_that_fills_after_the_position_was_closed_in_part_is_left() {
    let (mut rig, reversal, close) = closing_beside_a_reversal(LOST);
    rig.fill(&close, 500_000, 2000);
    rig.take();
    fill(&mut rig, &reversal);
    assert_eq!(rig.position(), QtyLots(4166 - 2000 - 8332));
    assert!(rig.sent().iter().all(|order| !order.purpose.closes()), "the close still works");
    rig.removed(close.id, Removal::Expired);
    rig.take();
    rig.wait(Span::secs(1));
    leaves_all(&mut rig);
}

#[test]
fn a_reversal_that_fills_before_the_close_beside_it_opens_what_was_judged_and_stays() {
    let (mut rig, reversal, close) = closing_beside_a_reversal(LOST);
    fill(&mut rig, &reversal);
    rig.outcome(close.id, SubmitOutcome::Refused(VenueCode::REDUCE_ONLY_REJECTED));
    assert_eq!(rig.position(), QtyLots(-4166));
    assert!(rig.sent().iter().all(|order| order.purpose == Purpose::Stop));
}

#[test]
fn fills_that_are_told_in_the_wrong_order_show_the_same() {
    let (mut rig, reversal, close) = closing_beside_a_reversal(LOST);
    fill(&mut rig, &reversal);
    rig.take();
    fill(&mut rig, &close);
    assert_eq!(rig.position(), QtyLots(-8332), "nothing that only reduces opens this");
    leaves_all(&mut rig);
}

#[test]
fn a_stop_that_fills_beside_a_reversal_cancels_it_and_what_it_opens_all_the_same_is_left() {
    let (mut rig, reversal) = reversing_with(ACCEPTED);
    let stop = stop_of(&rig);
    rig.fill(&stop, 499_000, rig.position().0);
    assert_eq!(
        cancelled(&rig.take()),
        [reversal.id],
        "what it would open is twice what was judged"
    );
    rig.fill(&reversal, 499_000, reversal.quantity.0);
    leaves_all(&mut rig);
}

#[test]
fn what_a_stop_leaves_of_a_position_that_was_to_be_turned_over_goes_by_the_exit_alone() {
    let (mut rig, reversal) = reversing_with(ACCEPTED);
    let stop = stop_of(&rig);
    rig.fill(&stop, 499_000, 1000);
    assert_eq!(cancelled(&rig.take()), [reversal.id]);
    gone(&mut rig, reversal.id);
    leaves_all(&mut rig);
}

#[test]
fn the_agents_next_word_counts_again() {
    let (mut rig, reversal) = reversing_with(ACCEPTED);
    let stop = stop_of(&rig);
    rig.fill(&stop, 499_000, rig.position().0);
    gone(&mut rig, reversal.id);
    rig.confirm_position();
    rig.bar(499_000);
    rig.take();
    rig.all_say(Direction::Short);
    let entry = rig.sent_one();
    fill(&mut rig, &entry);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop, "it is as large as was judged");
}

#[test]
fn what_is_more_than_was_judged_is_left_although_the_agents_took_back_that_they_want_out() {
    let (mut rig, reversal) = reversing_with(ACCEPTED);
    let (stop, held) = (stop_of(&rig), rig.position());
    rig.closes(rig.now, 500_000);
    rig.all_say(Direction::Flat);
    rig.take();
    fill(&mut rig, &reversal);
    let exit = rig.sent_one();
    rig.outcome(exit.id, ACCEPTED);
    rig.fill(&stop, 499_000, held.0);
    rig.closes(rig.now, 500_000);
    rig.all_say(Direction::Short);
    rig.removed(exit.id, Removal::Expired);
    rig.take();
    rig.wait(Span::secs(1));
    leaves_all(&mut rig);
}

#[test]
fn what_is_more_than_was_judged_is_left_although_a_person_cancelled_what_opened_it() {
    let (mut rig, reversal, close) = closing_beside_a_reversal(ACCEPTED);
    fill(&mut rig, &close);
    rig.confirm_position();
    rig.command(Command::Cancel { order: reversal.id });
    rig.take();
    fill(&mut rig, &reversal);
    leaves_all(&mut rig);
}

#[test]
fn who_takes_their_own_close_back_does_not_keep_what_is_more_than_was_judged() {
    let (mut rig, reversal) = reversing_with(ACCEPTED);
    let (stop, held) = (stop_of(&rig), rig.position());
    fill(&mut rig, &reversal);
    rig.take();
    rig.fill(&stop, 499_000, held.0);
    let exit = rig.sent_one();
    rig.outcome(exit.id, ACCEPTED);
    rig.command(Command::Close { symbol: BTC });
    rig.removed(exit.id, Removal::Expired);
    rig.take();
    rig.wait(Span::secs(1));
    let close = rig.sent_one();
    assert_eq!(close.purpose, Purpose::Flatten);
    rig.command(Command::Cancel { order: close.id });
    let refused = |effect: &Effect| match effect {
        Effect::Record(Record::CommandRefused { reason, .. }) => Some(reason.clone()),
        _ => None,
    };
    let refusals: Vec<String> = rig.take().iter().filter_map(refused).collect();
    assert_eq!(refusals, ["it closes a position that has to go: another would follow at once"]);
    rig.removed(close.id, Removal::Expired);
    rig.take();
    rig.wait(Span::secs(2));
    assert_eq!(rig.sent_one().purpose, Purpose::Flatten);
}

#[test]
fn what_is_more_than_was_judged_is_left_although_the_halt_that_closes_all_is_over() {
    let (mut rig, reversal, close) = closing_beside_a_reversal(ACCEPTED);
    fill(&mut rig, &close);
    rig.confirm_position();
    rig.command(Command::Halt { flatten: true });
    rig.take();
    fill(&mut rig, &reversal);
    let close = rig.sent_one();
    assert_eq!(close.purpose, Purpose::Flatten);
    rig.outcome(close.id, SubmitOutcome::NotSent);
    rig.command(Command::Resume);
    rig.take();
    rig.wait(Span::secs(1));
    leaves_all(&mut rig);
}
