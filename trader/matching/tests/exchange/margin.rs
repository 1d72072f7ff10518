//! Margin, liquidation and funding, by hand.

use rstest::rstest;
use sapphire_engine::instrument::{Instrument, PriceTicks};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{Side, TimeInForce};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{Removal, VenueCode, VenueOrderState};
use sapphire_matching::{Event, Feed, Funding, Listing, RuleError, Rules, code};

use crate::desk::{BTC, Desk, ETH, MARKET, instrument, limit, listing, rules, stop};

use Side::{Buy, Sell};
use TimeInForce::Gtc;

fn with_money(deposit: i64) -> Desk {
    let mut desk = Desk::with(vec![listing(Feed::Bars)], rules(), deposit);
    desk.opens(100);
    desk
}

#[rstest]
// 1000 of money at 10 %: exposure up to 10000, which is 100 lots at 100.
#[case::as_much_as_the_margin_bears(100, true)]
#[case::one_more(101, false)]
fn an_entry_needs_initial_margin(#[case] quantity: i64, #[case] taken: bool) {
    let mut desk = with_money(1000);
    let order = desk.order(Buy, quantity, MARKET);
    let refusal = (!taken).then_some(VenueCode::MARGIN_INSUFFICIENT);
    assert_eq!(desk.place(order).err(), refusal);
}

#[test]
fn open_orders_reserve_margin_on_their_worse_side() {
    let mut desk = with_money(1000);
    // 60 bought or 60 sold: either needs 600, never both.
    desk.send(Buy, 60, limit(100 - 1, Gtc));
    desk.send(Sell, 60, limit(100 + 1, Gtc));
    assert_eq!(desk.exchange.initial_margin(desk.account), Amount::whole(606));
    // 40 more to buy: 59.4 × 10 + 40 × 10 = 994 of 1000.
    desk.send(Buy, 40, limit(100 - 1, Gtc));
    let one_more = desk.order(Buy, 2, limit(100 - 1, Gtc));
    assert_eq!(desk.place(one_more), Err(VenueCode::MARGIN_INSUFFICIENT));
    // Selling still has 394 of room.
    desk.send(Sell, 39, limit(100 + 1, Gtc));
}

#[test]
fn an_order_that_adds_nothing_needs_no_margin() {
    let mut desk = with_money(1000);
    desk.send(Buy, 100, MARKET);
    // At 91 equity is 100 and 910 would be needed: still it may sell, even without reduce-only,
    // but not turn beyond what it has.
    desk.plays(100, 100, 96, 96);
    desk.opens(96);
    let too_much = desk.order(Sell, 201, MARKET);
    assert_eq!(desk.place(too_much), Err(VenueCode::MARGIN_INSUFFICIENT));
    desk.send(Sell, 50, MARKET);
    assert_eq!(desk.position(), 50);
}

#[test]
fn the_fee_must_be_there_too() {
    let taxed = Instrument { taker_fee: Ratio::percent(1), ..instrument("BTCUSDT") };
    let mut desk = Desk::with(vec![Listing { instrument: taxed, feed: Feed::Bars }], rules(), 1000);
    desk.opens(100);
    // 100 lots need 1000 of margin and 100 of fee; 90 need 900 and 90.
    let order = desk.order(Buy, 100, MARKET);
    assert_eq!(desk.place(order), Err(VenueCode::MARGIN_INSUFFICIENT));
    desk.send(Buy, 90, MARKET);
    assert_eq!(desk.wallet(), Amount::whole(910));
}

#[test]
fn a_stop_that_opens_a_position_is_judged_when_it_triggers() {
    let mut desk = with_money(1000);
    let stop = desk.send(Buy, 200, stop(110));
    desk.plays(100, 120, 100, 120);
    assert_eq!(desk.state(&stop), (VenueOrderState::Expired, 0));
    assert_eq!(desk.position(), 0);
}

#[test]
fn leverage_is_the_accounts_choice_up_to_the_instruments() {
    let mut desk = with_money(1000);
    let account = desk.account;
    assert_eq!(desk.exchange.set_leverage(account, BTC, 0), Err(code::BAD_LEVERAGE));
    assert_eq!(desk.exchange.set_leverage(account, BTC, 11), Err(code::BAD_LEVERAGE));
    assert_eq!(desk.exchange.set_leverage(account, ETH, 1), Err(VenueCode::INVALID_SYMBOL));
    desk.exchange.set_leverage(account, BTC, 3).unwrap();
    // 1/3 rounded up: 30 lots would need 1000.00002.
    let order = desk.order(Buy, 30, MARKET);
    assert_eq!(desk.place(order), Err(VenueCode::MARGIN_INSUFFICIENT));
    desk.send(Buy, 29, MARKET);
}

