//! A position that is to go goes, whatever becomes of the first order that was to close it.

use rstest::rstest;

use super::*;
use crate::risk::RuleId;
use crate::venue::{Removal, UnknownCause, VenueCode, VenueOrderState};

pub(super) const REFUSED: SubmitOutcome = SubmitOutcome::Refused(VenueCode(-1111));
pub(super) const LOST: SubmitOutcome = SubmitOutcome::Unknown(UnknownCause::Timeout);

/// Who wanted out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    Consensus,
    ItsAgent,
    TimeStop,
    Command,
    Halt,
}

/// Long, and the order that is to close it has been handed over.
pub(super) fn leaving(wanted: Wanted) -> (Rig, OrderRequest) {
    let mut config = if matches!(wanted, Wanted::ItsAgent) { delegated() } else { config() };
    if matches!(wanted, Wanted::TimeStop) {
        config.policy.policy.exits.time_stop_bars = Some(1);
    }
    let (mut rig, _stop) = Rig::in_position(Direction::Long, config);
    rig.bar(500_000);
    match wanted {
        Wanted::Consensus | Wanted::ItsAgent => rig.all_say(Direction::Flat),
        Wanted::TimeStop => {}
        Wanted::Command => rig.command(Command::Close { symbol: BTC }),
        Wanted::Halt => rig.command(Command::Halt { flatten: true }),
    }
    let exit = rig.sent_one();
    assert!(exit.purpose.closes());
    (rig, exit)
}

/// What is sent again, in a second and not before.
pub(super) fn next_second(rig: &mut Rig) -> OrderRequest {
    after_seconds(rig, 1)
}

/// What is sent again after so many seconds, and not before.
fn after_seconds(rig: &mut Rig, seconds: i64) -> OrderRequest {
    rig.wait(Span::millis(1000 * seconds - 1));
    assert!(rig.sent().is_empty(), "not at once: the venue would say the same");
    rig.wait(Span::millis(1));
    rig.sent_one()
}

pub(super) fn is_the_same(again: &OrderRequest, exit: &OrderRequest) {
    assert_eq!((again.purpose, again.side), (exit.purpose, exit.side));
    assert_eq!((again.quantity, again.reduce_only), (exit.quantity, true));
    assert_eq!(again.decision, exit.decision, "`why` leads back to the decision");
    assert_ne!(again.id, exit.id);
}

fn absent(rig: &mut Rig, order: OrderId) {
    let (at, filled, state) = (rig.now, QtyLots::ZERO, VenueOrderState::Absent);
    rig.report(VenueReport::OrderStatus { order, state, filled, at });
}

fn warnings(rig: &Rig) -> usize {
    let told = |e: &&Effect| matches!(e, Effect::Alert(a) if a.severity == Severity::Warning);
    rig.effects.iter().filter(told).count()
}

#[rstest]
fn what_the_venue_does_not_carry_out_is_tried_until_the_position_is_gone(
    #[values(Wanted::Consensus, Wanted::ItsAgent, Wanted::TimeStop, Wanted::Command, Wanted::Halt)]
    wanted: Wanted,
    #[values(REFUSED, SubmitOutcome::NotSent)] outcome: SubmitOutcome,
) {
    let (mut rig, exit) = leaving(wanted);
    rig.outcome(exit.id, outcome);
    let second = next_second(&mut rig);
    is_the_same(&second, &exit);
    rig.outcome(second.id, outcome);
    let third = after_seconds(&mut rig, 2);
    is_the_same(&third, &exit);
    rig.outcome(third.id, SubmitOutcome::Accepted);
    rig.fill(&third, 500_000, third.quantity.0);
    rig.confirm_position();
    rig.take();
    rig.wait(Span::secs(60));
    assert!(rig.sent().is_empty(), "flat is flat");
}

#[rstest]
#[case::expired(Removal::Expired)]
#[case::cancelled_by_the_venue(Removal::Canceled)]
fn an_exit_that_leaves_the_book_unfilled_is_tried_again(
    #[case] removal: Removal,
    #[values(Wanted::Consensus, Wanted::Command)] wanted: Wanted,
) {
    let (mut rig, exit) = leaving(wanted);
    rig.outcome(exit.id, SubmitOutcome::Accepted);
    rig.removed(exit.id, removal);
    is_the_same(&next_second(&mut rig), &exit);
}

