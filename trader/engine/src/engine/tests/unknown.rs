//! An unknown order is never sent again and never assumed dead.

use super::*;
use crate::venue::{UnknownCause, VenueOrderState};

/// An entry whose acknowledgement was lost.
fn lost() -> (Rig, OrderRequest) {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Unknown(UnknownCause::Timeout));
    (rig, entry)
}

fn answer(rig: &mut Rig, order: OrderId, state: VenueOrderState) {
    let at = rig.now;
    rig.report(VenueReport::OrderStatus { order, state, filled: QtyLots::ZERO, at });
}

#[test]
fn it_is_asked_about_and_never_sent_again() {
    let (mut rig, entry) = lost();
    rig.take();
    rig.wait(Span::secs(4));
    let effects = rig.take();
    assert!(asked(&effects).len() >= 3);
    assert!(!effects.iter().any(|e| matches!(e, Effect::Submit(_))));
    assert_eq!(rig.state_of(entry.id), OrderState::Unknown);
}

#[test]
fn it_counts_as_filled_meanwhile() {
    let (mut rig, _) = lost();
    let (gross, ..) = rig.engine.gross_and_net();
    assert!(gross.0 > 0, "an unknown entry is exposure");
    // The same decision again is held back by what may be out there.
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert!(rig.sent().is_empty());
}

#[test]
fn absence_before_the_expiry_and_grace_proves_nothing() {
    let (mut rig, entry) = lost();
    rig.wait(Span::secs(9));
    answer(&mut rig, entry.id, VenueOrderState::Absent);
    assert_eq!(rig.state_of(entry.id), OrderState::Unknown);
    rig.wait(Span::millis(1001));
    answer(&mut rig, entry.id, VenueOrderState::Absent);
    assert_eq!(rig.state_of(entry.id), OrderState::NotAccepted);
}

#[test]
fn absence_at_the_very_end_of_expiry_and_grace_proves_nothing() {
    let (mut rig, entry) = lost();
    rig.wait(Span::secs(10));
    answer(&mut rig, entry.id, VenueOrderState::Absent);
    assert_eq!(rig.state_of(entry.id), OrderState::Unknown);
}

#[rstest::rstest]
#[case(VenueOrderState::Canceled)]
#[case(VenueOrderState::Expired)]
#[case(VenueOrderState::Filled)]
fn an_answer_that_knows_of_more_fills_waits_for_them(#[case] state: VenueOrderState) {
    let (mut rig, entry) = lost();
    let at = rig.now;
    rig.report(VenueReport::OrderStatus { order: entry.id, state, filled: QtyLots(3), at });
    assert_eq!(rig.state_of(entry.id), OrderState::Unknown, "it may not end before its fills");
    rig.fill(&entry, 500_000, 3);
    rig.report(VenueReport::OrderStatus { order: entry.id, state, filled: QtyLots(3), at });
    assert!(rig.state_of(entry.id).is_closed());
}

#[test]
fn it_is_adopted_when_the_venue_has_it() {
    let (mut rig, entry) = lost();
    answer(&mut rig, entry.id, VenueOrderState::Open);
    assert_eq!(rig.state_of(entry.id), OrderState::Accepted);
}

#[test]
fn a_fill_resolves_it_and_is_protected() {
    let (mut rig, entry) = lost();
    rig.take();
    rig.fill(&entry, 500_000, entry.quantity.0);
    assert_eq!(rig.state_of(entry.id), OrderState::Filled);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop);
}

#[test]
fn an_answer_that_never_comes_is_an_unknown_outcome() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.wait(Span::secs(9));
    assert_eq!(rig.state_of(entry.id), OrderState::Submitted);
    rig.wait(Span::secs(1));
    assert_eq!(rig.state_of(entry.id), OrderState::Unknown);
    rig.wait(Span::secs(1));
    assert!(!asked(&rig.take()).is_empty());
}

#[test]
fn an_unknown_exit_counts_as_unfilled_and_another_is_allowed_beside_it() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    rig.command(Command::Halt { flatten: true });
    let first = rig.sent_one();
    assert_eq!(first.purpose, Purpose::Flatten);
    rig.outcome(first.id, SubmitOutcome::Unknown(UnknownCause::ConnectionLost));
    let second = rig.sent_one();
    assert_eq!((second.purpose, second.quantity), (Purpose::Flatten, first.quantity));
    assert!(second.reduce_only && second.id != first.id);
    assert_eq!(rig.state_of(first.id), OrderState::Unknown);
}

#[rstest::rstest]
#[case::whole(true, OrderState::Filled)]
#[case::in_part(false, OrderState::PartiallyFilled)]
fn a_fill_of_an_order_that_was_proven_absent_is_told_and_counts(
    #[case] whole: bool,
    #[case] state: OrderState,
) {
    let (mut rig, entry) = lost();
    rig.wait(Span::secs(11));
    answer(&mut rig, entry.id, VenueOrderState::Absent);
    assert_eq!(rig.state_of(entry.id), OrderState::NotAccepted);
    rig.take();
    rig.fill(&entry, 500_000, if whole { entry.quantity.0 } else { 1 });
    assert_eq!(rig.state_of(entry.id), state);
    assert_eq!(rig.engine.working_orders().any(|t| t.order.request.id == entry.id), !whole);
    proof_failed(&rig.take(), entry.id, OrderState::NotAccepted);
    rig.wait(Span::secs(1));
    let asked = asked(&rig.take()).len();
    assert_eq!(asked > 0, !whole, "the rest of it may still fill");
}

