use super::*;
use crate::order::OrderType;
use crate::venue::{Removal, VenueCode, VenueOrderState};

#[test]
fn the_stop_follows_the_first_fill_at_two_atr() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.fill(&entry, 500_010, 1);
    let stop = rig.sent_one();
    assert_eq!(stop.kind, OrderType::StopMarket { trigger: PriceTicks(500_010 - 200) });
    assert_eq!((stop.side, stop.close_position), (Side::Sell, true));
    assert_eq!(stop.decision, entry.decision);
}

#[test]
fn a_stop_that_cannot_stand_in_time_closes_the_position() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.fill(&entry, 500_000, entry.quantity.0);
    let mut stop = rig.sent_one();
    // Refused, and refused again.
    for _ in 0..4 {
        rig.outcome(stop.id, SubmitOutcome::Refused(VenueCode(-4045)));
        assert!(rig.sent().is_empty(), "not at once: the venue would only refuse again");
        rig.wait(Span::secs(1));
        stop = rig.sent_one();
        assert_eq!(stop.purpose, Purpose::Stop);
    }
    rig.wait(Span::secs(1));
    let flatten = rig.sent().pop().unwrap();
    assert_eq!((flatten.purpose, flatten.side), (Purpose::Flatten, Side::Sell));
}

#[test]
fn a_stop_that_would_trigger_at_once_is_a_close() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.fill(&entry, 500_000, entry.quantity.0);
    let stop = rig.sent_one();
    rig.outcome(stop.id, SubmitOutcome::Refused(VenueCode::WOULD_TRIGGER_IMMEDIATELY));
    assert_eq!(rig.sent_one().purpose, Purpose::Flatten);
}

#[test]
fn a_stop_that_somebody_else_cancels_is_placed_again() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    rig.removed(stop.id, Removal::Canceled);
    let again = rig.sent_one();
    assert_eq!((again.purpose, again.kind), (Purpose::Stop, stop.kind));
}

#[test]
fn the_stop_goes_only_when_the_venue_says_flat() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    let exit = rig.leaving();
    rig.fill(&exit, 500_000, exit.quantity.0);
    assert_eq!(rig.position(), QtyLots::ZERO);
    assert!(cancelled(&rig.take()).is_empty(), "flat by our count alone is no proof");
    rig.confirm_position();
    assert_eq!(cancelled(&rig.take()), [stop.id]);
}

fn trailing(single: bool) -> EngineConfig {
    let mut config = config();
    config.policy.policy.exits.trailing_atr = Some(Ratio::percent(200));
    config.venue.single_close_position_stop = single;
    config
}

#[test]
fn a_trailing_stop_moves_new_before_old() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, trailing(false));
    rig.bar(500_040);
    let effects = rig.effects.iter().map(|e| format!("{e:?}")).collect::<String>();
    assert!(
        cancelled(&rig.effects).is_empty(),
        "the old one stays until the new one stands: {effects}"
    );
    let moved = rig.sent_one();
    let (Some(old), Some(new)) = (stop.kind.trigger(), moved.kind.trigger()) else {
        unreachable!()
    };
    assert!(new > old);
    rig.outcome(moved.id, SubmitOutcome::Accepted);
    assert_eq!(cancelled(&rig.take()), [stop.id]);
}

#[test]
fn a_trailing_stop_never_moves_back() {
    let (mut rig, _) = Rig::in_position(Direction::Long, trailing(false));
    rig.bar(499_900);
    assert!(rig.sent().is_empty());
}

#[test]
fn where_one_close_position_stop_may_stand_a_reduce_only_one_bridges_the_move() {
    let (mut rig, old) = Rig::in_position(Direction::Long, trailing(true));
    rig.bar(500_040);
    let bridge = rig.sent_one();
    assert!(bridge.reduce_only && !bridge.close_position);
    assert_eq!(bridge.quantity, rig.position());
    rig.outcome(bridge.id, SubmitOutcome::Accepted);
    assert_eq!(cancelled(&rig.take()), [old.id]);
    rig.removed(old.id, Removal::Canceled);
    let new = rig.sent_one();
    assert!(new.close_position);
    assert_eq!(new.kind, bridge.kind);
    rig.outcome(new.id, SubmitOutcome::Accepted);
    assert_eq!(cancelled(&rig.take()), [bridge.id]);
}

#[test]
fn a_take_profit_stands_beside_the_stop() {
    let mut config = config();
    config.policy.policy.exits.take_profit_atr = Some(Ratio::percent(300));
    let mut rig = Rig::warm(config);
    rig.bar(500_000);
    rig.all_say(Direction::Short);
    let entry = rig.sent_one();
    rig.fill(&entry, 500_000, entry.quantity.0);
    let kinds: Vec<OrderType> = rig.sent().iter().map(|order| order.kind).collect();
    assert_eq!(
        kinds,
        [
            OrderType::StopMarket { trigger: PriceTicks(500_200) },
            OrderType::TakeProfitMarket { trigger: PriceTicks(499_700) },
        ]
    );
}

#[test]
fn a_time_stop_leaves_after_its_bars() {
    let mut config = config();
    config.policy.policy.exits.time_stop_bars = Some(2);
    let (mut rig, _) = Rig::in_position(Direction::Long, config);
    rig.bar(500_000);
    assert!(rig.sent().is_empty());
    rig.bar(500_000);
    assert_eq!(rig.sent_one().purpose, Purpose::Exit);
}

#[test]
fn a_person_cannot_cancel_the_stop_of_an_open_position() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    rig.command(Command::Cancel { order: stop.id });
    let effects = rig.take();
    assert!(cancelled(&effects).is_empty());
    assert!(effects.iter().any(|e| matches!(e, Effect::Record(Record::CommandRefused { .. }))));
}

#[test]
fn a_stop_that_closed_all_there_was_guards_nothing_that_was_told_before_its_fill() {
    let (mut rig, entry) = Rig::entering(config());
    rig.fill(&entry, 500_000, 3578);
    rig.confirm_position();
    let stop = rig.sent_one();
    assert!(stop.close_position);
    rig.outcome(stop.id, SubmitOutcome::Accepted);
    // The stop fires, and what the entry fills then is told first.
    rig.fill(&entry, 500_000, entry.quantity.0 - 3578);
    rig.take();
    rig.fill(&stop, 499_800, 3578);
    rig.confirm_position();
    assert_eq!(rig.position(), entry.quantity - QtyLots(3578));
    rig.wait(Span::secs(1));
    assert!(asked(&rig.take()).contains(&stop.id));
    let (state, filled, at) = (VenueOrderState::Filled, QtyLots(3578), rig.now);
    rig.report(VenueReport::OrderStatus { order: stop.id, state, filled, at });
    let new = rig.sent_one();
    assert_eq!((new.purpose, new.quantity), (Purpose::Stop, rig.position()));
}
