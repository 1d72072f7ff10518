//! An order of an older word does not overrule a newer one: neither by filling, nor by not filling.

use rstest::rstest;

use super::exits::LOST;
use super::*;
use crate::journal::DecisionAction;
use crate::order::OrderType;
use crate::venue::{Removal, VenueCode, VenueOrderState};

/// Long, a bar later, and what the agents said then has been sent and accepted.
fn reversing() -> (Rig, OrderRequest) {
    reversing_with(SubmitOutcome::Accepted)
}

/// The same, with the venue's answer.
pub(super) fn reversing_with(outcome: SubmitOutcome) -> (Rig, OrderRequest) {
    let (mut rig, _stop) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    assert_eq!((reversal.purpose, reversal.reduce_only), (Purpose::Entry, false));
    rig.outcome(reversal.id, outcome);
    rig.take();
    (rig, reversal)
}

/// Flat, and an entry works.
fn entering() -> (Rig, OrderRequest) {
    let (mut rig, entry) = Rig::entering(config());
    rig.take();
    (rig, entry)
}

fn they_say(rig: &mut Rig, direction: Direction) {
    rig.bar(500_000);
    rig.all_say(direction);
}

pub(super) fn fill(rig: &mut Rig, order: &OrderRequest) {
    rig.fill(order, 500_000, order.quantity.0);
}

pub(super) fn gone(rig: &mut Rig, order: OrderId) {
    rig.removed(order, Removal::Canceled);
}

fn status(rig: &mut Rig, order: OrderId, state: VenueOrderState) {
    let (at, filled) = (rig.now, QtyLots::ZERO);
    rig.report(VenueReport::OrderStatus { order, state, filled, at });
}

pub(super) fn leaves_all(rig: &mut Rig) {
    let held = rig.position();
    let exit = rig.sent_one();
    assert_eq!((exit.purpose, exit.reduce_only), (Purpose::Exit, true));
    assert_eq!((exit.side, exit.quantity), (Side::of_position(held).opposite(), held.abs()));
}

/// What keeps the desk from taking on what it has asked for already.
#[derive(Debug, Clone, Copy)]
enum Restraint {
    PolicyLost,
    Pause,
}

fn restrain(rig: &mut Rig, restraint: Restraint) {
    match restraint {
        Restraint::PolicyLost => rig.event(EventKind::PolicyLost("its file is gone")),
        Restraint::Pause => rig.command(Command::PauseSymbol { symbol: BTC, paused: true }),
    }
}

#[rstest]
fn a_reversal_that_the_desk_takes_back_since_it_takes_nothing_on_leaves_by_the_exit_alone(
    #[values(Restraint::PolicyLost, Restraint::Pause)] restraint: Restraint,
    #[values(true, false)] told: bool,
) {
    let (mut rig, reversal) = reversing();
    restrain(&mut rig, restraint);
    assert_eq!(cancelled(&rig.effects), [reversal.id]);
    assert!(rig.sent().is_empty(), "if both filled, twice the size would be open");
    match told {
        true => gone(&mut rig, reversal.id),
        false => status(&mut rig, reversal.id, VenueOrderState::Canceled),
    }
    leaves_all(&mut rig);
}

#[test]
fn a_reversal_that_the_desk_takes_back_and_that_fills_first_stays_turned_over() {
    let (mut rig, reversal) = reversing();
    restrain(&mut rig, Restraint::PolicyLost);
    fill(&mut rig, &reversal);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop, "it is what the agents want");
}

#[test]
fn a_reversal_that_the_venue_cancels_leaves_by_the_exit_alone() {
    let (mut rig, reversal) = reversing();
    gone(&mut rig, reversal.id);
    leaves_all(&mut rig);
}

#[rstest]
#[case::a_halt_keeps_what_is_open(|rig: &mut Rig| rig.command(Command::Halt { flatten: false }))]
#[case::a_process_that_leaves_begins_nothing(|rig: &mut Rig| rig.event(EventKind::Stopping))]
fn a_reversal_is_taken_back_whole_where(#[case] happens: fn(&mut Rig)) {
    let (mut rig, reversal) = reversing();
    happens(&mut rig);
    assert_eq!(cancelled(&rig.take()), [reversal.id]);
    gone(&mut rig, reversal.id);
    rig.wait(Span::secs(50));
    assert!(rig.sent().is_empty());
}

#[rstest]
#[case::says_so(Removal::Canceled)]
#[case::says_that_it_expired(Removal::Expired)]
fn a_person_who_cancels_a_reversal_takes_it_back_whole_whether_the_venue(#[case] removal: Removal) {
    let (mut rig, reversal) = reversing();
    rig.command(Command::Cancel { order: reversal.id });
    rig.removed(reversal.id, removal);
    rig.wait(Span::secs(50));
    assert!(rig.sent().is_empty());
}

#[test]
fn agents_that_want_to_stay_after_all_take_the_reversal_back() {
    let (mut rig, reversal) = reversing();
    they_say(&mut rig, Direction::Long);
    assert_eq!(cancelled(&rig.take()), [reversal.id]);
    gone(&mut rig, reversal.id);
    rig.wait(Span::secs(50));
    assert!(rig.sent().is_empty(), "they want what is held");
}

