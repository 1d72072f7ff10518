use rstest::rstest;

use super::*;
use crate::instrument::Symbol;

fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        tick: 10_000_000, // 0.1
        lot: 100_000,     // 0.001
        min_quantity: QtyLots(1),
        max_quantity: QtyLots(1_000_000),
        min_notional: Amount::whole(5),
        maker_fee: Ratio(20_000),
        taker_fee: Ratio(40_000),
        initial_margin: Ratio::percent(1),
        maintenance_margin: Ratio(500_000),
        liquidation_fee: Ratio::ZERO,
    }
}

/// The same, where one order may be of so many lots.
fn venue_of(lots: i64) -> &'static Instrument {
    Box::leak(Box::new(Instrument { max_quantity: QtyLots(lots), ..instrument() }))
}

fn limits() -> Limits {
    crate::policy::tests::policy().limits
}

fn seasoned() -> TradeOutcomes {
    let mut outcomes = TradeOutcomes::default();
    (0..120).for_each(|_| outcomes.count_trade(Amount::whole(2)));
    (0..80).for_each(|_| outcomes.count_trade(Amount::whole(-1)));
    outcomes
}

fn sized(change: impl FnOnce(&mut SizingInput<'_>, &mut Limits)) -> Size {
    let (instrument, outcomes) = (instrument(), seasoned());
    let mut changed = limits();
    let base = limits();
    let mut input = SizingInput {
        instrument: &instrument,
        limits: &base,
        equity: Amount::whole(100_000),
        price: PriceTicks(500_000), // 50,000
        stop_distance: Some(5_000), // 500
        slippage: Ratio::ZERO,
        outcomes: &outcomes,
        caution: false,
        participation: Ratio::ONE,
        other_exposure: Amount::ZERO,
        free_margin: Amount::whole(100_000),
        near_book: None,
    };
    change(&mut input, &mut changed);
    let input = SizingInput { limits: &changed, ..input };
    size(&input)
}

#[test]
fn the_budget_is_lost_at_the_stop_fees_included() {
    // 1 % of 100,000 is 1,000. A lot (0.001) loses 0.5 at the stop, and pays
    // 0.0004 × (50 + 50.5) = 0.0402: 1,000 / 0.5402 = 1851.16.
    assert_eq!(sized(|_, _| {}), Size { quantity: QtyLots(1851), bound: Bound::RiskBudget });
}

#[test]
fn slippage_is_part_of_the_loss() {
    // 0.0004 + 0.001 each way: 0.5 + 0.0014 × 100.5 = 0.6407.
    let size = sized(|input, _| input.slippage = Ratio(100_000));
    assert_eq!(size, Size { quantity: QtyLots(1560), bound: Bound::RiskBudget });
}

#[test]
fn a_cold_start_has_a_quarter_of_the_budget_and_no_kelly_term() {
    let none = TradeOutcomes::default();
    let (instrument, limits) = (instrument(), limits());
    let input = SizingInput {
        instrument: &instrument,
        limits: &limits,
        equity: Amount::whole(100_000),
        price: PriceTicks(500_000),
        stop_distance: Some(5_000),
        slippage: Ratio::ZERO,
        outcomes: &none,
        caution: false,
        participation: Ratio::ONE,
        other_exposure: Amount::ZERO,
        free_margin: Amount::whole(100_000),
        near_book: None,
    };
    assert_eq!(size(&input), Size { quantity: QtyLots(462), bound: Bound::RiskBudget });
}

#[test]
fn the_multiplier_scales_the_budget() {
    let doubled = sized(|_, limits| limits.risk_multiplier = Ratio::percent(200));
    assert_eq!(doubled.quantity, QtyLots(3702));
}

#[rstest]
#[case::order_notional(|_: &mut SizingInput<'_>, l: &mut Limits| l.max_order_notional = Some(Amount::whole(1000)), 20, Bound::MaxNotional)]
#[case::participation(|i: &mut SizingInput<'_>, _: &mut Limits| i.participation = Ratio(100_000), 20, Bound::Participation)]
#[case::leverage(|i: &mut SizingInput<'_>, _: &mut Limits| i.other_exposure = Amount::whole(999_000), 20, Bound::Leverage)]
#[case::margin(|i: &mut SizingInput<'_>, _: &mut Limits| i.free_margin = Amount::whole(52), 100, Bound::FreeMargin)]
#[case::the_venues_maximum(|i: &mut SizingInput<'_>, _: &mut Limits| i.instrument = venue_of(121), 121, Bound::VenueMaximum)]
#[case::risk_budget(|_: &mut SizingInput<'_>, _: &mut Limits| (), 1851, Bound::RiskBudget)]
#[case::book(|i: &mut SizingInput<'_>, _: &mut Limits| i.near_book = Some(QtyLots(1234)), 123, Bound::BookDepth)]
// 120 wins of 2 and 80 losses of 1: Wilson's lower bound of 0.6 is 0.55498, f* = 0.55498 − 0.44502 / 2
// = 0.33247; 1 % of it is 332.47 of equity: / 0.5402.
#[case::kelly(|_: &mut SizingInput<'_>, l: &mut Limits| l.kelly_fraction = Ratio(1_000_000), 615, Bound::Kelly)]
fn the_smallest_term_binds_and_is_named_and_caution_halves_it(
    #[case] change: fn(&mut SizingInput<'_>, &mut Limits),
    #[case] lots: i64,
    #[case] bound: Bound,
) {
    assert_eq!(sized(change), Size { quantity: QtyLots(lots), bound });
    let cautious = sized(|input, limits| {
        change(input, limits);
        input.caution = true;
    });
    assert_eq!(cautious, Size { quantity: QtyLots(lots / 2), bound });
}

#[rstest]
#[case::its_own_size(None, 31, Bound::Delegation)]
#[case::a_limit_above_it(Some(1600), 31, Bound::Delegation)]
#[case::a_limit_that_it_reaches(Some(1550), 31, Bound::MaxNotional)]
#[case::a_limit_below_it(Some(1549), 30, Bound::MaxNotional)]
#[case::a_limit_below_one_lot(Some(49), 0, Bound::MaxNotional)]
fn a_delegated_size_is_bound_by_the_greatest_notional_and_halved_in_caution(
    #[case] units: Option<i64>,
    #[case] lots: i64,
    #[case] bound: Bound,
) {
    let limits = Limits { max_order_notional: units.map(Amount::whole), ..limits() };
    let sized =
        |caution| delegated_size(QtyLots(31), &instrument(), &limits, PriceTicks(500_000), caution);
    assert_eq!(sized(false), Size { quantity: QtyLots(lots), bound });
    assert_eq!(sized(true), Size { quantity: QtyLots(lots / 2), bound });
}

#[test]
fn nothing_left_is_nothing_not_less() {
    let size = sized(|input, _| input.other_exposure = Amount::whole(2_000_000));
    assert_eq!(size, Size { quantity: QtyLots::ZERO, bound: Bound::Leverage });
}
