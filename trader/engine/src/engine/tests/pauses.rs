//! What the venue refuses is asked for again, ever less often, and at once when the case changes.

use rstest::rstest;

use super::exits::{REFUSED, Wanted, is_the_same, leaving};
use super::*;
use crate::venue::VenueCode;

/// Refuses what is sent, and counts the seconds until the next.
fn seconds_until_the_next(rig: &mut Rig, exit: &OrderRequest) -> (i64, OrderRequest) {
    rig.outcome(exit.id, REFUSED);
    rig.take();
    for seconds in 1..=60 {
        rig.wait(Span::secs(1));
        let again = rig.sent().into_iter().find(|order| order.purpose.closes());
        if let Some(again) = again {
            is_the_same(&again, exit);
            return (seconds, again);
        }
    }
    panic!("it was given up");
}

#[rstest]
#[case::the_agents(Wanted::Consensus, [1, 2, 4, 8, 16, 30, 30])]
#[case::one_agent(Wanted::ItsAgent, [1, 2, 4, 8, 16, 30, 30])]
#[case::the_policy(Wanted::TimeStop, [1, 2, 4, 8, 16, 30, 30])]
#[case::a_person(Wanted::Command, [1, 2, 4, 5, 5, 5, 5])]
#[case::a_halt(Wanted::Halt, [1, 2, 4, 5, 5, 5, 5])]
fn a_refused_exit_is_tried_again_with_a_growing_pause_where_it_is_wanted_by(
    #[case] wanted: Wanted,
    #[case] pauses: [i64; 7],
) {
    let (mut rig, mut exit) = leaving(wanted);
    for pause in pauses {
        let (seconds, again) = seconds_until_the_next(&mut rig, &exit);
        assert_eq!(seconds, pause);
        exit = again;
    }
}

/// Long, and the exit has been refused so often that the next is 30 seconds away.
fn long_refused() -> (Rig, OrderRequest) {
    let (mut rig, mut exit) = leaving(Wanted::Consensus);
    for _ in 0..6 {
        (_, exit) = seconds_until_the_next(&mut rig, &exit);
    }
    (rig, exit)
}

#[test]
fn a_fill_begins_the_pauses_anew() {
    let (mut rig, exit) = long_refused();
    rig.outcome(exit.id, SubmitOutcome::Accepted);
    rig.fill(&exit, 500_000, 1);
    rig.take();
    let removal = crate::venue::Removal::Expired;
    rig.removed(exit.id, removal);
    rig.take();
    rig.wait(Span::secs(1));
    let rest = rig.sent_one();
    assert_eq!((rest.purpose, rest.quantity), (Purpose::Exit, rig.position()));
}

#[rstest]
#[case::a_persons_close(Command::Close { symbol: BTC })]
#[case::a_halt_that_flattens(Command::Halt { flatten: true })]
fn what_a_person_orders_does_not_wait_for_the_agents_pause(#[case] command: Command) {
    let (mut rig, exit) = long_refused();
    rig.outcome(exit.id, REFUSED);
    rig.wait(Span::secs(2));
    rig.take();
    rig.command(command);
    assert_eq!(rig.sent_one().purpose, Purpose::Flatten);
}

#[test]
fn a_person_who_orders_it_again_does_not_wait_either() {
    let (mut rig, mut close) = leaving(Wanted::Command);
    for _ in 0..4 {
        (_, close) = seconds_until_the_next(&mut rig, &close);
    }
    rig.outcome(close.id, REFUSED);
    rig.wait(Span::secs(2));
    rig.take();
    rig.command(Command::Close { symbol: BTC });
    is_the_same(&rig.sent_one(), &close);
}

#[test]
fn a_new_decision_does_not_wait() {
    let (mut rig, exit) = long_refused();
    rig.outcome(exit.id, REFUSED);
    rig.all_say(Direction::Flat);
    rig.bar(500_000);
    rig.sent().iter().for_each(|order| rig.outcome(order.id, REFUSED));
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    assert_eq!(reversal.purpose, Purpose::Entry);
    rig.outcome(reversal.id, SubmitOutcome::Refused(VenueCode::MARGIN_INSUFFICIENT));
    let exit = rig.sent_one();
    assert_eq!((exit.purpose, exit.decision), (Purpose::Exit, reversal.decision));
}

#[test]
fn a_symbol_that_trades_again_is_left_at_once() {
    let (mut rig, exit) = long_refused();
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: false });
    rig.outcome(exit.id, REFUSED);
    rig.wait(Span::secs(2));
    rig.take();
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: true });
    is_the_same(&rig.sent_one(), &exit);
}

/// A fill of the entry that is told late is of an order of ours.
fn knows_what_opened_the_position(rig: &mut Rig, entry: &OrderRequest) {
    rig.take();
    rig.fill(entry, 500_000, 1);
    let stranger =
        |e: &Effect| matches!(e, Effect::Alert(a) if a.message.contains("no order of ours"));
    assert!(!rig.take().iter().any(stranger));
    assert_eq!(rig.engine.order(entry.id).unwrap().order.filled, entry.quantity + QtyLots(1));
    assert!(rig.engine.orders().count() < 600, "they are not kept for ever either");
}

/// Refuses what was sent, and what is sent instead. How many of it were to open something.
fn refuse_all(rig: &mut Rig) -> usize {
    let mut entries = 0;
    loop {
        let sent = rig.sent();
        if sent.is_empty() {
            return entries;
        }
        entries += sent.iter().filter(|order| order.purpose == Purpose::Entry).count();
        sent.iter().for_each(|order| rig.outcome(order.id, REFUSED));
    }
}

fn entry_of(rig: &Rig) -> OrderRequest {
    let is_entry = |t: &&Tracked| t.order.request.purpose == Purpose::Entry;
    rig.engine.orders().find(is_entry).unwrap().order.request
}

#[test]
fn refused_exits_do_not_push_out_what_opened_the_position() {
    let (mut rig, mut exit) = leaving(Wanted::Halt);
    let entry = entry_of(&rig);
    for _ in 0..600 {
        rig.outcome(exit.id, REFUSED);
        rig.wait(Span::secs(5));
        exit = rig.sent().into_iter().rfind(|order| order.purpose.closes()).unwrap();
    }
    knows_what_opened_the_position(&mut rig, &entry);
}

#[test]
fn refused_reversals_do_not_push_out_what_opened_the_position() {
    let (mut rig, _stop) = Rig::in_position(Direction::Long, delegated());
    let entry = entry_of(&rig);
    let mut reversals = 0;
    for _ in 0..600 {
        rig.bar(500_000);
        refuse_all(&mut rig);
        rig.all_say(Direction::Short);
        reversals += refuse_all(&mut rig);
    }
    assert_eq!(reversals, 600);
    knows_what_opened_the_position(&mut rig, &entry);
}

#[test]
fn an_order_that_filled_after_its_end_is_kept_like_any_that_filled() {
    let mut rig = Rig::warm(delegated());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, REFUSED);
    rig.fill(&entry, 500_000, entry.quantity.0);
    for _ in 0..300 {
        rig.bar(500_000);
        rig.all_say(Direction::Short);
        rig.sent().iter().for_each(|order| rig.outcome(order.id, REFUSED));
    }
    knows_what_opened_the_position(&mut rig, &entry);
}
