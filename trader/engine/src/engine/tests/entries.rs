use super::*;
use crate::journal::DecisionAction;
use crate::risk::{Bound, RuleId};

#[test]
fn three_agents_agree_and_the_desk_enters_with_its_intent_recorded_first() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    let effects = rig.take();
    let intent = effects.iter().position(|e| matches!(e, Effect::Record(Record::Intent(_))));
    let submit = effects.iter().position(|e| matches!(e, Effect::Submit(_)));
    assert!(intent.unwrap() < submit.unwrap(), "the intent comes before the order");
    let Some(Effect::Record(Record::Intent(intent))) = effects.get(intent.unwrap()) else {
        unreachable!()
    };
    assert_eq!(intent.verdict.bound, Bound::RiskBudget);
    assert_eq!(intent.verdict.rules.len(), 20, "every rule is on record");
    // A quarter of 1 % of 100,000 is 250; a lot loses 20.0 (2 × ATR of 100 ticks) × 0.001
    // and pays 0.0004 × (50 + 50.02): 250 / 0.060008 = 4166.1.
    assert_eq!(intent.request.quantity, QtyLots(4166));
    assert_eq!(intent.request.expires, rig.now + Span::secs(5));
}

#[test]
fn two_who_agree_are_not_enough() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.says(0, Direction::Long);
    rig.says(1, Direction::Long);
    rig.says(2, Direction::Short);
    assert!(rig.sent().is_empty());
}

#[test]
fn a_round_that_nobody_completes_ends_at_its_timeout() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.take();
    rig.says(0, Direction::Long);
    rig.wait(Span::secs(30));
    let rounds: Vec<bool> = rig
        .take()
        .iter()
        .filter_map(|e| match e {
            Effect::Record(Record::Round(round)) => Some(round.timed_out),
            _ => None,
        })
        .collect();
    assert_eq!(rounds, [true]);
    // A vote that comes after that changes nothing.
    rig.says(1, Direction::Long);
    rig.says(2, Direction::Long);
    assert!(rig.sent().is_empty());
}

#[test]
fn an_agreement_on_the_position_that_is_held_does_nothing() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    assert!(rig.sent().is_empty());
}

#[test]
fn a_reversal_is_one_order_that_closes_and_opens() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    let held = rig.position();
    rig.bar(500_000);
    rig.all_say(Direction::Short);
    let entry = rig.sent_one();
    assert_eq!((entry.side, entry.reduce_only), (Side::Sell, false));
    assert!(entry.quantity > held);
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.fill(&entry, 500_000, entry.quantity.0);
    // The old stop protects nothing any more; the new one guards the short.
    let effects = rig.take();
    assert_eq!(cancelled(&effects), [stop.id]);
    let stops: Vec<&OrderRequest> = effects
        .iter()
        .filter_map(|e| match e {
            Effect::Submit(order) => Some(order.get()),
            _ => None,
        })
        .collect();
    assert_eq!((stops[0].purpose, stops[0].side), (Purpose::Stop, Side::Buy));
}

#[test]
fn a_reversal_that_the_gate_denies_still_closes() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    let held = rig.position();
    rig.command(Command::PauseSymbol { symbol: BTC, paused: true });
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    let effects = rig.effects.iter().map(|e| format!("{e:?}")).collect::<Vec<_>>();
    assert_eq!(denials(&rig.effects), [RuleId::SymbolStatus], "{effects:?}");
    let exit = rig.sent_one();
    assert_eq!((exit.purpose, exit.side, exit.quantity), (Purpose::Exit, Side::Sell, held));
    assert!(exit.reduce_only);
}

#[test]
fn flat_wins_and_the_position_is_left() {
    let (mut rig, _) = Rig::in_position(Direction::Short, config());
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Flat);
    let decided = rig.effects.iter().any(
        |e| matches!(e, Effect::Record(Record::Decision(d)) if d.action == DecisionAction::Exit),
    );
    assert!(decided);
    let exit = rig.sent_one();
    assert_eq!((exit.purpose, exit.side), (Purpose::Exit, Side::Buy));
}