#[rstest]
#[case::expired(VenueOrderState::Expired)]
#[case::cancelled(VenueOrderState::Canceled)]
fn an_exit_that_the_venue_says_is_over_when_asked_is_tried_again(#[case] state: VenueOrderState) {
    let (mut rig, exit) = leaving(Wanted::Consensus);
    rig.outcome(exit.id, LOST);
    rig.take();
    let (at, filled) = (rig.now, QtyLots::ZERO);
    rig.report(VenueReport::OrderStatus { order: exit.id, state, filled, at });
    is_the_same(&next_second(&mut rig), &exit);
}

#[test]
fn the_rest_of_an_exit_that_filled_in_part_is_tried_again() {
    let (mut rig, exit) = leaving(Wanted::Consensus);
    rig.outcome(exit.id, SubmitOutcome::Accepted);
    rig.fill(&exit, 500_000, exit.quantity.0 - 3);
    rig.removed(exit.id, Removal::Expired);
    rig.take();
    assert_eq!(next_second(&mut rig).quantity, QtyLots(3));
}

#[rstest]
fn an_exit_of_unknown_fate_is_tried_again_only_when_it_is_proven_absent(
    #[values(Wanted::Consensus, Wanted::ItsAgent, Wanted::TimeStop)] wanted: Wanted,
) {
    let (mut rig, exit) = leaving(wanted);
    rig.outcome(exit.id, LOST);
    rig.wait(Span::secs(11));
    rig.all_say(Direction::Flat);
    assert!(rig.sent().is_empty(), "it may have closed the position");
    absent(&mut rig, exit.id);
    is_the_same(&next_second(&mut rig), &exit);
}

#[rstest]
fn what_overrules_the_agents_goes_beside_one_order_of_unknown_fate_and_not_beside_two(
    #[values(Wanted::Command, Wanted::Halt)] wanted: Wanted,
) {
    let (mut rig, exit) = leaving(wanted);
    rig.outcome(exit.id, LOST);
    let second = rig.sent_one();
    is_the_same(&second, &exit);
    rig.outcome(second.id, LOST);
    rig.wait(Span::secs(11));
    assert!(rig.sent().is_empty(), "two may have closed it already");
    absent(&mut rig, exit.id);
    is_the_same(&next_second(&mut rig), &exit);
}

#[test]
fn decisions_to_turn_over_send_no_third_exit_beside_two_of_unknown_fate() {
    let (mut rig, exit) = leaving(Wanted::Consensus);
    rig.outcome(exit.id, LOST);
    for sends in [1, 0] {
        rig.bar(500_000);
        rig.take();
        rig.all_say(Direction::Short);
        let sent = rig.sent();
        assert_eq!(sent.len(), sends, "{sent:?}");
        sent.iter().for_each(|order| rig.outcome(order.id, LOST));
    }
}

#[rstest]
fn people_are_told_once_that_an_exit_is_not_carried_out(
    #[values(Wanted::Consensus, Wanted::ItsAgent, Wanted::TimeStop, Wanted::Command, Wanted::Halt)]
    wanted: Wanted,
) {
    let (mut rig, mut exit) = leaving(wanted);
    rig.outcome(exit.id, REFUSED);
    assert_eq!(warnings(&rig), 1);
    for pause in [1, 2, 4] {
        exit = after_seconds(&mut rig, pause);
        rig.outcome(exit.id, REFUSED);
        assert_eq!(warnings(&rig), 0, "once is enough");
    }
}

#[test]
fn closes_that_find_nothing_to_reduce_do_not_put_off_the_alarm_about_the_position() {
    let mut config = config();
    config.venue.verify_interval = Span::secs(8);
    let (mut rig, _stop) = Rig::in_position(Direction::Long, config);
    rig.command(Command::Close { symbol: BTC });
    let exit = rig.sent_one();
    let refusal = SubmitOutcome::Refused(VenueCode::REDUCE_ONLY_REJECTED);
    rig.outcome(exit.id, refusal);
    let mut raised = false;
    for _ in 0..60 {
        rig.wait(Span::secs(1));
        for effect in rig.take() {
            match effect {
                Effect::Submit(order) => rig.outcome(order.get().id, refusal),
                Effect::Alert(alert) => raised |= alert.severity == Severity::Critical,
                _ => {}
            }
        }
    }
    assert!(raised, "nobody was told that the venue does not confirm the position");
}

