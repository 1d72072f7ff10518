//! No position stays without a stop for longer than the policy allows.

use super::*;
use crate::order::OrderType;
use crate::policy::StopRule;
use crate::venue::{Removal, UnknownCause, VenueCode};

/// In position, its first deadline long over.
fn settled() -> (Rig, OrderRequest) {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    rig.wait(Span::secs(20));
    assert!(rig.sent().is_empty(), "the stop stood in time");
    (rig, stop)
}

#[test]
fn a_stop_that_is_lost_and_refused_again_closes_the_position_at_the_deadline() {
    let (mut rig, stop) = settled();
    let lost = rig.now;
    rig.removed(stop.id, Removal::Expired);
    let mut next = rig.sent_one();
    while rig.now < lost + Span::secs(4) {
        rig.outcome(next.id, SubmitOutcome::Refused(VenueCode(-1111)));
        rig.wait(Span::secs(1));
        next = rig.sent_one();
        assert_eq!(next.purpose, Purpose::Stop, "before the deadline a stop is tried again");
    }
    rig.outcome(next.id, SubmitOutcome::Refused(VenueCode(-1111)));
    rig.wait(Span::secs(1));
    let sent = rig.sent();
    let flatten = sent.iter().find(|order| order.purpose == Purpose::Flatten).unwrap();
    assert_eq!((flatten.quantity, flatten.reduce_only), (rig.position(), true));
}

#[test]
fn a_stop_that_is_lost_and_whose_replacement_is_unknown_closes_the_position_at_the_deadline() {
    let (mut rig, stop) = settled();
    rig.removed(stop.id, Removal::Expired);
    let second = rig.sent_one();
    rig.outcome(second.id, SubmitOutcome::Unknown(UnknownCause::Timeout));
    rig.wait(Span::millis(4999));
    assert!(rig.sent().is_empty());
    rig.wait(Span::millis(1));
    assert_eq!(rig.sent_one().purpose, Purpose::Flatten);
}

#[test]
fn a_stop_that_is_lost_and_stands_again_in_time_closes_nothing() {
    let (mut rig, stop) = settled();
    rig.removed(stop.id, Removal::Expired);
    let second = rig.sent_one();
    rig.wait(Span::secs(4));
    rig.outcome(second.id, SubmitOutcome::Accepted);
    rig.wait(Span::secs(2));
    // Lost once more: counted from then.
    rig.removed(second.id, Removal::Expired);
    let third = rig.sent_one();
    rig.wait(Span::secs(4));
    assert!(rig.sent().is_empty());
    rig.outcome(third.id, SubmitOutcome::Accepted);
    rig.wait(Span::secs(30));
    assert!(rig.sent().is_empty());
}

#[test]
fn the_deadline_of_an_older_position_closes_no_newer_one() {
    let mut config = delegated();
    let stop = config.policy.policy.exits.stop.as_mut().unwrap();
    *stop = StopRule { deadline: Span::secs(70), ..*stop };
    let (mut rig, _) = Rig::in_position(Direction::Long, config);
    rig.bar(500_000); // 60 s
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    rig.outcome(reversal.id, SubmitOutcome::Accepted);
    rig.wait(Span::secs(9)); // 69 s
    rig.take();
    rig.fill(&reversal, 500_000, reversal.quantity.0);
    rig.take();
    rig.wait(Span::secs(2)); // the first position's deadline has passed, this one has 68 s left
    assert!(rig.sent().is_empty());
    rig.wait(Span::secs(68));
    assert_eq!(rig.sent_one().purpose, Purpose::Flatten);
}

#[test]
fn a_rest_below_the_smallest_quantity_is_protected_and_can_be_closed() {
    let mut config = config();
    config.instruments[0].min_quantity = QtyLots(10);
    let mut rig = Rig::warm(config);
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.fill(&entry, 500_000, 5);
    rig.removed(entry.id, Removal::Expired);
    let stop = rig.sent_one();
    assert_eq!((stop.purpose, stop.quantity), (Purpose::Stop, QtyLots(5)));
    rig.outcome(stop.id, SubmitOutcome::Accepted);
    rig.confirm_position();
    rig.command(Command::Halt { flatten: true });
    let flatten = rig.sent_one();
    assert_eq!((flatten.purpose, flatten.quantity), (Purpose::Flatten, QtyLots(5)));
}

#[test]
fn a_position_larger_than_the_largest_order_is_closed_in_several() {
    let mut config = delegated();
    config.instruments[0].max_quantity = QtyLots(10);
    let (mut rig, _) = Rig::in_position(Direction::Long, config);
    let foreign =
        OrderRequest { id: OrderId(999), ..rig.engine.orders().last().unwrap().order.request };
    rig.fill(&OrderRequest { side: Side::Buy, ..foreign }, 500_000, 4);
    rig.confirm_position();
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Flat);
    let first = rig.sent_one();
    assert_eq!(first.quantity, QtyLots(10));
    rig.outcome(first.id, SubmitOutcome::Accepted);
    rig.take();
    rig.fill(&first, 500_000, 10);
    let rest = rig.sent_one();
    assert_eq!((rest.quantity, rest.reduce_only), (QtyLots(4), true));
}

/// Without a stop, with the exits that are left.
fn without_stop(change: impl FnOnce(&mut crate::policy::Exits)) -> (Rig, OrderRequest) {
    let mut config = delegated();
    config.policy.policy.exits.stop = None;
    change(&mut config.policy.policy.exits);
    let (mut rig, entry) = Rig::entering(config);
    rig.fills(&entry);
    (rig, entry)
}

#[test]
fn a_take_profit_works_without_a_stop() {
    let (mut rig, _) = without_stop(|exits| exits.take_profit_atr = Some(Ratio::percent(200)));
    let take_profit = rig.sent_one();
    assert_eq!(take_profit.kind, OrderType::TakeProfitMarket { trigger: PriceTicks(500_200) });
    rig.outcome(take_profit.id, SubmitOutcome::Accepted);
    rig.wait(Span::secs(60));
    assert!(rig.sent().is_empty(), "where there is to be no stop, there is no deadline");
}

#[test]
fn a_time_stop_works_without_a_stop() {
    let (mut rig, _) = without_stop(|exits| exits.time_stop_bars = Some(2));
    assert!(rig.sent().is_empty());
    rig.bar(500_000);
    assert!(rig.sent().is_empty());
    rig.bar(500_000);
    assert_eq!(rig.sent_one().purpose, Purpose::Exit);
}

#[test]
fn a_stop_that_a_new_policy_asks_for_is_placed_on_what_is_held() {
    let (mut rig, _) = without_stop(|exits| exits.time_stop_bars = Some(50));
    rig.take();
    let change = PolicyChange { generation: 2, hash: "h2".to_owned(), policy: policy() };
    rig.event(EventKind::Policy(&change));
    rig.event(EventKind::PolicyDurable { generation: 2 });
    assert_eq!(rig.sent_one().purpose, Purpose::Stop);
}
