//! What the desk may come to hold, and where that would be liquidated.

use super::*;
use crate::risk::Bound;

const ETH: SymbolId = SymbolId(1);

/// A trade that is nobody's order of ours: a position without any order beside it.
fn holds(rig: &mut Rig, symbol: SymbolId, side: Side, lots: i64) {
    let fill = Fill {
        symbol,
        trade: TradeId(1_000_000 + rig.next_trade),
        order: None,
        side,
        price: PriceTicks(500_000),
        quantity: QtyLots(lots),
        fee: Amount::ZERO,
        maker: false,
        at: rig.now,
    };
    rig.next_trade += 1;
    rig.report(VenueReport::Fill(fill));
}

fn unguarded() -> EngineConfig {
    let mut config = delegated();
    if let Authority::Delegated { policy_exits, .. } = &mut config.agents[0].authority {
        *policy_exits = false;
    }
    config
}

/// 5 BTC long, 3 ETH short, all at 50,000; no order works.
fn long_and_short() -> Rig {
    let mut config = unguarded();
    config.instruments.push(instrument("ETHUSDT"));
    if let Authority::Delegated { symbols, .. } = &mut config.agents[0].authority {
        symbols.push(Delegation { symbol: ETH, quantity: QtyLots(1) });
    }
    let mut rig = Rig::warm(config);
    rig.event(EventKind::Market(ETH, MarketEvent::Mark(PriceTicks(500_000))));
    holds(&mut rig, BTC, Side::Buy, 5000);
    holds(&mut rig, ETH, Side::Sell, 3000);
    rig
}

#[test]
fn gross_counts_both_sides_and_net_their_difference() {
    let rig = long_and_short();
    let (gross, net, open) = rig.engine.exposure();
    assert_eq!((gross, net, open), (Amount::whole(400_000), Amount::whole(100_000), 2));
}

#[test]
fn margin_is_asked_for_every_symbol() {
    let rig = long_and_short();
    // 5 % of 250,000 and of 150,000; then of 300,000 and of 150,000.
    let margin = |lots| rig.engine.exposure_with(BTC, Side::Buy, QtyLots(lots)).margin;
    assert_eq!(margin(0), Amount::whole(20_000));
    assert_eq!(margin(1000), Amount::whole(22_500));
}

#[test]
fn margin_in_use_is_not_free_for_an_entry() {
    let mut config = config();
    config.instruments.push(instrument("ETHUSDT"));
    config.instruments[0].initial_margin = Ratio::ONE;
    config.policy.policy.limits.max_leverage = Ratio::percent(10_000);
    config.policy.policy.limits.risk_per_trade = Ratio::ONE;
    let mut rig = Rig::warm(config);
    rig.event(EventKind::Market(ETH, MarketEvent::Mark(PriceTicks(500_000))));
    holds(&mut rig, ETH, Side::Buy, 10_000); // 500,000 at 5 %: 25,000 of 100,000 are in use
    rig.report(VenueReport::Position { symbol: ETH, quantity: QtyLots(10_000), at: rig.now });
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Long);
    let intent = rig.take().into_iter().find_map(|e| match e {
        Effect::Record(Record::Intent(intent)) if intent.request.symbol == BTC => Some(intent),
        _ => None,
    });
    let intent = intent.unwrap();
    assert_eq!(intent.verdict.bound, Bound::FreeMargin);
    // 75,000 at 50,000 each, the fee of 0.04 % included.
    assert_eq!(intent.request.quantity, QtyLots(1499));
}

#[test]
fn a_reversal_may_be_as_large_as_leverage_allows_the_position_that_it_leaves_not_counted() {
    let mut config = config();
    config.policy.policy.exits.stop = None;
    config.policy.policy.limits.max_leverage = Ratio::ONE;
    config.instruments[0].taker_fee = Ratio::ZERO;
    let mut rig = Rig::warm(config);
    rig.bar(500_000);
    rig.all_say(Direction::Long);
    let entry = rig.sent_one();
    assert_eq!(entry.quantity, QtyLots(1999), "2 BTC, less what thirds lose");
    rig.outcome(entry.id, SubmitOutcome::Accepted);
    rig.fill(&entry, 500_000, 1999);
    rig.confirm_position();
    rig.bar(500_000);
    rig.take();
    rig.all_say(Direction::Short);
    assert_eq!(rig.sent_one().quantity, QtyLots(3998));
}

#[test]
fn liquidation_is_told_one_tick_too_early_and_never_too_late() {
    let mut rig = Rig::warm(unguarded());
    rig.bar(500_000);
    let liquidation = |lots| rig.engine.liquidation(BTC, QtyLots(lots), Amount::ZERO);
    // 10 BTC at 50,000 on 100,000. Long: 400,000 / 9.9 = 40,404.04; short: 600,000 / 10.1 = 59,405.94.
    assert_eq!(liquidation(10_000), Some(PriceTicks(404_041)));
    assert_eq!(liquidation(-10_000), Some(PriceTicks(594_059)));
    assert_eq!(liquidation(1000), None, "1 BTC on 100,000: no price takes it all");
}

#[test]
fn what_cannot_be_counted_is_liquidated_at_the_mark() {
    let mut config = unguarded();
    (config.instruments[0].tick, config.instruments[0].lot) = (i64::MAX, i64::MAX);
    let mut rig = Rig::new(config);
    rig.event(EventKind::Market(BTC, MarketEvent::Mark(PriceTicks(7))));
    let liquidation = rig.engine.liquidation(BTC, QtyLots(i64::MAX), Amount::ZERO);
    assert_eq!(liquidation, Some(PriceTicks(7)));
}
