//! Orders on bars.

use crate::desk::{BTC, Desk, ETH, MARKET, instrument, limit, listing, rules, stop, target};
use rstest::rstest;
use sapphire_engine::instrument::QtyLots;
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::venue::{Removal, VenueOrderState};
use sapphire_matching::{Feed, Listing, Rules};

use Side::{Buy, Sell};
use TimeInForce::{Fok, Gtc, Ioc, PostOnly};

/// An order that arrives between bars, then a bar that opens at 100 and trades 90 to 110: what it
/// fills at, if at all.
#[rstest]
#[case::a_market_order_fills_at_the_open(Buy, MARKET, Some(100))]
#[case::a_limit_that_the_open_crosses_fills_at_the_open(Buy, limit(105, Gtc), Some(100))]
#[case::a_touch_by_the_open_crosses(Buy, limit(100, Gtc), Some(100))]
#[case::a_limit_that_the_bar_trades_beyond_fills_at_its_price(Buy, limit(91, Gtc), Some(91))]
#[case::a_touch_is_not_a_fill(Buy, limit(90, Gtc), None)]
#[case::a_sell_touch_is_not_a_fill(Sell, limit(110, Gtc), None)]
#[case::a_sell_limit_that_the_bar_trades_beyond(Sell, limit(109, Gtc), Some(109))]
#[case::an_immediate_order_takes_the_open(Buy, limit(101, Ioc), Some(100))]
#[case::an_immediate_order_does_not_see_the_range(Buy, limit(99, Ioc), None)]
#[case::fill_or_kill_takes_the_open(Sell, limit(99, Fok), Some(100))]
#[case::fill_or_kill_does_not_see_the_range(Sell, limit(101, Fok), None)]
#[case::post_only_rests(Buy, limit(99, PostOnly), Some(99))]
#[case::post_only_that_would_take_the_open_expires(Buy, limit(100, PostOnly), None)]
#[case::a_buy_stop_fills_at_its_trigger(Buy, stop(105), Some(105))]
#[case::a_stop_triggers_at_a_touch(Buy, stop(110), Some(110))]
#[case::a_stop_beyond_the_range_stands(Buy, stop(111), None)]
#[case::a_sell_stop_fills_at_its_trigger(Sell, stop(95), Some(95))]
#[case::a_buy_target_fills_at_its_trigger(Buy, target(95), Some(95))]
#[case::a_sell_target_fills_at_its_trigger(Sell, target(110), Some(110))]
fn a_bar_fills(#[case] side: Side, #[case] kind: OrderType, #[case] price: Option<i64>) {
    let mut desk = Desk::on_bars();
    desk.send(side, 2, kind);
    desk.bar(100, 110, 90, 105);
    let filled: Vec<_> = price.map(|price| (side, price, 2)).into_iter().collect();
    assert_eq!(desk.deals(), filled);
}

/// The same kinds, resting before the market gaps from 100 to 80 or to 120.
#[rstest]
#[case::a_stop_that_is_gapped_over_fills_at_the_open(Sell, stop(95), 80, Some(80))]
#[case::a_buy_stop_that_is_gapped_over(Buy, stop(105), 120, Some(120))]
#[case::a_target_that_is_gapped_over_fills_at_the_open(Sell, target(105), 120, Some(120))]
#[case::a_limit_that_is_gapped_over_fills_at_the_better_open(Buy, limit(90, Gtc), 80, Some(80))]
#[case::a_sell_limit_that_is_gapped_over(Sell, limit(110, Gtc), 120, Some(120))]
#[case::an_open_at_the_limit_is_a_touch(Buy, limit(80, Gtc), 80, None)]
fn a_gap_fills(
    #[case] side: Side,
    #[case] kind: OrderType,
    #[case] open: i64,
    #[case] price: Option<i64>,
) {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(side, 1, kind);
    desk.plays(100, 100, 100, 100);
    desk.bar(open, open, open, open);
    let filled: Vec<_> = price.map(|price| (side, price, 1)).into_iter().collect();
    assert_eq!(desk.deals(), filled);
}

#[test]
fn an_order_inside_a_bar_fills_at_its_open_and_not_at_its_range() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 1, MARKET);
    assert_eq!(desk.deals(), [(Buy, 100, 1)]);
}

#[test]
fn a_market_order_waits_one_bar_at_most() {
    let mut desk = Desk::on_bars();
    desk.bar(100, 100, 100, 100);
    let order = desk.send(Buy, 1, MARKET);
    assert_eq!(desk.exchange.next_due(), Some(desk.at() + rules().patience));
    desk.advance(99);
    assert_eq!(desk.state(&order), (VenueOrderState::Open, 0));
    desk.advance(1);
    assert_eq!(desk.removals(), [Removal::Expired]);
    assert_eq!(desk.state(&order), (VenueOrderState::Expired, 0));
    assert_eq!(desk.exchange.next_due(), None);
    desk.bar(100, 100, 100, 100);
    assert_eq!(desk.deals(), []);
}

#[test]
fn a_resting_limit_waits_for_ever() {
    let mut desk = Desk::on_bars();
    desk.send(Buy, 1, limit(95, Gtc));
    desk.advance(10_000);
    desk.bar(100, 100, 94, 100);
    assert_eq!(desk.deals(), [(Buy, 95, 1)]);
}

