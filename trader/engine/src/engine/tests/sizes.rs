//! The greatest notional of one order and caution hold whoever decides, and hold no exit up.

use rstest::rstest;

use super::*;
use crate::journal::IntentRecord;
use crate::risk::{Bound, RuleId, RuleValue};

/// 4,000 units of quote currency, which at 50,000 are 80 lots; or none.
fn limited(mut config: EngineConfig, units: Option<i64>) -> EngineConfig {
    config.policy.policy.limits.max_order_notional = units.map(Amount::whole);
    if let Authority::Delegated { symbols, .. } = &mut config.agents[0].authority {
        symbols[0].quantity = QtyLots(100);
    }
    config
}

fn intent(rig: &Rig) -> IntentRecord {
    let intents = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Record(Record::Intent(intent)) => Some(IntentRecord::clone(intent)),
        _ => None,
    });
    let intents: Vec<IntentRecord> = intents.collect();
    assert_eq!(intents.len(), 1, "{intents:?}");
    intents[0].clone()
}

/// The worth and the limit that an intent's verdict holds.
fn order_notional(intent: &IntentRecord) -> (RuleValue, RuleValue) {
    let rules = &intent.verdict.rules;
    let result = rules.iter().find(|result| result.rule == RuleId::OrderNotional).unwrap();
    (result.input, result.limit)
}

#[rstest]
#[case::by_consensus(config())]
#[case::by_a_delegated_agent(delegated())]
fn the_greatest_notional_of_one_order_binds_every_entry(#[case] config: EngineConfig) {
    let mut rig = Rig::warm(limited(config, Some(4000)));
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    let entry = intent(&rig);
    assert_eq!(entry.request.quantity, QtyLots(80));
    assert_eq!((entry.verdict.bound, entry.verdict.approved), (Bound::MaxNotional, true));
    let worth = RuleValue::Amount(Amount::whole(4000));
    assert_eq!(order_notional(&entry), (worth, worth));
}

/// A new policy, whose greatest notional of one order is so much.
fn limit_orders(rig: &mut Rig, notional: i64) {
    let mut policy = rig.engine.policy().clone();
    policy.limits.max_order_notional = Some(Amount::whole(notional));
    let change = PolicyChange { generation: 2, hash: "h2".to_owned(), policy };
    rig.event(EventKind::Policy(&change));
}

#[rstest]
#[case::by_consensus(config())]
#[case::by_a_delegated_agent(delegated())]
fn it_binds_what_a_reversal_opens_and_not_what_it_closes(#[case] config: EngineConfig) {
    let (mut rig, _stop) = Rig::in_position(Direction::Long, limited(config, None));
    let held = rig.position();
    limit_orders(&mut rig, 4000);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    let reversal = intent(&rig);
    assert!(held > QtyLots(80));
    assert_eq!(reversal.request.quantity, held + QtyLots(80));
    assert_eq!((reversal.verdict.bound, reversal.verdict.approved), (Bound::MaxNotional, true));
}

#[test]
fn it_holds_no_exit_up() {
    let (mut rig, _stop) = Rig::in_position(Direction::Long, config());
    let held = rig.position();
    limit_orders(&mut rig, 1);
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Flat);
    assert_eq!(rig.sent_one().quantity, held);
}

#[rstest]
#[case::the_risk_budget(config(), None, Bound::RiskBudget)]
#[case::the_greatest_notional(config(), Some(4000), Bound::MaxNotional)]
#[case::a_delegated_size(delegated(), None, Bound::Delegation)]
fn at_half_of_the_drawdown_limit_an_entry_is_half_as_large_whatever_binds_it(
    #[case] config: EngineConfig,
    #[case] units: Option<i64>,
    #[case] bound: Bound,
) {
    let entry = |lost: i64| {
        let mut config = limited(config.clone(), units);
        config.policy.policy.limits.max_daily_loss = Ratio::ONE;
        let mut rig = Rig::warm(config);
        rig.report(VenueReport::Funding { symbol: BTC, amount: Amount::whole(-lost) });
        rig.bar(500_000);
        rig.take();
        rig.all_say(Direction::Long);
        intent(&rig)
    };
    let (whole, half) = (entry(12_499), entry(12_500));
    assert_eq!((whole.verdict.bound, half.verdict.bound), (bound, bound));
    assert_eq!(half.request.quantity.0, whole.request.quantity.0 / 2);
    assert!(whole.verdict.approved && half.verdict.approved);
}
