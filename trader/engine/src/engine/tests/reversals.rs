//! A position is turned over once, or not at all.

use super::exits::{LOST, REFUSED, Wanted, is_the_same, leaving, next_second};
use super::*;
use crate::journal::{DecisionAction, IntentRecord};
use crate::risk::RuleId;
use crate::venue::{Removal, UnknownCause, VenueCode, VenueOrderState};

/// Long, and the answer to its exit was lost.
fn with_an_unknown_exit(config: EngineConfig) -> (Rig, OrderRequest) {
    let (mut rig, _stop) = Rig::in_position(Direction::Long, config);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Flat);
    let exit = rig.sent_one();
    assert_eq!(exit.purpose, Purpose::Exit);
    rig.outcome(exit.id, SubmitOutcome::Unknown(UnknownCause::Timeout));
    rig.bar(500_000);
    rig.take();
    (rig, exit)
}

#[rstest::rstest]
#[case::by_consensus(config())]
#[case::by_a_delegated_agent(delegated())]
fn beside_an_unknown_exit_the_exit_alone_goes(#[case] config: EngineConfig) {
    let (mut rig, exit) = with_an_unknown_exit(config);
    rig.all_say(Direction::Short);
    let decided = rig.effects.iter().find_map(|e| match e {
        Effect::Record(Record::Decision(decision)) => Some(decision.action),
        _ => None,
    });
    assert_eq!(decided, Some(DecisionAction::Exit));
    let second = rig.sent_one();
    assert!(second.reduce_only, "an order that can open would double what the exit leaves");
    rig.fill(&exit, 500_000, exit.quantity.0);
    assert_eq!(rig.position(), QtyLots::ZERO);
}

#[test]
fn beside_a_stop_of_unknown_fate_the_exit_alone_goes() {
    let mut rig = Rig::warm(delegated());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.fill(&entry, 500_000, entry.quantity.0);
    let stop = rig.sent_one();
    rig.outcome(stop.id, SubmitOutcome::Unknown(UnknownCause::Timeout));
    rig.confirm_position();
    rig.take();
    rig.all_say(Direction::Short);
    let sent = rig.sent();
    assert!(sent.iter().all(|order| order.reduce_only), "{sent:?}");
}

/// Ten lots at 50,000 are 500 each way.
fn delegated_up_to(units: i64) -> EngineConfig {
    let mut config = delegated();
    if let Authority::Delegated { max_notional, policy_exits, .. } = &mut config.agents[0].authority
    {
        *max_notional = Amount::whole(units);
        *policy_exits = false;
    }
    config
}

fn intents(effects: &[Effect]) -> Vec<IntentRecord> {
    let intent = |effect: &Effect| match effect {
        Effect::Record(Record::Intent(intent)) => Some(IntentRecord::clone(intent)),
        _ => None,
    };
    effects.iter().filter_map(intent).collect()
}

/// Long ten lots, without a stop of the policy's.
fn long_alone(config: EngineConfig) -> Rig {
    let (mut rig, entry) = Rig::entering(config);
    rig.fills(&entry);
    rig.bar(500_000);
    rig.take();
    rig
}

#[test]
fn a_delegated_agent_turns_its_position_over_within_its_notional() {
    let mut rig = long_alone(delegated_up_to(500));
    rig.all_say(Direction::Short);
    assert_eq!(rig.sent_one().quantity, QtyLots(20));
}

#[test]
fn a_delegated_agents_notional_counts_the_worst_that_may_come_of_it() {
    let mut rig = long_alone(delegated_up_to(501));
    rig.all_say(Direction::Flat);
    let exit = rig.sent_one();
    rig.outcome(exit.id, SubmitOutcome::Accepted);
    rig.fill(&exit, 500_000, 4);
    // Six lots are held and an exit of six works: an entry of ten more is sixteen at worst.
    rig.confirm_position();
    let entry = |side| super::super::intents::Entry {
        symbol: BTC,
        side,
        mandate: super::super::intents::Mandate::Delegated {
            agent: AgentId(0),
            quantity: QtyLots(10),
            max_notional: Amount::whole(501),
        },
        decision: DecisionId(99),
        decided: rig.now,
    };
    let mut effects = Vec::new();
    let (up, down) = (entry(Side::Buy), entry(Side::Sell));
    assert!(!rig.engine.enter(up, &mut effects));
    assert!(denials(&effects).contains(&RuleId::Size), "{:?}", intents(&effects));
    // A sale of sixteen: ten short, and sixteen if the exit fills too.
    effects.clear();
    assert!(!rig.engine.enter(down, &mut effects));
    assert!(denials(&effects).contains(&RuleId::Size), "{:?}", intents(&effects));
}

