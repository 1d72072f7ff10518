//! How many orders may go, how old a decision may be, and how long a request stays valid.

use super::*;
use crate::engine::intents::{Entry, Mandate};
use crate::risk::RuleId;

const VOTED: Mandate = Mandate::Consensus { participation: Ratio::ONE, quorate: true };

/// The venue takes five orders a second; the policy's own rate does not bind.
fn narrow_venue() -> EngineConfig {
    let mut config = config();
    config.venue.orders_per_minute = 300;
    let limits = &mut config.policy.policy.limits;
    (limits.orders_per_second, limits.order_burst) = (1000, 1000);
    config
}

#[test]
fn entries_may_use_four_fifths_of_what_the_venue_takes() {
    let mut rig = Rig::warm(narrow_venue());
    assert_eq!(rig.engine.entry_allowance(VOTED), 40, "ten seconds of four");
}

#[test]
fn every_order_counts_against_what_the_venue_takes() {
    let mut rig = Rig::warm(narrow_venue());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    assert_eq!(rig.engine.entry_allowance(VOTED), 39);
    rig.fill(&entry, 500_000, entry.quantity.0);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop);
    assert_eq!(rig.engine.entry_allowance(VOTED), 38, "the stop took one too");
}

#[test]
fn a_stop_goes_when_entries_have_used_their_share_up() {
    let mut config = narrow_venue();
    config.venue.orders_per_minute = 1;
    let mut rig = Rig::warm(config);
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    for _ in 0..10 {
        rig.engine.venue_rate.take();
    }
    assert_eq!(rig.engine.entry_allowance(VOTED), 0);
    rig.fill(&entry, 500_000, entry.quantity.0);
    assert_eq!(rig.sent_one().purpose, Purpose::Stop);
}

#[rstest::rstest]
#[case::within_the_bar(false, 60_000, true)]
#[case::older_than_the_bar(false, 60_001, false)]
#[case::live_within_30_seconds(true, 30_000, true)]
#[case::live_older_than_30_seconds(true, 30_001, false)]
fn a_decision_is_carried_out_while_it_is_fresh(
    #[case] live: bool,
    #[case] age: i64,
    #[case] fresh: bool,
) {
    let mut rig = Rig::warm(EngineConfig { live, ..config() });
    rig.bar(500_000);
    let mut effects = Vec::new();
    let decided = rig.now - Span::millis(age);
    let (symbol, side, decision) = (BTC, Side::Buy, DecisionId(1));
    rig.engine.enter(Entry { symbol, side, mandate: VOTED, decision, decided }, &mut effects);
    let expected: &[RuleId] = if fresh { &[] } else { &[RuleId::DecisionFresh] };
    assert_eq!(denials(&effects), expected);
}

#[test]
fn a_request_is_valid_for_as_long_as_the_venue_may_take_to_get_it() {
    let mut config = config();
    config.venue.request_ttl = Span::secs(3);
    let (rig, stop) = Rig::in_position(Direction::Long, config);
    assert_eq!(stop.expires, rig.now + Span::secs(3));
}