#[test]
fn a_reversal_that_never_arrived_is_no_exit_of_what_the_agents_want_by_now() {
    let (mut rig, _stop) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    rig.outcome(reversal.id, LOST);
    they_say(&mut rig, Direction::Long);
    // Nor is there anything to cancel.
    let code = VenueCode(-2011);
    rig.report(VenueReport::CancelRefused { order: reversal.id, code });
    rig.wait(Span::secs(11));
    status(&mut rig, reversal.id, VenueOrderState::Absent);
    assert_eq!(rig.state_of(reversal.id), OrderState::NotAccepted);
    assert!(rig.sent().is_empty());
}

#[test]
fn a_reversal_that_fills_when_the_agents_want_to_stay_by_now_is_left_at_once() {
    let (mut rig, reversal) = reversing();
    they_say(&mut rig, Direction::Long);
    rig.take();
    fill(&mut rig, &reversal);
    assert!(rig.position() < QtyLots::ZERO);
    let why = rig.effects.iter().find_map(|effect| match effect {
        Effect::Record(Record::Decision(decision)) => Some((decision.id, decision.action)),
        _ => None,
    });
    let exit = rig.effects.iter().find_map(|effect| match effect {
        Effect::Submit(order) => order.get().decision,
        _ => None,
    });
    assert_eq!(why, exit.map(|id| (id, DecisionAction::Exit)), "`why` tells what happened");
    leaves_all(&mut rig);
}

#[test]
fn a_reversal_that_the_agents_want_again_is_no_longer_taken_back() {
    let (mut rig, reversal) = reversing();
    they_say(&mut rig, Direction::Flat);
    they_say(&mut rig, Direction::Short);
    rig.take();
    fill(&mut rig, &reversal);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop, "the newest word wants this one");
    rig.wait(Span::secs(4));
    assert!(rig.sent().iter().all(|order| order.purpose == Purpose::Stop));
}

#[rstest]
fn a_reversal_that_the_agents_want_again_and_that_is_gone_leaves_by_the_exit_alone(
    #[values(Direction::Flat, Direction::Long)] between: Direction,
) {
    let (mut rig, reversal) = reversing();
    they_say(&mut rig, between);
    they_say(&mut rig, Direction::Short);
    rig.take();
    gone(&mut rig, reversal.id);
    leaves_all(&mut rig);
}

#[rstest]
#[case::whole(0)]
#[case::in_part(3)]
fn an_entry_that_fills_after_the_agents_want_out_is_left_at_once(#[case] short_of: i64) {
    let (mut rig, entry) = entering();
    they_say(&mut rig, Direction::Flat);
    assert_eq!(cancelled(&rig.take()), [entry.id]);
    rig.fill(&entry, 500_000, entry.quantity.0 - short_of);
    leaves_all(&mut rig);
}

#[test]
fn an_entry_that_the_agents_want_again_stays() {
    let (mut rig, entry) = entering();
    they_say(&mut rig, Direction::Flat);
    they_say(&mut rig, Direction::Long);
    rig.take();
    fill(&mut rig, &entry);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop);
}

#[rstest]
#[case::a_person_cancelled(|rig: &mut Rig, order| rig.command(Command::Cancel { order }))]
#[case::a_halt_cancelled(|rig: &mut Rig, _| rig.command(Command::Halt { flatten: false }))]
fn an_entry_that_fills_all_the_same_is_kept_under_its_stop_where(
    #[case] happens: fn(&mut Rig, OrderId),
) {
    let (mut rig, entry) = entering();
    happens(&mut rig, entry.id);
    rig.take();
    fill(&mut rig, &entry);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop);
}

#[test]
fn what_an_entry_opens_after_a_person_closed_the_position_is_left() {
    let (mut rig, entry) = entering();
    rig.fill(&entry, 500_000, 3);
    rig.command(Command::Close { symbol: BTC });
    let close = rig.sent().pop().unwrap();
    assert_eq!(close.purpose, Purpose::Flatten);
    rig.outcome(close.id, SubmitOutcome::Accepted);
    fill(&mut rig, &close);
    rig.confirm_position();
    rig.take();
    rig.fill(&entry, 500_000, 5);
    leaves_all(&mut rig);
}

#[test]
fn a_person_who_cancels_an_exit_keeps_what_the_entry_still_opens() {
    let (mut rig, entry) = entering();
    rig.fill(&entry, 500_000, 3);
    let stop = rig.sent_one();
    rig.outcome(stop.id, SubmitOutcome::Accepted);
    they_say(&mut rig, Direction::Flat);
    let exit = rig.sent().into_iter().rfind(|order| order.purpose == Purpose::Exit).unwrap();
    rig.command(Command::Cancel { order: exit.id });
    gone(&mut rig, exit.id);
    rig.take();
    rig.fill(&entry, 500_000, 5);
    rig.wait(Span::secs(50));
    assert!(rig.sent().iter().all(|order| !order.purpose.closes()));
}

/// What closes a position whatever the agents say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Overruling {
    /// The stop could not stand in time.
    Deadline,
    /// The price is beyond the stop.
    Beyond,
    Command,
    Halt,
}

