use super::*;
use crate::policy::{OnHalt, TradingState};
use crate::risk::RuleId;
use crate::venue::Removal;

fn policy_change(generation: u64, change: impl FnOnce(&mut crate::policy::Policy)) -> PolicyChange {
    let mut policy = policy();
    change(&mut policy);
    PolicyChange { generation, hash: format!("h{generation}"), policy }
}

/// Fills what is sent, confirms, and answers cancels, until nothing more comes.
fn settle(rig: &mut Rig) {
    settle_at(rig, 500_000);
}

fn settle_at(rig: &mut Rig, price: i64) {
    for _ in 0..10 {
        let effects = rig.take();
        for order in cancelled(&effects) {
            rig.removed(order, Removal::Canceled);
        }
        for effect in effects {
            if let Effect::Submit(order) = effect {
                let request = *order.get();
                rig.outcome(request.id, SubmitOutcome::Accepted);
                if matches!(request.purpose, Purpose::Exit | Purpose::Flatten) {
                    rig.fill(&request, price, request.quantity.0);
                    rig.confirm_position();
                }
            }
        }
    }
}

#[test]
fn halted_with_flatten_closes_all_and_proves_flat() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    let change = policy_change(2, |p| {
        p.trading_state = TradingState::Halted;
        p.on_halt = OnHalt::Flatten;
    });
    rig.event(EventKind::Policy(&change));
    assert_eq!(rig.engine.state(), TradingState::Halted, "a halt acts on arrival");
    rig.event(EventKind::PolicyDurable { generation: 2 });
    assert!(!rig.engine.is_flat());
    settle(&mut rig);
    assert!(rig.engine.is_flat());
    assert!(rig.engine.flat_since().is_some());
    assert_eq!(rig.state_of(stop.id), OrderState::Canceled);
    assert_eq!(rig.engine.working_orders().count(), 0);
}

#[test]
fn halted_with_cancel_only_keeps_position_and_stop() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    let held = rig.position();
    rig.event(EventKind::Policy(&policy_change(2, |p| p.trading_state = TradingState::Halted)));
    rig.event(EventKind::PolicyDurable { generation: 2 });
    let effects = rig.take();
    assert!(cancelled(&effects).is_empty());
    assert_eq!(rig.position(), held);
    assert_eq!(rig.state_of(stop.id), OrderState::Accepted);
}

#[test]
fn a_halt_cancels_working_entries() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.command(Command::Halt { flatten: false });
    assert_eq!(cancelled(&rig.take()), [entry.id]);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    assert!(denials(&rig.take()).contains(&RuleId::TradingState));
}

#[test]
fn a_stricter_limit_acts_on_arrival_and_a_looser_one_once_durable() {
    let mut rig = Rig::warm(config());
    let change = policy_change(2, |p| {
        p.limits.max_drawdown = Ratio::percent(10);
        p.limits.max_leverage = Ratio::percent(2000);
    });
    rig.event(EventKind::Policy(&change));
    assert_eq!(rig.engine.policy().limits.max_drawdown, Ratio::percent(10));
    assert_eq!(rig.engine.policy().limits.max_leverage, Ratio::percent(1000));
    assert_eq!(rig.engine.enforced_policy().generation, 1);
    rig.event(EventKind::PolicyDurable { generation: 2 });
    assert_eq!(rig.engine.policy().limits.max_leverage, Ratio::percent(2000));
    assert_eq!(rig.engine.enforced_policy().generation, 2);
}

#[test]
fn a_halt_is_lifted_only_by_a_person_and_the_policy_still_holds() {
    let mut rig = Rig::warm(config());
    rig.command(Command::Halt { flatten: false });
    rig.bar(500_000);
    assert_eq!(rig.engine.state(), TradingState::Halted);
    rig.event(EventKind::Policy(&policy_change(2, |p| p.trading_state = TradingState::Reducing)));
    rig.event(EventKind::PolicyDurable { generation: 2 });
    assert_eq!(rig.engine.state(), TradingState::Halted, "a policy does not lift a command");
    rig.command(Command::Resume);
    assert_eq!(rig.engine.state(), TradingState::Reducing);
}