#[test]
fn a_fill_of_an_order_that_was_refused_is_told_and_counts() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Refused(crate::venue::VenueCode(-1111)));
    rig.take();
    rig.fill(&entry, 500_000, entry.quantity.0);
    assert_eq!(rig.position(), entry.quantity);
    proof_failed(&rig.take(), entry.id, OrderState::Rejected);
}

fn proof_failed(effects: &[Effect], expected: OrderId, was: OrderState) {
    let recorded = effects.iter().any(|e| {
        matches!(e, Effect::Record(Record::ProofFailed { order, believed })
            if *order == expected && *believed == was)
    });
    let told = effects
        .iter()
        .any(|e| matches!(e, Effect::Alert(alert) if alert.severity == Severity::Critical));
    assert!(recorded && told, "{effects:?}");
}

#[test]
fn an_accepted_market_order_of_which_nothing_more_is_heard_is_asked_about() {
    let (mut rig, entry) = Rig::entering(config());
    rig.take();
    rig.wait(Span::secs(9));
    assert_eq!(asked(&rig.take()).len(), 0, "its fill may still come");
    rig.wait(Span::secs(600));
    assert!((5..10).contains(&asked(&rig.take()).len()), "again and again, with growing pauses");
    rig.wait(Span::hours(24));
    assert_eq!(asked(&rig.take()).len(), 270, "one each 320 s: its market may not trade for days");
    answer(&mut rig, entry.id, VenueOrderState::Expired);
    assert_eq!(rig.state_of(entry.id), OrderState::Expired);
    rig.take();
    rig.wait(Span::secs(600));
    assert_eq!(asked(&rig.take()).len(), 0);
}

#[test]
fn an_accepted_stop_is_not_asked_about() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    rig.wait(Span::secs(600));
    assert_eq!(asked(&rig.take()).len(), 0, "it waits for its trigger, as it should");
}

#[test]
fn what_was_never_sent_is_known_to_be_dead() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::NotSent);
    assert_eq!(rig.state_of(entry.id), OrderState::NotAccepted);
    assert_eq!(rig.engine.gross_and_net().0, Amount::ZERO);
}

#[test]
fn a_position_that_the_venue_does_not_confirm_makes_the_desk_reduce() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    let quantity = rig.position() + QtyLots(1);
    rig.wait(Span::secs(1));
    rig.report(VenueReport::Position { symbol: BTC, quantity, at: rig.now });
    rig.wait(Span::secs(31));
    assert_eq!(rig.engine.state(), crate::policy::TradingState::Reducing);
    rig.confirm_position();
    assert_eq!(rig.engine.state(), crate::policy::TradingState::Active);
}

#[test]
fn a_word_from_before_the_last_fill_confirms_nothing() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    let before = rig.now;
    rig.wait(Span::millis(10));
    rig.fill(&entry, 500_000, entry.quantity.0);
    rig.report(VenueReport::Position { symbol: BTC, quantity: rig.position(), at: before });
    assert!(!rig.engine.symbol_view(BTC).unwrap().verified);
    rig.confirm_position();
    assert!(rig.engine.symbol_view(BTC).unwrap().verified);
}

#[test]
fn an_opposite_entry_beside_an_unknown_one_counts_by_the_larger_side_not_the_sum() {
    let mut limited = config();
    limited.policy.policy.limits.max_gross_exposure = Ratio::percent(220);
    let mut rig = Rig::warm(limited);
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one(); // 2.08 times equity
    rig.outcome(entry.id, SubmitOutcome::Unknown(UnknownCause::Timeout));
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    // At worst one of them fills: 2.08 times equity either way, and 4.16 never.
    let effects = rig.take();
    assert_eq!(cancelled(&effects), [entry.id]);
    assert_eq!(denials(&effects), []);
    let (gross, net, open) = rig.engine.gross_and_net();
    let one = rig.engine.config().instruments[0].notional(PriceTicks(500_000), entry.quantity);
    assert_eq!((gross, net, open), (one, one, 1));
}

#[test]
fn a_same_sided_entry_beside_an_unknown_one_is_never_sent() {
    let (mut rig, _) = lost();
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert!(rig.sent().is_empty());
}

#[test]
fn a_cancel_of_which_nothing_is_heard_is_asked_again() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.command(Command::Halt { flatten: false });
    assert_eq!(cancelled(&rig.take()), [entry.id]);
    rig.wait(Span::secs(4));
    assert!(cancelled(&rig.take()).is_empty(), "its answer may still come");
    rig.wait(Span::secs(7));
    assert!(cancelled(&rig.take()).contains(&entry.id));
    // Gone at last, and asked about no more.
    rig.removed(entry.id, crate::venue::Removal::Canceled);
    rig.take();
    rig.wait(Span::secs(60));
    assert!(cancelled(&rig.take()).is_empty());
}