/// 1000 of money, `lots` at 100, maintenance 5 %: ruined where 1000 + lots·(p - 100) = |lots|·p·5 %.
#[rstest]
// 100 lots: 95 p = 9000, p = 94.7: ruined at 94.
#[case(100, Some(94))]
// 50 lots: 47.5 p = 4000, p = 84.2.
#[case(50, Some(84))]
// 10 lots: 9.5 p = 0: never.
#[case(10, None)]
// -100 lots: 105 p = 11000, p = 104.8: ruined at 105.
#[case(-100, Some(105))]
fn a_liquidation_price_is_the_first_tick_that_ruins(#[case] lots: i64, #[case] price: Option<i64>) {
    let mut desk = with_money(1000);
    desk.send(if lots > 0 { Buy } else { Sell }, lots.abs(), MARKET);
    assert_eq!(desk.exchange.liquidation_price(desk.account, BTC), price.map(PriceTicks));
    let Some(price) = price else { return };
    // A bar whose extreme is one tick off leaves it alone; one that touches it does not.
    let away = price + lots.signum();
    desk.deals();
    desk.plays(100, away.max(100), away.min(100), 100);
    assert_eq!(desk.deals(), []);
    desk.opens(100);
    desk.plays(100, price.max(100), price.min(100), 100);
    let side = if lots > 0 { Sell } else { Buy };
    assert_eq!(desk.deals(), [(side, price, lots.abs())]);
    assert_eq!(desk.exchange.liquidation_price(desk.account, BTC), None);
}

#[test]
fn a_liquidation_costs_its_fee_and_cancels_the_orders_there() {
    let costly = Instrument {
        taker_fee: Ratio::percent(1),
        liquidation_fee: Ratio::percent(2),
        ..instrument("BTCUSDT")
    };
    let listings = vec![
        Listing { instrument: costly, feed: Feed::Bars },
        Listing { instrument: instrument("ETHUSDT"), feed: Feed::Bars },
    ];
    let mut desk = Desk::with(listings, rules(), 1000);
    desk.opens(100);
    desk.opens_on(ETH, 100);
    desk.send(Buy, 80, MARKET);
    let here = desk.send(Buy, 1, limit(50, Gtc));
    let elsewhere = desk.order(Buy, 1, limit(50, Gtc));
    let elsewhere = sapphire_matching::NewOrder { symbol: ETH, ..elsewhere };
    desk.place(elsewhere).unwrap();
    desk.told.clear();
    // Wallet 1000 - 80 of fee. 920 + 80 (p - 100) = 4 p: 76 p = 7080, p = 93.2: closed at 93.
    // Fee 80 × 93 × 3 % = 223.20; wallet 920 - 560 - 223.20.
    desk.plays(100, 100, 80, 90);
    assert_eq!(desk.wallet().to_string(), "136.80");
    assert_eq!(desk.state(&here), (VenueOrderState::Canceled, 0));
    assert_eq!(desk.state(&elsewhere), (VenueOrderState::Open, 0));
    let liquidation = desk.told.iter().find_map(|event| match event {
        Event::Fill(fill) => Some(*fill),
        _ => None,
    });
    let liquidation = liquidation.unwrap();
    assert_eq!((liquidation.order, liquidation.maker), (None, false));
    assert_eq!(liquidation.fee.to_string(), "223.20");
    assert_eq!(desk.removals(), [Removal::Canceled]);
}

#[test]
fn a_stop_inside_the_bar_saves_from_liquidation() {
    let mut desk = with_money(1000);
    desk.send(Buy, 100, MARKET);
    let guard = desk.closing(Sell, 100, stop(97));
    desk.place(guard).unwrap();
    desk.deals();
    desk.plays(100, 100, 50, 60);
    assert_eq!(desk.deals(), [(Sell, 97, 100)]);
    assert_eq!(desk.wallet(), Amount::whole(700));
}

#[test]
fn a_gap_through_the_ruin_leaves_the_account_in_debt_and_refused() {
    let mut desk = with_money(1000);
    desk.send(Buy, 100, MARKET);
    desk.plays(100, 100, 100, 100);
    desk.deals();
    desk.opens(80);
    assert_eq!(desk.deals(), [(Sell, 80, 100)]);
    assert_eq!(desk.wallet(), Amount::whole(-1000));
    let order = desk.order(Buy, 1, MARKET);
    assert_eq!(desk.place(order), Err(VenueCode::MARGIN_INSUFFICIENT));
}