#[test]
fn a_policy_out_of_sight_stops_entries_keeps_stops_and_lets_exits_go() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    let held = rig.position();
    rig.event(EventKind::PolicyLost("its file is gone"));
    assert_eq!(rig.engine.state(), TradingState::Reducing);
    rig.command(Command::Resume);
    assert_eq!(rig.engine.state(), TradingState::Reducing, "no person's word shows the policy");
    assert!(cancelled(&rig.take()).is_empty());
    assert_eq!((rig.position(), rig.state_of(stop.id)), (held, OrderState::Accepted));
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Flat);
    assert_eq!(rig.sent_one().purpose, Purpose::Exit);

    rig.event(EventKind::PolicyFound);
    assert_eq!(rig.engine.state(), TradingState::Active);
}

#[rstest::rstest]
#[case::of_an_active_desk(false, "reducing: its file is gone")]
#[case::of_a_halted_desk(true, "still halted: its file is gone")]
fn a_policy_out_of_sight_is_told_with_what_the_desk_does(#[case] halt: bool, #[case] told: &str) {
    let mut rig = Rig::warm(config());
    if halt {
        rig.command(Command::Halt { flatten: false });
    }
    rig.take();
    rig.event(EventKind::PolicyLost("its file is gone"));
    let alert = rig.effects.iter().find_map(|effect| match effect {
        Effect::Alert(alert) => Some(alert.message.as_str()),
        _ => None,
    });
    assert_eq!(alert, Some(told));
}

#[test]
fn an_entry_is_cancelled_when_the_policy_goes_out_of_sight_and_none_follows_until_it_is_seen() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.event(EventKind::PolicyLost("its file is gone"));
    let effects = rig.take();
    assert_eq!(cancelled(&effects), [entry.id]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Alert(_))), "nobody is told");
    rig.removed(entry.id, Removal::Canceled);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert!(denials(&rig.take()).contains(&RuleId::TradingState));

    rig.event(EventKind::PolicyFound);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert_eq!(rig.sent_one().purpose, Purpose::Entry);
}

#[test]
fn drawdown_reduces_then_halts_until_a_person_resumes() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    // 4166 lots (4.166 BTC) of 50,000: 1 % of the price is 2,083, about 2 % of equity.
    rig.bar(500_000 - 40_000); // -16.7 %: beyond half of 25 %, and the day's 5 %
    assert_eq!(rig.engine.state(), TradingState::Reducing);
    rig.bar(500_000 - 61_000); // -25.4 %
    assert_eq!(rig.engine.state(), TradingState::Halted);
    rig.bar(500_000);
    assert_eq!(rig.engine.state(), TradingState::Halted, "it does not lift itself");
    rig.command(Command::Resume);
    assert_eq!(rig.engine.state(), TradingState::Active);
    assert_eq!(rig.engine.losses().drawdown(), Ratio::ZERO, "the high-water mark is re-based");
}

#[test]
fn a_resume_counts_drawdown_from_where_the_desk_is() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000 - 61_000); // -25.4 %
    assert_eq!(rig.engine.state(), TradingState::Halted);
    rig.command(Command::Resume);
    assert_eq!(rig.engine.losses().drawdown(), Ratio::ZERO);
    assert_ne!(rig.engine.state(), TradingState::Halted, "it would halt at once again");
}

#[test]
fn only_the_policy_that_became_durable_is_enforced() {
    let mut rig = Rig::warm(config());
    let loose = policy_change(3, |p| p.limits.max_leverage = Ratio::percent(2000));
    rig.event(EventKind::Policy(&policy_change(2, |p| p.limits.max_leverage = Ratio::ONE)));
    rig.event(EventKind::Policy(&loose));
    rig.event(EventKind::PolicyDurable { generation: 2 });
    assert_eq!(rig.engine.enforced_policy().generation, 1, "3 is not durable yet");
    assert_eq!(rig.engine.policy().limits.max_leverage, Ratio::ONE, "and the strictest holds");
    rig.event(EventKind::PolicyDurable { generation: 3 });
    assert_eq!(rig.engine.enforced_policy(), &loose);
    assert_eq!(rig.engine.policy().limits.max_leverage, Ratio::percent(2000));
}

#[test]
fn a_desk_with_a_working_order_is_not_flat() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.command(Command::Halt { flatten: true });
    assert_eq!(rig.engine.flat_since(), None, "it may still fill");
    rig.removed(entry.id, Removal::Canceled);
    assert_eq!(rig.engine.flat_since(), Some(rig.now));
}

