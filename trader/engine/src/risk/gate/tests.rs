//! The gate's table: a row a rule, for each side, and for each class of intent.

use std::sync::LazyLock;

use rstest::rstest;

use super::*;
use crate::ids::{ClientOrderId, OrderId, RunId};
use crate::instrument::{Instrument, PriceTicks, QtyLots, Symbol, SymbolId};
use crate::money::{Amount, Ratio};
use crate::order::{OrderType, Purpose, Side};
use crate::policy::TradingState;
use crate::policy::tests::policy;
use crate::risk::{RuleId, RuleValue};
use crate::time::{Span, Timestamp};

const PURPOSES: [Purpose; 5] =
    [Purpose::Entry, Purpose::Exit, Purpose::Stop, Purpose::TakeProfit, Purpose::Flatten];

fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        tick: 10_000_000,
        lot: 100_000,
        min_quantity: QtyLots(2),
        max_quantity: QtyLots(10_000),
        min_notional: Amount::whole(5),
        maker_fee: Ratio(20_000),
        taker_fee: Ratio(40_000),
        initial_margin: Ratio::percent(1),
        maintenance_margin: Ratio(500_000),
        liquidation_fee: Ratio::ZERO,
    }
}

fn request(purpose: Purpose, side: Side) -> OrderRequest {
    let reduces = purpose != Purpose::Entry;
    OrderRequest {
        id: OrderId(1),
        client_id: ClientOrderId { run: RunId(1), order: OrderId(1), attempt: 1 },
        symbol: SymbolId(0),
        side,
        quantity: QtyLots(100),
        kind: match purpose {
            Purpose::Stop => OrderType::StopMarket { trigger: PriceTicks(490_000) },
            Purpose::TakeProfit => OrderType::TakeProfitMarket { trigger: PriceTicks(510_000) },
            _ => OrderType::Market,
        },
        reduce_only: reduces,
        close_position: purpose == Purpose::Stop,
        purpose,
        decision: None,
        expires: Timestamp(0),
    }
}

/// Facts under which everything passes.
fn good<'a>(
    request: &'a OrderRequest,
    instrument: &'a Instrument,
    limits: &'a crate::policy::Limits,
) -> Facts<'a> {
    let away = request.side.sign();
    Facts {
        request,
        instrument,
        limits,
        opens: request.quantity,
        position: QtyLots(-away * 1000),
        trading_state: TradingState::Active,
        data_age: Some(Span::secs(1)),
        feed_whole: true,
        clock_uncertainty: Some(Span::millis(1)),
        symbol_trading: true,
        symbol_paused: false,
        decision_age: Some(Span::secs(1)),
        decision_fresh_for: Span::secs(30),
        quorate: true,
        duplicates: 0,
        order_allowance: 10,
        price: Some(PriceTicks(500_000)),
        mark: Some(PriceTicks(500_000)),
        atr: Some(1000),
        stop: Some(PriceTicks(500_000 - away * 2000)),
        liquidation: Some(PriceTicks(500_000 - away * 4000)),
        gross_exposure: Amount::whole(5000),
        net_exposure: Amount::whole(5000),
        open_positions: 1,
        delegated_notional: None,
        equity: Amount::whole(100_000),
        daily_loss: Ratio::ZERO,
        drawdown: Ratio::ZERO,
        position_verified: true,
    }
}

/// Limits under which one order may open what [`request`] does, and no more: 0.1 × 50,000.
fn tight() -> &'static crate::policy::Limits {
    static TIGHT: LazyLock<crate::policy::Limits> = LazyLock::new(|| crate::policy::Limits {
        max_order_notional: Some(Amount::whole(5000)),
        ..policy().limits
    });
    &TIGHT
}