#[test]
fn nothing_grows_while_the_venue_has_not_confirmed_the_position() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.fill(&entry, 500_000, entry.quantity.0);
    let stop = rig.sent_one();
    rig.outcome(stop.id, SubmitOutcome::Accepted);
    // Closed by its stop, and the venue is silent.
    rig.fill(&stop, 499_800, entry.quantity.0);
    assert_eq!(rig.position(), QtyLots::ZERO);
    rig.take();
    rig.says(0, Direction::Long);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert_eq!(denials(&rig.take()), [RuleId::TradingState, RuleId::PositionVerified]);
    // It confirms, and the desk enters.
    rig.confirm_position();
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert_eq!(rig.sent().len(), 1);
}

#[test]
fn a_delegated_agent_trades_its_fixed_size_alone() {
    let mut rig = Rig::warm(delegated());
    rig.bar(500_000);
    rig.all_say(Direction::Short);
    let entry = rig.sent_one();
    assert_eq!((entry.side, entry.quantity), (Side::Sell, QtyLots(10)));
}

#[test]
fn a_delegated_agent_is_held_to_its_own_notional() {
    let mut config = delegated();
    let Authority::Delegated { max_notional, .. } = &mut config.agents[0].authority else {
        unreachable!()
    };
    *max_notional = Amount::whole(499); // ten lots at 50,000 are 500
    let mut rig = Rig::warm(config);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert_eq!(denials(&rig.take()), [RuleId::Size]);
}

#[test]
fn a_paused_agent_has_no_vote() {
    let mut rig = Rig::warm(config());
    rig.command(Command::PauseAgent { agent: AgentId(2), paused: true });
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert!(rig.sent().is_empty(), "two are fewer than the three that must agree");
}

#[test]
fn a_paused_agent_does_not_act_alone() {
    let mut rig = Rig::warm(delegated());
    rig.command(Command::PauseAgent { agent: AgentId(0), paused: true });
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert!(rig.sent().is_empty());
}

#[test]
fn an_opinion_on_an_older_bar_is_not_acted_on() {
    let mut rig = Rig::warm(delegated());
    rig.bar(500_000);
    rig.take();
    let bar = rig.engine.symbol_view(BTC).unwrap().bars - 2;
    let view = View::Opinion { direction: Direction::Long, confidence: Ratio::percent(60) };
    let reason = Reason::fixed("test");
    let late = Opinion { agent: AgentId(0), symbol: BTC, bar, view, reason };
    rig.event(EventKind::Opinion(&late));
    assert!(rig.sent().is_empty());
}

#[test]
fn a_book_is_not_whole_after_a_break_until_it_is_read_anew() {
    use crate::market::Level;
    let mut rig = Rig::warm(config());
    let level = |price| [Level { price: PriceTicks(price), quantity: QtyLots(1) }];
    let (bids, asks) = (level(499_999), level(500_001));
    let snapshot =
        |last_update| MarketEvent::DepthSnapshot { last_update, bids: &bids, asks: &asks };
    rig.event(EventKind::Market(BTC, snapshot(1)));
    assert!(rig.engine.symbol_view(BTC).unwrap().feed_whole);
    rig.event(EventKind::Market(BTC, MarketEvent::Broken));
    rig.event(EventKind::Market(BTC, MarketEvent::Restored));
    assert!(!rig.engine.symbol_view(BTC).unwrap().feed_whole, "what it missed is not known");
    rig.event(EventKind::Market(BTC, snapshot(2)));
    assert!(rig.engine.symbol_view(BTC).unwrap().feed_whole);
}

#[test]
fn an_agent_that_is_paused_in_mid_round_loses_its_vote() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.take();
    rig.says(0, Direction::Long);
    rig.says(1, Direction::Long);
    rig.command(Command::PauseAgent { agent: AgentId(0), paused: true });
    rig.says(2, Direction::Long);
    let effects = rig.take();
    assert!(!effects.iter().any(|e| matches!(e, Effect::Submit(_))));
    let round = effects.iter().find_map(|e| match e {
        Effect::Record(Record::Round(round)) => Some(round),
        _ => None,
    });
    let voters: Vec<AgentId> = round.unwrap().votes.iter().map(|vote| vote.agent).collect();
    assert_eq!(voters, [AgentId(1), AgentId(2)], "the round ends without it");
}