/// The desk's stop goes, and whatever is to close the position happens.
pub(super) fn overrule(rig: &mut Rig, overruling: Overruling) {
    let stop = rig.engine.working_orders().map(|t| t.order.request);
    let stop = stop.into_iter().find(|request| request.purpose == Purpose::Stop).unwrap();
    match overruling {
        Overruling::Deadline | Overruling::Beyond => {
            rig.removed(stop.id, Removal::Expired);
            let again = rig.sent_one();
            assert!(matches!(again.kind, OrderType::StopMarket { .. }));
            if matches!(overruling, Overruling::Beyond) {
                let code = VenueCode::WOULD_TRIGGER_IMMEDIATELY;
                rig.outcome(again.id, SubmitOutcome::Refused(code));
            } else {
                rig.outcome(again.id, LOST);
                rig.wait(Span::secs(5));
            }
        }
        Overruling::Command => rig.command(Command::Close { symbol: BTC }),
        Overruling::Halt => rig.command(Command::Halt { flatten: true }),
    }
}

const OVERRULING: [Overruling; 4] =
    [Overruling::Deadline, Overruling::Beyond, Overruling::Command, Overruling::Halt];

fn closes_all(rig: &mut Rig) -> OrderRequest {
    let held = rig.position();
    let close = rig.sent_one();
    assert_eq!((close.purpose, close.quantity), (Purpose::Flatten, held.abs()));
    close
}

#[rstest]
fn what_overrules_the_agents_closes_once_a_working_reversal_is_cancelled(
    #[values(0, 1, 2, 3)] which: usize,
) {
    let (mut rig, reversal) = reversing();
    overrule(&mut rig, OVERRULING[which]);
    assert_eq!(cancelled(&rig.effects), [reversal.id]);
    rig.wait(Span::secs(4));
    let closes = rig.sent().iter().filter(|order| order.purpose.closes()).count();
    assert_eq!(closes, 0, "the reversal would open what the close has closed, too");
    gone(&mut rig, reversal.id);
    closes_all(&mut rig);
}

#[rstest]
#[case::its_answer_is_lost(Some(LOST))]
#[case::its_answer_is_out(None)]
fn what_overrules_the_agents_waits_for_a_reversal_until_the_venue_would_not_take_it_any_more(
    #[case] outcome: Option<SubmitOutcome>,
) {
    let (mut rig, _stop) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    if let Some(outcome) = outcome {
        rig.outcome(reversal.id, outcome);
    }
    rig.command(Command::Close { symbol: BTC });
    rig.wait(Span::millis(4999));
    assert!(rig.sent().is_empty());
    rig.wait(Span::millis(1));
    let close = closes_all(&mut rig);
    // It had filled: the close finds nothing to reduce, and what was judged stays.
    fill(&mut rig, &reversal);
    rig.outcome(close.id, SubmitOutcome::Refused(VenueCode::REDUCE_ONLY_REJECTED));
    assert_eq!(rig.position(), QtyLots(4166 - reversal.quantity.0));
}

#[test]
fn a_venue_that_does_not_answer_a_cancel_holds_up_no_close_and_what_it_opens_is_left() {
    let (mut rig, reversal) = reversing();
    rig.command(Command::Close { symbol: BTC });
    rig.wait(Span::millis(4999));
    assert!(rig.sent().is_empty());
    rig.wait(Span::millis(1));
    let close = closes_all(&mut rig);
    rig.outcome(close.id, SubmitOutcome::Accepted);
    fill(&mut rig, &close);
    rig.confirm_position();
    rig.take();
    fill(&mut rig, &reversal);
    leaves_all(&mut rig);
}

#[test]
fn a_cancel_that_the_venue_refuses_holds_up_no_close() {
    let (mut rig, reversal) = reversing();
    rig.command(Command::Close { symbol: BTC });
    assert!(rig.sent().is_empty());
    let code = VenueCode(-2011);
    rig.report(VenueReport::CancelRefused { order: reversal.id, code });
    closes_all(&mut rig);
}

#[test]
fn an_entry_that_was_taken_back_and_fills_too_little_for_the_newest_word_is_followed_by_the_exit() {
    let (mut rig, entry) = entering();
    rig.fill(&entry, 500_000, 3);
    rig.confirm_position();
    let stop = rig.sent_one();
    rig.outcome(stop.id, SubmitOutcome::Accepted);
    rig.bar(500_000);
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    rig.outcome(reversal.id, SubmitOutcome::Accepted);
    rig.take();
    rig.fills(&reversal);
    let stop = rig.sent_one();
    rig.outcome(stop.id, SubmitOutcome::Accepted);
    // The cancel of the first one is still under way, and it is what the agents want again.
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    assert_eq!(rig.sent(), []);
    rig.fill(&entry, 500_000, entry.quantity.0 - 3);
    assert_eq!(rig.position(), QtyLots(-3));
    let exit = *rig.sent().iter().find(|order| order.purpose == Purpose::Exit).unwrap();
    assert_eq!((exit.side, exit.quantity), (Side::Buy, QtyLots(3)));
}