type Break = fn(&mut Facts<'_>);

fn breaks() -> Vec<(RuleId, Break)> {
    vec![
        (RuleId::TradingState, |f| f.trading_state = TradingState::Reducing),
        (RuleId::TradingState, |f| f.trading_state = TradingState::Halted),
        (RuleId::DataAge, |f| f.data_age = Some(Span(Span::secs(60).0 + 1))),
        (RuleId::DataAge, |f| f.data_age = None),
        (RuleId::FeedGap, |f| f.feed_whole = false),
        (RuleId::ClockUncertainty, |f| f.clock_uncertainty = Some(Span::millis(501))),
        (RuleId::ClockUncertainty, |f| f.clock_uncertainty = None),
        (RuleId::SymbolStatus, |f| f.symbol_trading = false),
        (RuleId::DecisionFresh, |f| f.decision_age = Some(Span(Span::secs(30).0 + 1))),
        (RuleId::DecisionFresh, |f| f.decision_age = None),
        (RuleId::DecisionFresh, |f| f.quorate = false),
        (RuleId::DuplicateIntent, |f| f.duplicates = 1),
        (RuleId::OrderRate, |f| f.order_allowance = 0),
        (RuleId::Size, |f| f.opens = QtyLots::ZERO),
        (RuleId::Size, |f| f.delegated_notional = Some((Amount::whole(101), Amount::whole(100)))),
        (RuleId::OrderNotional, |f| {
            f.limits = tight();
            f.opens = QtyLots(f.opens.0 + 1);
        }),
        (RuleId::OrderNotional, |f| (f.limits, f.price) = (tight(), None)),
        (RuleId::VenueFilters, |f| f.price = Some(PriceTicks(499))),
        (RuleId::VenueFilters, |f| f.price = None),
        (RuleId::PriceCollar, |f| f.price = Some(PriceTicks(505_001))),
        (RuleId::PriceCollar, |f| f.price = Some(PriceTicks(494_999))),
        (RuleId::PriceCollar, |f| f.mark = None),
        (RuleId::LiquidationDistance, |f| {
            f.liquidation = f.stop.map(|s| PriceTicks(s.0 - f.request.side.sign() * 1999));
        }),
        (RuleId::LiquidationDistance, |f| f.atr = None),
        (RuleId::GrossExposure, |f| f.gross_exposure = Amount(Amount::whole(1_000_000).0 + 1)),
        (RuleId::NetExposure, |f| f.net_exposure = Amount(Amount::whole(1_000_000).0 + 1)),
        (RuleId::OpenPositions, |f| f.open_positions = 6),
        (RuleId::Leverage, |f| f.equity = Amount::whole(499)),
        (RuleId::Leverage, |f| f.equity = Amount::ZERO),
        (RuleId::DailyLoss, |f| f.daily_loss = Ratio::percent(5)),
        (RuleId::Drawdown, |f| f.drawdown = Ratio::percent(25)),
        (RuleId::PositionVerified, |f| f.position_verified = false),
    ]
}

/// Notes the names of an enum's variants, which serde gives to every reader of one.
struct Names(&'static [&'static str]);

impl<'de> serde::Deserializer<'de> for &mut Names {
    type Error = serde::de::value::Error;