#[test]
fn margin_is_cross_over_symbols() {
    let listings =
        vec![listing(Feed::Bars), Listing { instrument: instrument("ETHUSDT"), feed: Feed::Bars }];
    let mut desk = Desk::with(listings, rules(), 1000);
    desk.opens(100);
    desk.opens_on(ETH, 100);
    desk.send(Buy, 50, MARKET);
    let other = desk.order(Sell, 40, MARKET);
    desk.place(sapphire_matching::NewOrder { symbol: ETH, ..other }).unwrap();
    // 1000 + 50 (p - 100) = 5 % (50 p + 40 × 100): 47.5 p = 4200, p = 88.4.
    assert_eq!(desk.exchange.liquidation_price(desk.account, BTC), Some(PriceTicks(88)));
    // ETH falls to 80: the short has earned 800 and needs less. 1000 + 800 + 50 (p - 100) =
    // 2.5 p + 160: 47.5 p = 3360, p = 70.7.
    desk.now += 99;
    desk.range(ETH, 100, 100, 80, 80);
    assert_eq!(desk.exchange.liquidation_price(desk.account, BTC), Some(PriceTicks(70)));
    assert_eq!(desk.exchange.equity(desk.account), Amount::whole(1800));
}

#[test]
fn longs_pay_shorts_at_each_interval() {
    let funding = Funding { rate: Ratio(10_001), interval: Span(250) };
    let paid = Rules { funding: Some(funding), ..rules() };
    let mut desk = Desk::with(vec![listing(Feed::Bars)], paid, 1_000_000);
    let long = desk.account;
    let short = desk.exchange.open_account(Amount::whole(1_000_000));
    desk.now = 10;
    desk.opens(100);
    assert_eq!(desk.exchange.next_due(), None, "nobody holds, so nothing is due");
    desk.send(Buy, 3, MARKET);
    desk.account = short;
    desk.send(Sell, 1, MARKET);
    assert_eq!(desk.exchange.next_due(), Some(Timestamp(250)));
    desk.told.clear();
    desk.advance(240);
    let paid: Vec<_> = desk
        .told
        .iter()
        .filter_map(|event| match event {
            Event::Funding { account, amount, at, .. } => Some((*account, *amount, at.0)),
            _ => None,
        })
        .collect();
    // 300 × 0.00010001 = 0.030003 paid, 100 × 0.00010001 = 0.010001 received.
    assert_eq!(
        paid,
        [(long, "-0.030003".parse().unwrap(), 250), (short, "0.010001".parse().unwrap(), 250)]
    );
    // Two more at 500 and 750.
    desk.advance(500);
    assert_eq!(desk.wallet() - Amount::whole(1_000_000), "0.030003".parse().unwrap());
}

#[test]
fn funding_that_ruins_is_followed_by_liquidation() {
    let funding = Funding { rate: Ratio::percent(5), interval: Span(50) };
    let paid = Rules { funding: Some(funding), ..rules() };
    let mut desk = Desk::with(vec![listing(Feed::Bars)], paid, 1000);
    desk.opens(100);
    desk.send(Buy, 100, MARKET);
    desk.deals();
    // At 50, 500 of 1000 are paid: equity is not above the maintenance of 500.
    desk.plays(100, 100, 100, 100);
    assert_eq!(desk.deals(), [(Sell, 100, 100)]);
    assert_eq!(desk.wallet(), Amount::whole(500));
}

#[test]
fn wrong_rules_are_all_named() {
    let twice = vec![listing(Feed::Bars), listing(Feed::Depth)];
    let wrong = Rules {
        slippage: Ratio::ONE,
        patience: Span::ZERO,
        funding: Some(Funding { rate: Ratio::ONE, interval: Span::ZERO }),
        ..rules()
    };
    let errors = sapphire_matching::Exchange::new(twice, wrong).unwrap_err();
    assert_eq!(errors.len(), 5, "{errors:?}");
    let upside_down = Instrument {
        initial_margin: Ratio::percent(1),
        taker_fee: Ratio::ONE,
        lot: 0,
        ..instrument("BTCUSDT")
    };
    let listings = vec![Listing { instrument: upside_down, feed: Feed::Bars }];
    let errors = sapphire_matching::Exchange::new(listings, rules()).unwrap_err();
    assert!(matches!(
        errors[..],
        [RuleError::Instrument(_), RuleError::Margins { .. }, RuleError::Fees(_)]
    ));
    let none = sapphire_matching::Exchange::new(vec![], rules()).unwrap_err();
    assert_eq!(none, [RuleError::NothingListed]);
}