#[rstest::rstest]
#[case::refused(SubmitOutcome::Refused(VenueCode::MARGIN_INSUFFICIENT))]
#[case::never_sent(SubmitOutcome::NotSent)]
fn a_reversal_that_the_venue_does_not_take_leaves_by_the_exit_alone(
    #[case] outcome: SubmitOutcome,
) {
    let (mut rig, stop) = Rig::in_position(Direction::Long, delegated());
    let held = rig.position();
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    rig.outcome(reversal.id, outcome);
    let exit = rig.sent_one();
    assert_eq!((exit.purpose, exit.side, exit.quantity), (Purpose::Exit, Side::Sell, held));
    assert!(exit.reduce_only);
    assert_eq!(exit.decision, reversal.decision);
    assert_eq!(rig.state_of(stop.id), OrderState::Accepted, "its stop stays until it is flat");
}

#[test]
fn a_reversal_that_is_proven_absent_leaves_by_the_exit_alone() {
    let (mut rig, _) = Rig::in_position(Direction::Long, delegated());
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    rig.outcome(reversal.id, SubmitOutcome::Unknown(UnknownCause::Timeout));
    rig.wait(Span::secs(11));
    rig.take();
    let (at, filled) = (rig.now, QtyLots::ZERO);
    let state = VenueOrderState::Absent;
    rig.report(VenueReport::OrderStatus { order: reversal.id, state, filled, at });
    assert_eq!(rig.sent_one().purpose, Purpose::Exit);
}

#[test]
fn a_reversal_that_finds_nothing_to_trade_against_leaves_by_the_exit_alone() {
    let (mut rig, _) = Rig::in_position(Direction::Long, delegated());
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    rig.outcome(reversal.id, SubmitOutcome::Accepted);
    rig.take();
    rig.removed(reversal.id, Removal::Expired);
    assert_eq!(rig.sent_one().purpose, Purpose::Exit);
}

#[test]
fn a_refused_entry_from_flat_asks_for_nothing_more() {
    let mut rig = Rig::warm(delegated());
    rig.bar(500_000);
    rig.all_say(Direction::Short);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Refused(VenueCode::MARGIN_INSUFFICIENT));
    assert!(rig.sent().is_empty());
}

#[rstest::rstest]
fn agents_that_want_the_other_side_turn_over_and_no_older_exit_closes_what_that_opens(
    #[values(Wanted::Consensus, Wanted::TimeStop)] wanted: Wanted,
) {
    let (mut rig, exit) = leaving(wanted);
    rig.outcome(exit.id, SubmitOutcome::Accepted);
    rig.bar(500_000);
    rig.removed(exit.id, Removal::Expired);
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    assert_eq!((reversal.purpose, reversal.reduce_only), (Purpose::Entry, false));
    rig.outcome(reversal.id, SubmitOutcome::Accepted);
    rig.wait(Span::secs(30));
    assert!(rig.sent().is_empty(), "an exit beside it would leave it to open twice the size");
    rig.fill(&reversal, 500_000, reversal.quantity.0);
    let stop = rig.sent_one();
    assert_eq!(stop.purpose, Purpose::Stop);
    rig.outcome(stop.id, SubmitOutcome::Accepted);
    rig.confirm_position();
    rig.wait(Span::secs(29));
    assert!(rig.sent().is_empty(), "the new position stays");
    assert!(rig.position() < QtyLots::ZERO);
}