    fn deserialize_enum<V: serde::de::Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0 = variants;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("only the names are asked for"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Every rule that there is, by the names that a reader of journals knows.
fn every_rule() -> Vec<RuleId> {
    let mut names = Names(&[]);
    <RuleId as serde::Deserialize>::deserialize(&mut names).unwrap_err();
    names.0.iter().map(|name| serde_json::from_str(&format!("\"{name}\"")).unwrap()).collect()
}

#[test]
fn every_rule_has_a_row_in_the_gate_and_in_this_table() {
    let gate: Vec<RuleId> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(gate, every_rule(), "the gate runs each rule once, in order");
    for rule in gate {
        assert!(breaks().iter().any(|(broken, _)| *broken == rule), "nothing here breaks {rule}");
    }
}

/// Rules that no order is exempt from.
const NEVER_EXEMPT: [RuleId; 2] = [RuleId::SymbolStatus, RuleId::VenueFilters];

#[rstest]
fn every_rule_denies_an_entry_of_either_side_and_is_named(
    #[values(Side::Buy, Side::Sell)] side: Side,
) {
    let (instrument, policy) = (instrument(), policy());
    let request = request(Purpose::Entry, side);
    for (rule, break_it) in breaks() {
        let mut facts = good(&request, &instrument, &policy.limits);
        break_it(&mut facts);
        let (verdict, order) = judge(&facts, Bound::RiskBudget);
        assert!(order.is_none() && !verdict.approved, "{rule} let an entry pass");
        assert!(verdict.denials().any(|denial| denial.rule == rule), "{rule} was not named");
    }
}

#[rstest]
fn what_shrinks_exposure_passes_every_entry_rule(
    #[values(Side::Buy, Side::Sell)] side: Side,
    #[values(Purpose::Exit, Purpose::Stop, Purpose::TakeProfit, Purpose::Flatten)] purpose: Purpose,
) {
    let (instrument, policy) = (instrument(), policy());
    let request = request(purpose, side);
    let mut all_broken = good(&request, &instrument, &policy.limits);
    for (_, break_it) in breaks().iter().filter(|(rule, _)| !NEVER_EXEMPT.contains(rule)) {
        break_it(&mut all_broken);
        let (verdict, order) = judge(&all_broken, Bound::Position);
        assert!(
            order.is_some(),
            "{purpose} was denied: {:?}",
            verdict.denials().collect::<Vec<_>>()
        );
        let applied: Vec<RuleId> = verdict.rules.iter().map(|r| r.rule).collect();
        assert_eq!(applied, NEVER_EXEMPT);
    }
}

#[rstest]
fn what_the_venue_would_let_grow_is_judged_as_an_entry_whatever_its_label(
    #[values(Purpose::Exit, Purpose::Stop, Purpose::TakeProfit, Purpose::Flatten)] purpose: Purpose,
) {
    let (instrument, policy) = (instrument(), policy());
    let reducing = request(purpose, Side::Sell);
    let request = OrderRequest { reduce_only: false, close_position: false, ..reducing };
    let mut facts = good(&request, &instrument, &policy.limits);
    facts.trading_state = TradingState::Halted;
    let (verdict, order) = judge(&facts, Bound::Position);
    assert!(order.is_none());
    assert_eq!(verdict.rules.len(), RULES.len(), "all rules of an entry");
    // Either of the two marks that the venue enforces makes it what it says.
    for marked in [
        OrderRequest { reduce_only: true, ..request },
        OrderRequest { close_position: true, ..request },
    ] {
        let facts = Facts { request: &marked, ..facts.clone() };
        assert!(judge(&facts, Bound::Position).1.is_some());
    }
}

#[rstest]
#[case::too_small(QtyLots(1), None)]
#[case::too_large(QtyLots(10_001), None)]
#[case::symbol_closed(QtyLots(100), Some(false))]
fn what_the_venue_would_refuse_is_denied_to_every_class(
    #[case] quantity: QtyLots,
    #[case] trading: Option<bool>,
    #[values(Side::Buy, Side::Sell)] side: Side,
) {
    let (instrument, policy) = (instrument(), policy());
    for purpose in PURPOSES {
        let request = OrderRequest { quantity, close_position: false, ..request(purpose, side) };
        let mut facts = good(&request, &instrument, &policy.limits);
        facts.symbol_trading = trading.unwrap_or(true);
        assert!(judge(&facts, Bound::Position).1.is_none(), "{purpose}");
    }
}

#[rstest]
#[case::a_rest_below_the_minimum(1, false)]
#[case::a_close_position_order_of_any_size(1, true)]
#[case::a_close_position_order_beyond_the_maximum(10_001, true)]
fn what_takes_a_position_away_whole_may_be_of_any_size(
    #[case] lots: i64,
    #[case] close_position: bool,
    #[values(Side::Buy, Side::Sell)] side: Side,
) {
    let (instrument, policy) = (instrument(), policy());
    for purpose in PURPOSES.into_iter().filter(|purpose| *purpose != Purpose::Entry) {
        let request =
            OrderRequest { quantity: QtyLots(lots), close_position, ..request(purpose, side) };
        let mut facts = good(&request, &instrument, &policy.limits);
        facts.position = QtyLots(-side.sign() * lots);
        assert!(judge(&facts, Bound::Position).1.is_some(), "{purpose}");
    }
    let entry = OrderRequest { quantity: QtyLots(lots), ..request(Purpose::Entry, side) };
    let mut facts = good(&entry, &instrument, &policy.limits);
    facts.position = QtyLots(-side.sign() * lots);
    assert!(judge(&facts, Bound::Position).1.is_none(), "an entry is as large as the venue asks");
}

#[rstest]
#[case::the_largest_quantity(10_000, 500_000)]
#[case::the_smallest_quantity(2, 500_000)]
#[case::the_smallest_notional(100, 500)] // 0.1 × 50.0 = 5
fn an_entry_at_the_edge_of_the_venues_filters_passes(#[case] lots: i64, #[case] price: i64) {
    let (instrument, policy) = (instrument(), policy());
    let request = OrderRequest { quantity: QtyLots(lots), ..request(Purpose::Entry, Side::Buy) };
    let mut facts = good(&request, &instrument, &policy.limits);
    facts.price = Some(PriceTicks(price));
    let verdict = judge(&facts, Bound::RiskBudget).0;
    assert!(!verdict.denials().any(|d| d.rule == RuleId::VenueFilters));
}

#[test]
fn the_smallest_notional_binds_entries_only() {
    let (instrument, policy) = (instrument(), policy());
    for purpose in PURPOSES {
        let request = request(purpose, Side::Buy);
        let mut facts = good(&request, &instrument, &policy.limits);
        facts.price = Some(PriceTicks(499)); // 0.1 × 49.9 = 4.99
        facts.mark = facts.price;
        let denied =
            judge(&facts, Bound::Position).0.denials().any(|d| d.rule == RuleId::VenueFilters);
        assert_eq!(denied, purpose == Purpose::Entry, "{purpose}");
    }
}

#[test]
fn a_pause_stops_entries_and_nothing_else() {
    let (instrument, policy) = (instrument(), policy());
    for purpose in PURPOSES {
        let request = request(purpose, Side::Buy);
        let mut facts = good(&request, &instrument, &policy.limits);
        facts.symbol_paused = true;
        assert_eq!(
            judge(&facts, Bound::Position).1.is_none(),
            purpose == Purpose::Entry,
            "{purpose}"
        );
    }
}

#[test]
fn a_denial_names_every_rule_that_failed_in_order() {
    let (instrument, policy) = (instrument(), policy());
    let request = request(Purpose::Entry, Side::Buy);
    let mut facts = good(&request, &instrument, &policy.limits);
    facts.trading_state = TradingState::Halted;
    facts.drawdown = Ratio::percent(30);
    facts.data_age = None;
    let (verdict, _) = judge(&facts, Bound::RiskBudget);
    let denials: Vec<RuleId> = verdict.denials().map(|d| d.rule).collect();
    assert_eq!(denials, [RuleId::TradingState, RuleId::DataAge, RuleId::Drawdown]);
    assert_eq!(verdict.rules.len(), RULES.len(), "all rules are recorded, the passed ones too");
    assert_eq!(verdict.rules[1].input, RuleValue::Unknown);
}

#[rstest]
fn everything_passes_at_its_limit(#[values(Side::Buy, Side::Sell)] side: Side) {
    let (instrument, mut policy) = (instrument(), policy());
    policy.limits.max_order_notional = Some(Amount::whole(5050));
    let request = request(Purpose::Entry, side);
    let mut facts = good(&request, &instrument, &policy.limits);
    facts.data_age = Some(Span::secs(60));
    facts.clock_uncertainty = Some(Span::millis(500));
    facts.decision_age = Some(Span::secs(30));
    facts.order_allowance = 1;
    facts.price = Some(PriceTicks(505_000));
    facts.gross_exposure = Amount::whole(1_000_000);
    facts.net_exposure = Amount::whole(1_000_000);
    facts.open_positions = 5;
    facts.delegated_notional = Some((Amount::whole(100), Amount::whole(100)));
    let (verdict, order) = judge(&facts, Bound::RiskBudget);
    assert!(order.is_some(), "{:?}", verdict.denials().collect::<Vec<_>>());
}

#[test]
fn what_no_price_would_liquidate_is_far_enough_from_it() {
    let (instrument, policy) = (instrument(), policy());
    let request = request(Purpose::Entry, Side::Buy);
    let mut facts = good(&request, &instrument, &policy.limits);
    facts.liquidation = None;
    assert!(judge(&facts, Bound::RiskBudget).1.is_some());
}

#[rstest]
fn a_reversal_counts_what_it_opens_towards_the_greatest_notional_of_one_order(
    #[values(Side::Buy, Side::Sell)] side: Side,
) {
    let instrument = instrument();
    let opens = QtyLots(100);
    let both = OrderRequest { quantity: QtyLots(1100), ..request(Purpose::Entry, side) };
    let mut facts = Facts { opens, ..good(&both, &instrument, tight()) };
    let (verdict, order) = judge(&facts, Bound::MaxNotional);
    assert!(order.is_some(), "{:?}", verdict.denials().collect::<Vec<_>>());
    let result = verdict.rules.iter().find(|result| result.rule == RuleId::OrderNotional).unwrap();
    let worth = RuleValue::Amount(Amount::whole(5000));
    assert_eq!((result.input, result.limit), (worth, worth), "the verdict is on record");
    facts.opens = QtyLots(101);
    assert!(judge(&facts, Bound::MaxNotional).1.is_none());
}