#[test]
fn a_desk_is_flat_once_the_venue_says_so() {
    let mut config = delegated();
    if let Authority::Delegated { policy_exits, .. } = &mut config.agents[0].authority {
        *policy_exits = false;
    }
    let mut rig = Rig::warm(config);
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.fill(&entry, 500_000, entry.quantity.0);
    rig.confirm_position();
    rig.command(Command::Halt { flatten: true });
    let flatten = rig.sent_one();
    rig.fill(&flatten, 500_000, flatten.quantity.0);
    assert_eq!(rig.engine.working_orders().count(), 0);
    assert_eq!(rig.engine.flat_since(), None, "that is our own count alone");
    rig.confirm_position();
    assert_eq!(rig.engine.flat_since(), Some(rig.now));
}

#[test]
fn a_later_halt_does_not_flatten_because_an_earlier_one_did() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    rig.command(Command::Halt { flatten: true });
    let flatten = rig.sent_one();
    rig.outcome(flatten.id, SubmitOutcome::Refused(crate::venue::VenueCode(-1111)));
    rig.command(Command::Resume);
    rig.take();
    rig.command(Command::Halt { flatten: false });
    rig.wait(Span::secs(10));
    assert!(rig.sent().is_empty());
}

#[test]
fn a_desk_that_is_flat_at_80_percent_of_its_drawdown_halts_for_a_person() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000 - 50_000); // -20.8 %: beyond 80 % of 25 %
    assert_eq!(rig.engine.state(), TradingState::Reducing, "what is open may still recover");
    rig.command(Command::Close { symbol: BTC });
    settle_at(&mut rig, 450_000);
    rig.wait(Span::hours(24)); // the lost day is over; the drawdown is not
    rig.bar(500_000 - 50_000);
    assert_eq!(rig.engine.state(), TradingState::Halted, "nothing is open that could recover");
    rig.command(Command::Resume);
    assert_eq!(rig.engine.state(), TradingState::Active);
}

#[test]
fn a_desk_whose_record_shows_no_edge_halts_and_a_resume_begins_the_record_anew() {
    let mut rig = Rig::warm(config());
    for trade in 1..=50 {
        rig.bar(500_000);
        rig.take();
        rig.all_say(Direction::Long);
        let entry = rig.sent_one();
        rig.outcome(entry.id, SubmitOutcome::Accepted);
        rig.fill(&entry, 500_000, entry.quantity.0);
        let stop = rig.sent_one();
        rig.outcome(stop.id, SubmitOutcome::Accepted);
        rig.confirm_position();
        assert_eq!(rig.engine.state(), TradingState::Active, "after {trade} trades");
        rig.command(Command::Close { symbol: BTC });
        settle_at(&mut rig, 499_999);
    }
    rig.bar(500_000);
    assert_eq!(rig.engine.state(), TradingState::Halted, "Kelly would stake nothing for ever");
    rig.command(Command::Resume);
    assert_eq!(rig.engine.state(), TradingState::Active);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert_eq!(rig.sent_one().purpose, Purpose::Entry);
}

#[test]
fn a_lost_day_ends_at_midnight_utc() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000 - 15_000); // -6.2 %
    assert_eq!(rig.engine.state(), TradingState::Reducing);
    rig.bar(500_000);
    assert_eq!(rig.engine.state(), TradingState::Reducing, "a lost day stays lost");
    rig.wait(Span::hours(24));
    rig.confirm_position();
    rig.bar(500_000);
    let words: Vec<_> = rig.engine.state_words().collect();
    assert_eq!(rig.engine.state(), TradingState::Active, "{words:?}");
}

#[test]
fn leaving_cancels_entries_keeps_stops_and_takes_nothing_on() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    rig.event(EventKind::Stopping);
    assert!(cancelled(&rig.take()).is_empty());
    assert_eq!(rig.state_of(stop.id), OrderState::Accepted);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    assert!(denials(&rig.effects).contains(&RuleId::TradingState));
    // What shrinks is still done.
    assert_eq!(rig.sent_one().purpose, Purpose::Exit);
}

#[test]
fn close_closes_one_symbol_and_refuses_where_there_is_nothing() {
    let (mut rig, _) = Rig::in_position(Direction::Short, config());
    rig.command(Command::Close { symbol: BTC });
    settle(&mut rig);
    assert_eq!(rig.position(), QtyLots::ZERO);
    rig.take();
    rig.command(Command::Close { symbol: BTC });
    let refused = |e: &Effect| matches!(e, Effect::Record(Record::CommandRefused { .. }));
    assert!(rig.take().iter().any(refused));
}