#[test]
fn a_persons_close_is_taken_back_by_cancelling_its_order_and_a_halts_is_not() {
    let (mut rig, close) = leaving(Wanted::Command);
    rig.outcome(close.id, SubmitOutcome::Accepted);
    rig.command(Command::Cancel { order: close.id });
    rig.removed(close.id, Removal::Canceled);
    assert_eq!(warnings(&rig), 0, "the venue did what it was asked");
    rig.wait(Span::secs(20));
    assert!(rig.sent().is_empty());

    let (mut rig, close) = leaving(Wanted::Halt);
    rig.outcome(close.id, SubmitOutcome::Accepted);
    rig.take();
    rig.command(Command::Cancel { order: close.id });
    assert!(cancelled(&rig.take()).is_empty());
}

#[test]
fn what_the_gate_denies_while_a_symbol_does_not_trade_goes_when_it_does() {
    let (mut rig, _stop) = Rig::in_position(Direction::Long, config());
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: false });
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Flat);
    assert_eq!(denials(&rig.take()), [RuleId::SymbolStatus]);
    rig.bar(500_000);
    rig.all_say(Direction::Flat);
    rig.wait(Span::secs(20));
    let asked = |e: &Effect| matches!(e, Effect::Record(Record::Intent(_) | Record::Decision(_)));
    assert!(!rig.take().iter().any(asked), "it is decided already, and nothing can be sent");
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: true });
    assert_eq!(rig.sent_one().purpose, Purpose::Exit);
}

#[rstest]
fn a_round_that_holds_does_not_lose_an_exit(
    #[values(Wanted::Consensus, Wanted::TimeStop)] wanted: Wanted,
) {
    let (mut rig, exit) = leaving(wanted);
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: false });
    rig.outcome(exit.id, REFUSED);
    rig.bar(500_000);
    rig.says(0, Direction::Long);
    rig.says(1, Direction::Short);
    rig.says(2, Direction::Flat);
    rig.take();
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: true });
    is_the_same(&rig.sent_one(), &exit);
}

#[test]
fn agents_that_want_to_stay_take_their_own_exit_back() {
    let (mut rig, exit) = leaving(Wanted::Consensus);
    rig.outcome(exit.id, REFUSED);
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: false });
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    rig.take();
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: true });
    rig.wait(Span::secs(50));
    assert!(rig.sent().is_empty());
}

#[rstest]
fn agents_that_want_to_stay_take_nobody_elses_exit_back(
    #[values(Wanted::TimeStop, Wanted::Command, Wanted::Halt)] wanted: Wanted,
) {
    let (mut rig, exit) = leaving(wanted);
    rig.outcome(exit.id, REFUSED);
    rig.all_say(Direction::Long);
    is_the_same(&next_second(&mut rig), &exit);
}

#[test]
fn agents_that_want_out_after_all_get_what_works_already_tried_again() {
    let (mut rig, exit) = leaving(Wanted::Consensus);
    rig.outcome(exit.id, SubmitOutcome::Accepted);
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    rig.bar(500_000);
    rig.all_say(Direction::Flat);
    assert!(rig.sent().is_empty(), "one that closes works");
    rig.removed(exit.id, Removal::Expired);
    assert_eq!(next_second(&mut rig).purpose, Purpose::Exit);
}

#[test]
fn an_exit_that_a_person_cancels_is_not_sent_again() {
    let (mut rig, exit) = leaving(Wanted::Consensus);
    rig.outcome(exit.id, SubmitOutcome::Accepted);
    rig.command(Command::Cancel { order: exit.id });
    assert_eq!(cancelled(&rig.take()), [exit.id]);
    rig.removed(exit.id, Removal::Canceled);
    rig.wait(Span::secs(50));
    assert!(rig.sent().is_empty());
}