#[test]
fn the_stop_comes_before_the_target() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 3, MARKET);
    let take = desk.closing(Sell, 3, target(110));
    desk.place(take).unwrap();
    let protect = desk.closing(Sell, 3, stop(90));
    desk.place(protect).unwrap();
    desk.deals();
    desk.plays(100, 120, 80, 100);
    assert_eq!(desk.deals(), [(Sell, 90, 3)]);
    assert_eq!(desk.state(&protect), (VenueOrderState::Filled, 3));
    // The target triggered too, and found nothing to close.
    assert_eq!(desk.state(&take), (VenueOrderState::Expired, 0));
    assert_eq!(desk.position(), 0);
}

#[test]
fn slippage_makes_takers_worse_and_leaves_makers_alone() {
    // 1 %: a market buy at 1000 fills at 1010; the stop at 951 sells at 941.49, rounded down to 941;
    // the resting sell fills at its own price.
    let slippery = Rules { slippage: Ratio::percent(1), ..rules() };
    let mut desk = Desk::with(vec![listing(Feed::Bars)], slippery, 1_000_000);
    desk.opens(1000);
    desk.send(Buy, 2, MARKET);
    desk.send(Sell, 1, stop(951));
    desk.send(Sell, 1, limit(1050, Gtc));
    desk.plays(1000, 1060, 950, 1000);
    assert_eq!(desk.deals(), [(Buy, 1010, 2), (Sell, 941, 1), (Sell, 1050, 1)]);
}

#[test]
fn slippage_never_takes_a_limit_order_beyond_its_price() {
    let slippery = Rules { slippage: Ratio::percent(1), ..rules() };
    let mut desk = Desk::with(vec![listing(Feed::Bars)], slippery, 1_000_000);
    desk.opens(1000);
    // The open crosses 1005, but 1010 would be paid: it rests, and fills when the bar trades below.
    desk.send(Buy, 1, limit(1005, Gtc));
    desk.send(Buy, 1, limit(1005, Ioc));
    assert_eq!(desk.removals(), [Removal::Expired]);
    desk.plays(1000, 1000, 999, 1000);
    assert_eq!(desk.deals(), [(Buy, 1005, 1)]);
}

#[test]
fn takers_pay_more_than_makers_and_fees_round_up() {
    let fees = sapphire_engine::instrument::Instrument {
        maker_fee: Ratio(-10_000), // -0.0001
        taker_fee: Ratio(40_000),  // 0.0004
        // A tick of a lot is worth 0.00000001, so that fees have something to round.
        tick: 1,
        ..instrument("BTCUSDT")
    };
    let mut desk =
        Desk::with(vec![Listing { instrument: fees, feed: Feed::Bars }], rules(), 1_000_000);
    desk.opens(10_001);
    desk.send(Buy, 1, MARKET);
    // 10001 × 0.0004 = 4.0004, rounded up to 5.
    assert_eq!(desk.wallet() - Amount::whole(1_000_000), Amount(-5));
    desk.send(Buy, 1, limit(9_999, Gtc));
    desk.plays(10_001, 10_001, 9_000, 9_999);
    // The rebate of 0.9999 is rounded down to nothing.
    assert_eq!(desk.wallet() - Amount::whole(1_000_000), Amount(-5));
    assert_eq!(desk.position(), 2);
    assert_eq!(desk.exchange.fees_collected(), Amount(5));
}

#[test]
fn a_market_order_whose_margin_is_gone_at_the_open_expires() {
    // 1000 of money at 10 %: 100 × 90 = 9000 needs 900, at the open of 120 it needs 1200.
    let mut desk = Desk::with(vec![listing(Feed::Bars)], rules(), 1000);
    desk.bar(90, 90, 90, 90);
    let order = desk.send(Buy, 100, MARKET);
    desk.opens(120);
    assert_eq!(desk.removals(), [Removal::Expired]);
    assert_eq!(desk.state(&order), (VenueOrderState::Expired, 0));
    assert_eq!(desk.position(), 0);
}

#[test]
fn symbols_do_not_disturb_each_other() {
    let other = Listing { instrument: instrument("ETHUSDT"), feed: Feed::Bars };
    let mut desk = Desk::with(vec![listing(Feed::Bars), other], rules(), 1_000_000);
    let mut order = desk.order(Buy, 1, MARKET);
    order.symbol = ETH;
    desk.place(order).unwrap();
    desk.opens(100);
    assert_eq!(desk.deals(), []);
    desk.opens_on(ETH, 50);
    assert_eq!(desk.deals(), [(Buy, 50, 1)]);
    assert_eq!(desk.position(), 0);
    assert_eq!(desk.exchange.mark(BTC).map(|p| p.0), Some(100));
    assert_eq!(desk.exchange.holding(desk.account, ETH).unwrap().position.quantity, QtyLots(1));
}

#[test]
fn a_broken_feed_ends_the_bar() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.feed(&sapphire_engine::market::MarketEvent::Broken);
    let order = desk.send(Buy, 1, MARKET);
    assert_eq!(desk.state(&order), (VenueOrderState::Open, 0));
}
