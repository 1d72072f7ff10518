//! Nothing that can be written down makes the engine panic, or lets an order beyond its limits pass.

use proptest::prelude::*;

use super::*;
use crate::market::{Level, Quote};
use crate::risk::RuleId;

/// Small, usual, and as large as the integer goes.
fn any_size() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(1),
        1_i64..1_000_000,
        prop::sample::select(vec![
            i64::MAX,
            i64::MAX - 1,
            i64::MAX / 2,
            1 << 53,
            92_233_720_368_547_000
        ]),
        1..i64::MAX,
    ]
}

fn any_ratio() -> impl Strategy<Value = Ratio> {
    prop_oneof![
        Just(Ratio(1)),
        Just(Ratio::ONE),
        Just(Ratio(999_999_999_999)),
        (1..i64::MAX).prop_map(Ratio)
    ]
}

fn any_amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        any::<i64>().prop_map(|units| Amount(units.into())),
        Just(Amount(99_999_999_999_999_999_999_999)), // 999999999999999.99999999
        any::<i128>().prop_map(Amount),
    ]
}

prop_compose! {
    fn any_config()(
        (tick, lot) in (any_size(), any_size()),
        (min, max) in (any_size(), any_size()),
        (balance, leverage, exposure) in (any_amount(), any_ratio(), any_ratio()),
        (risk, stop, take_profit) in (any_ratio(), any_ratio(), any_ratio()),
        (fee, margin) in (any_ratio(), any_ratio()),
        (notional, quantity, alone) in (any_amount(), any_size(), any::<bool>()),
        (ttl, deadline) in (any_size(), any_size()),
    ) -> EngineConfig {
        let mut config = if alone { delegated() } else { config() };
        let btc = &mut config.instruments[0];
        (btc.tick, btc.lot) = (tick, lot);
        (btc.min_quantity, btc.max_quantity) = (QtyLots(min.min(max)), QtyLots(max));
        (btc.taker_fee, btc.initial_margin) = (fee, margin);
        (btc.maintenance_margin, btc.min_notional) = (Ratio(margin.0 / 2), notional);
        config.balance = balance;
        (config.venue.request_ttl, config.venue.absence_grace) = (Span(ttl), Span(ttl));
        let limits = &mut config.policy.policy.limits;
        limits.max_leverage = leverage;
        (limits.max_gross_exposure, limits.max_net_exposure) = (exposure, exposure);
        (limits.risk_per_trade, limits.risk_multiplier) = (risk, leverage);
        limits.price_collar = leverage;
        let exits = &mut config.policy.policy.exits;
        exits.take_profit_atr = Some(take_profit);
        exits.trailing_atr = Some(stop);
        if let Some(rule) = &mut exits.stop {
            (rule.atr_multiple, rule.deadline) = (stop, Span(deadline));
        }
        if let Authority::Delegated { symbols, max_notional, .. } = &mut config.agents[0].authority {
            (symbols[0].quantity, *max_notional) = (QtyLots(quantity), notional);
        }
        config
    }
}

/// A bar at a price, without the rig's own arithmetic on it.
fn bar_at(rig: &mut Rig, price: i64, volume: i64) {
    rig.now = rig.now + Span::secs(60);
    let bar = Bar {
        open_time: rig.now,
        open: PriceTicks(price),
        high: PriceTicks(price),
        low: PriceTicks(1),
        close: PriceTicks(price),
        volume: QtyLots(volume),
        taker_buy_volume: None,
    };
    rig.event(EventKind::Market(BTC, MarketEvent::Bar(&bar)));
}

fn quote_at(rig: &mut Rig, price: i64, quantity: i64) {
    let level = |price| Level { price: PriceTicks(price), quantity: QtyLots(quantity) };
    let quote = Quote { update: 1, bid: level((price - 1).max(1)), ask: level(price) };
    rig.event(EventKind::Market(BTC, MarketEvent::Quote(quote)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_number_makes_the_engine_panic(
        config in any_config(),
        steps in prop::collection::vec((0_u8..8, any_size(), any_size(), any_amount()), 1..60),
    ) {
        let mut rig = Rig::new(config);
        (0..16).for_each(|_| bar_at(&mut rig, steps[0].1, steps[0].2));
        for (what, price, quantity, amount) in steps {
            let working = rig.engine.working_orders().last().map(|t| t.order.request);
            match (what, working) {
                (0, _) => bar_at(&mut rig, price, quantity),
                (1, _) => quote_at(&mut rig, price, quantity),
                (2, _) => rig.all_say(Direction::Long),
                (3, _) => rig.all_say(Direction::Short),
                (4, Some(order)) => rig.outcome(order.id, SubmitOutcome::Accepted),
                (5, Some(order)) => rig.fill(&order, price, quantity),
                (6, _) => rig.confirm_position(),
                (7, _) => rig.report(VenueReport::Funding { symbol: BTC, amount }),
                _ => rig.report(VenueReport::Transfer { amount }),
            }
            let view = &rig.engine;
            let _ = (view.headroom(), view.exposure(), view.symbol_view(BTC), view.snapshot(BTC));
            let portfolio = view.portfolio();
            let _ = (portfolio.realized(), portfolio.unrealized(), portfolio.wallet_balance());
            let _ = view.losses().drawdown();
        }
    }
}

#[test]
fn an_exposure_beyond_counting_is_beyond_every_limit() {
    let mut config = delegated();
    config.balance = Amount::MAX;
    (config.instruments[0].tick, config.instruments[0].lot) = (i64::MAX, i64::MAX);
    config.instruments[0].max_quantity = QtyLots(i64::MAX);
    let limits = &mut config.policy.policy.limits;
    (limits.max_gross_exposure, limits.max_net_exposure) = (Ratio(i64::MAX), Ratio(i64::MAX));
    // Under the policy's exits it would be refused sooner: no stop can be told at such prices.
    if let Authority::Delegated { symbols, max_notional, policy_exits, .. } =
        &mut config.agents[0].authority
    {
        (symbols[0].quantity, *max_notional, *policy_exits) =
            (QtyLots(i64::MAX / 2), Amount::MAX, false);
    }
    let mut rig = Rig::new(config);
    (0..20).for_each(|_| bar_at(&mut rig, i64::MAX, 1));
    rig.take();
    rig.all_say(Direction::Long);
    let denials = denials(&rig.take());
    for rule in [RuleId::Size, RuleId::GrossExposure, RuleId::NetExposure, RuleId::Leverage] {
        assert!(denials.contains(&rule), "{rule} let it pass: {denials:?}");
    }
}

#[test]
fn a_price_that_explodes_is_survived() {
    let mut config = config();
    config.balance = Amount(99_999_999_999_999_999_999_999);
    let limits = &mut config.policy.policy.limits;
    limits.max_leverage = Ratio(999_999_999_999);
    (limits.max_gross_exposure, limits.max_net_exposure) =
        (Ratio(999_990_000_000), Ratio(999_990_000_000));
    let mut rig = Rig::warm(config);
    rig.bar(1_000);
    rig.all_say(Direction::Long);
    for entry in rig.sent() {
        rig.fill(&entry, 1_000, entry.quantity.0);
    }
    rig.bar(922_337_203_685_470_000);
    rig.all_say(Direction::Short);
    rig.bar(1_000);
}