#[test]
fn a_round_that_waits_only_for_an_agent_that_is_paused_ends() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.says(0, Direction::Long);
    rig.says(1, Direction::Long);
    rig.take();
    rig.command(Command::PauseAgent { agent: AgentId(2), paused: true });
    assert!(rig.take().iter().any(|e| matches!(e, Effect::Record(Record::Round(_)))));
}

#[test]
fn when_the_data_are_over_no_entry_is_asked_for() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.event(EventKind::Market(BTC, MarketEvent::Ended));
    rig.take();
    rig.all_say(Direction::Long);
    let effects = rig.take();
    assert!(effects.iter().any(|e| matches!(e, Effect::Record(Record::Round(_)))));
    let asked = |e: &Effect| matches!(e, Effect::Record(Record::Intent(_) | Record::Decision(_)));
    assert!(!effects.iter().any(asked), "nor denied for a gap that there is not: {effects:?}");
    assert!(rig.engine.symbol_view(BTC).unwrap().feed_whole);
}

#[test]
fn when_the_data_are_over_a_reversal_is_an_exit() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    rig.bar(500_000);
    rig.event(EventKind::Market(BTC, MarketEvent::Ended));
    rig.take();
    rig.all_say(Direction::Short);
    assert_eq!(denials(&rig.effects), []);
    assert_eq!(rig.sent_one().purpose, Purpose::Exit);
}

#[test]
fn a_symbol_that_the_venue_does_not_trade_is_not_entered() {
    let mut rig = Rig::warm(config());
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: false });
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert_eq!(denials(&rig.take()), [RuleId::SymbolStatus]);
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: true });
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert_eq!(rig.sent_one().purpose, Purpose::Entry);
}

#[test]
fn what_a_halted_symbol_puts_off_is_done_when_it_trades_again() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: false });
    rig.command(Command::Halt { flatten: true });
    rig.wait(Span::secs(60));
    let effects = rig.take();
    assert!(!effects.iter().any(|e| matches!(e, Effect::Record(Record::Intent(_)))));
    assert_eq!(rig.state_of(stop.id), OrderState::Accepted);
    rig.report(VenueReport::SymbolStatus { symbol: BTC, trading: true });
    assert_eq!(rig.sent_one().purpose, Purpose::Flatten);
}

#[test]
fn a_broken_feed_stops_entries_and_says_so() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.event(EventKind::Market(BTC, MarketEvent::Broken));
    assert!(rig.take().iter().any(|e| matches!(e, Effect::Alert(_))));
    rig.all_say(Direction::Long);
    assert!(denials(&rig.take()).contains(&RuleId::FeedGap));
    rig.event(EventKind::Market(BTC, MarketEvent::Restored));
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    assert_eq!(rig.sent().len(), 1);
}

#[test]
fn a_fill_that_is_told_twice_counts_once() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.fill(&entry, 500_000, 10);
    rig.next_trade -= 1;
    rig.fill(&entry, 500_000, 10);
    assert_eq!(rig.position(), QtyLots(10));
    assert_eq!(rig.state_of(entry.id), OrderState::PartiallyFilled);
}

#[test]
fn a_fill_that_overtakes_its_acknowledgement_counts_at_once() {
    let mut rig = Rig::warm(config());
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    rig.fill(&entry, 500_000, entry.quantity.0);
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    assert_eq!(rig.state_of(entry.id), OrderState::Filled);
    assert_eq!(rig.position(), entry.quantity);
}

fn own_exits() -> EngineConfig {
    let mut config = delegated();
    if let Authority::Delegated { policy_exits, .. } = &mut config.agents[0].authority {
        *policy_exits = false;
    }
    config
}

#[rstest::rstest]
#[case::by_consensus(config(), false)]
#[case::by_an_agent_under_the_policys_exits(delegated(), false)]
#[case::by_an_agent_with_exits_of_its_own(own_exits(), true)]
fn nothing_is_entered_before_it_can_be_told_where_its_stop_will_stand(
    #[case] config: EngineConfig,
    #[case] enters: bool,
) {
    let mut rig = Rig::new(config);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    assert_eq!(denials(&rig.effects).contains(&RuleId::Size), !enters);
    assert_eq!(rig.sent().len(), usize::from(enters));
}