#[rstest::rstest]
fn what_goes_whatever_the_agents_say_is_not_turned_over(
    #[values(Wanted::Command, Wanted::Halt)] wanted: Wanted,
) {
    let (mut rig, exit) = leaving(wanted);
    rig.outcome(exit.id, REFUSED);
    rig.all_say(Direction::Short);
    let decided = |e: &Effect| matches!(e, Effect::Record(Record::Decision(_)));
    assert!(!rig.effects.iter().any(decided));
    is_the_same(&next_second(&mut rig), &exit);
}

#[test]
fn once_it_is_gone_the_agents_next_word_counts() {
    let (mut rig, exit) = leaving(Wanted::Command);
    rig.outcome(exit.id, SubmitOutcome::Accepted);
    rig.fill(&exit, 500_000, exit.quantity.0);
    rig.confirm_position();
    rig.take();
    rig.all_say(Direction::Short);
    let entry = rig.sent_one();
    assert_eq!(entry.purpose, Purpose::Entry);
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.fill(&entry, 500_000, entry.quantity.0);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop, "nobody wants this one gone");
}

/// A long position that a working order turns over, a bar later.
fn turning_over(config: EngineConfig) -> (Rig, OrderRequest) {
    let (mut rig, _stop) = Rig::in_position(Direction::Long, config);
    rig.bar(500_000);
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    rig.outcome(reversal.id, SubmitOutcome::Accepted);
    rig.bar(500_000);
    (rig, reversal)
}

#[test]
fn an_exit_waits_for_the_reversal_that_it_takes_back() {
    let (mut rig, reversal) = turning_over(config());
    rig.take();
    rig.all_say(Direction::Flat);
    assert_eq!(cancelled(&rig.effects), [reversal.id]);
    assert!(rig.sent().is_empty(), "if both filled, twice the size would be open");
    rig.removed(reversal.id, Removal::Canceled);
    let exit = rig.sent_one();
    assert_eq!((exit.purpose, exit.quantity), (Purpose::Exit, rig.position()));
}

#[test]
fn a_reversal_that_fills_before_it_is_taken_back_is_left_again() {
    let (mut rig, reversal) = turning_over(config());
    rig.all_say(Direction::Flat);
    rig.take();
    rig.fill(&reversal, 500_000, reversal.quantity.0);
    let exit = rig.sent_one();
    assert_eq!((exit.purpose, exit.side), (Purpose::Exit, Side::Buy));
    // While the venue refuses the exit, the new position has its stop.
    rig.outcome(exit.id, REFUSED);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop);
}

#[test]
fn a_time_stop_of_a_position_that_is_being_turned_over_closes_no_newer_one() {
    let mut config = config();
    config.policy.policy.exits.time_stop_bars = Some(2);
    let (mut rig, reversal) = turning_over(config);
    let exits = |e: &Effect| matches!(e, Effect::Record(Record::Decision(d)) if d.action == DecisionAction::Exit);
    assert!(rig.effects.iter().any(exits));
    rig.take();
    rig.fill(&reversal, 500_000, reversal.quantity.0);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop);
    rig.wait(Span::secs(50));
    let sent = rig.sent();
    assert!(sent.iter().all(|order| order.purpose != Purpose::Exit), "{sent:?}");
}

#[test]
fn a_stop_that_could_not_stand_closes_no_position_of_the_other_side() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000);
    rig.all_say(Direction::Short);
    let reversal = rig.sent_one();
    rig.outcome(reversal.id, LOST);
    rig.removed(stop.id, Removal::Expired);
    let second = rig.sent_one();
    rig.outcome(second.id, LOST);
    rig.wait(Span::secs(5));
    let flatten = rig.sent_one();
    assert_eq!(flatten.purpose, Purpose::Flatten);
    rig.fill(&reversal, 500_000, reversal.quantity.0);
    rig.outcome(flatten.id, SubmitOutcome::Refused(VenueCode::REDUCE_ONLY_REJECTED));
    rig.take();
    rig.wait(Span::secs(4));
    let sent = rig.sent();
    assert!(sent.iter().all(|order| order.purpose != Purpose::Flatten), "{sent:?}");
}
