//! What an order must satisfy, and the orders that only reduce.

use rstest::rstest;
use sapphire_engine::ids::{ClientOrderId, OrderId, RunId};
use sapphire_engine::instrument::{Instrument, QtyLots};
use sapphire_engine::money::Amount;
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{Removal, VenueCode, VenueOrderState};
use sapphire_matching::{AccountId, ClientId, Feed, Listing, NewOrder, Rules, code};

use crate::desk::{Desk, MARKET, instrument, limit, rules, stop, target};

use Side::{Buy, Sell};
use TimeInForce::{Gtc, PostOnly};

/// Filters: at least 2 and at most 50 lots, at least 150 of value; the bar is open at 100.
fn filtered() -> Desk {
    let instrument = Instrument {
        min_quantity: QtyLots(2),
        max_quantity: QtyLots(50),
        min_notional: Amount::whole(150),
        ..instrument("BTCUSDT")
    };
    let listing = Listing { instrument, feed: Feed::Bars };
    let mut desk = Desk::with(vec![listing], rules(), 1_000_000);
    desk.opens(100);
    desk
}

#[rstest]
#[case::enough(Buy, 2, MARKET, None)]
#[case::the_most(Buy, 50, MARKET, None)]
#[case::no_quantity(Buy, 0, MARKET, Some(VenueCode::BAD_QUANTITY))]
#[case::a_negative_quantity(Buy, -2, MARKET, Some(VenueCode::BAD_QUANTITY))]
#[case::too_few(Buy, 1, MARKET, Some(VenueCode::BAD_QUANTITY))]
#[case::too_many(Buy, 51, MARKET, Some(VenueCode::BAD_QUANTITY))]
#[case::no_price(Buy, 2, limit(0, Gtc), Some(VenueCode::BAD_PRICE))]
#[case::a_negative_trigger(Sell, 2, stop(-5), Some(VenueCode::BAD_PRICE))]
#[case::too_little_value_at_the_limit(Buy, 2, limit(74, Gtc), Some(VenueCode::MIN_NOTIONAL))]
#[case::just_enough_value(Buy, 2, limit(75, Gtc), None)]
#[case::too_little_value_at_the_trigger(Sell, 2, stop(70), Some(VenueCode::MIN_NOTIONAL))]
#[case::a_buy_stop_below_the_price(Buy, 2, stop(100), Some(VenueCode::WOULD_TRIGGER_IMMEDIATELY))]
#[case::a_buy_stop_above_the_price(Buy, 2, stop(101), None)]
#[case::a_sell_stop_above_the_price(Sell, 2, stop(100), Some(VenueCode::WOULD_TRIGGER_IMMEDIATELY))]
#[case::a_sell_stop_below_the_price(Sell, 2, stop(99), None)]
#[case::a_buy_target_above_the_price(
    Buy,
    2,
    target(100),
    Some(VenueCode::WOULD_TRIGGER_IMMEDIATELY)
)]
#[case::a_buy_target_below_the_price(Buy, 2, target(99), None)]
#[case::a_sell_target_below_the_price(
    Sell,
    2,
    target(100),
    Some(VenueCode::WOULD_TRIGGER_IMMEDIATELY)
)]
#[case::a_sell_target_above_the_price(Sell, 2, target(101), None)]
#[case::post_only_at_the_price(Sell, 2, limit(100, PostOnly), Some(VenueCode::POST_ONLY_REJECTED))]
#[case::post_only_away_from_it(Sell, 2, limit(101, PostOnly), None)]
fn an_order_is_taken_in_or_refused(
    #[case] side: Side,
    #[case] quantity: i64,
    #[case] kind: OrderType,
    #[case] refusal: Option<VenueCode>,
) {
    let mut desk = filtered();
    let order = desk.order(side, quantity, kind);
    assert_eq!(desk.place(order).err(), refusal);
}

#[test]
fn what_only_reduces_may_be_small() {
    let mut desk = filtered();
    desk.send(Buy, 2, MARKET);
    let dust = desk.reducing(Sell, 1, MARKET);
    desk.place(dust).unwrap();
    let rest = desk.closing(Sell, 1, stop(50));
    desk.place(rest).unwrap();
    assert_eq!(desk.position(), 1);
}

#[test]
fn an_unknown_symbol_or_account_is_refused() {
    let mut desk = filtered();
    let mut order = desk.order(Buy, 2, MARKET);
    order.symbol = crate::desk::ETH;
    assert_eq!(desk.place(order), Err(VenueCode::INVALID_SYMBOL));
    let order = desk.order(Buy, 2, MARKET);
    desk.account = AccountId(9);
    assert_eq!(desk.place(order), Err(VenueCode::INVALID_SYMBOL));
}

#[rstest]
#[case(9, Some(VenueCode::EXPIRED_REQUEST))]
#[case(10, None)]
fn a_request_past_its_expiry_is_refused(#[case] expires: i64, #[case] refusal: Option<VenueCode>) {
    let mut desk = filtered();
    desk.now = 10;
    let order = desk.order(Buy, 2, MARKET);
    let order = NewOrder { expires: Some(Timestamp(expires)), ..order };
    assert_eq!(desk.place(order).err(), refusal);
}

#[test]
fn a_client_id_is_unique_among_open_orders_only() {
    let mut desk = filtered();
    let order = desk.send(Buy, 2, limit(90, Gtc));
    assert_eq!(desk.place(order), Err(VenueCode::DUPLICATE_CLIENT_ID));
    desk.cancel(&order).unwrap();
    desk.place(order).unwrap();
    // Another account may use it too.
    desk.account = desk.exchange.open_account(Amount::whole(1000));
    desk.place(order).unwrap();
}

#[test]
fn a_market_order_that_is_sent_twice_fills_twice() {
    // The trap of an exchange that forgets: its id is free as soon as it is filled.
    let mut desk = filtered();
    let order = desk.send(Buy, 2, MARKET);
    desk.place(order).unwrap();
    assert_eq!(desk.position(), 4);
}

#[test]
fn a_cancel_needs_an_open_order_of_that_account() {
    let mut desk = filtered();
    let order = desk.send(Buy, 2, limit(90, Gtc));
    let owner = desk.account;
    desk.account = desk.exchange.open_account(Amount::whole(1000));
    assert_eq!(desk.cancel(&order), Err(VenueCode::CANCEL_REJECTED));
    desk.account = owner;
    desk.cancel(&order).unwrap();
    assert_eq!(desk.removals(), [Removal::Canceled]);
    assert_eq!(desk.state(&order), (VenueOrderState::Canceled, 0));
    assert_eq!(desk.cancel(&order), Err(VenueCode::CANCEL_REJECTED));
}

#[test]
fn a_closed_order_is_forgotten_after_seven_days() {
    let mut desk = filtered();
    let order = desk.send(Buy, 2, MARKET);
    desk.advance(Span::hours(7 * 24 + 1).0);
    assert_eq!(desk.state(&order), (VenueOrderState::Filled, 2));
    desk.send(Buy, 2, MARKET);
    assert_eq!(desk.exchange.order_status(desk.account, order.client), None);
}

#[rstest]
#[case::flat(0, Sell)]
#[case::the_same_way(3, Buy)]
#[case::the_same_way_short(-3, Sell)]
fn a_reduce_only_order_that_would_not_reduce_is_refused(#[case] held: i64, #[case] side: Side) {
    for kind in [MARKET, limit(100, Gtc), if side == Sell { stop(90) } else { stop(110) }] {
        let mut desk = Desk::on_bars();
        desk.opens(100);
        if held != 0 {
            desk.send(if held > 0 { Buy } else { Sell }, held.abs(), MARKET);
        }
        let order = desk.reducing(side, 1, kind);
        assert_eq!(desk.place(order), Err(VenueCode::REDUCE_ONLY_REJECTED));
    }
}

#[test]
fn a_reduce_only_order_stops_at_flat() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 3, MARKET);
    let exit = desk.reducing(Sell, 10, MARKET);
    desk.place(exit).unwrap();
    assert_eq!(desk.deals(), [(Buy, 100, 3), (Sell, 100, 3)]);
    assert_eq!(desk.state(&exit), (VenueOrderState::Expired, 3));
}

/// Two resting reduce-only sells (4, then 3) of a long of 10; what stays of them when the position
/// shrinks.
#[rstest]
#[case::enough_is_left(3, 4, 3)]
#[case::the_newest_is_cut(5, 4, 1)]
#[case::the_newest_goes(6, 4, 0)]
#[case::both_are_cut(8, 2, 0)]
#[case::both_go(10, 0, 0)]
#[case::both_go_when_it_turns(12, 0, 0)]
fn resting_reduce_only_orders_follow_the_position(
    #[case] sold: i64,
    #[case] first: i64,
    #[case] second: i64,
) {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 10, MARKET);
    let older = desk.reducing(Sell, 4, limit(110, Gtc));
    desk.place(older).unwrap();
    let newer = desk.reducing(Sell, 3, limit(105, Gtc));
    desk.place(newer).unwrap();
    desk.send(Sell, sold, MARKET);
    desk.plays(100, 120, 100, 100);
    let ended = |quantity: i64, of: i64| {
        let whole = quantity == of;
        (if whole { VenueOrderState::Filled } else { VenueOrderState::Canceled }, quantity)
    };
    assert_eq!(desk.state(&older), ended(first, 4));
    assert_eq!(desk.state(&newer), ended(second, 3));
    assert_eq!(desk.position(), (10 - sold - first - second).min(10 - sold));
}

#[test]
fn a_resting_reduce_only_order_needs_a_part_that_others_leave() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 10, MARKET);
    let first = desk.reducing(Sell, 8, limit(110, Gtc));
    desk.place(first).unwrap();
    // Of 5 only 2 are left.
    let second = desk.reducing(Sell, 5, limit(111, Gtc));
    desk.place(second).unwrap();
    let third = desk.reducing(Sell, 1, limit(112, Gtc));
    assert_eq!(desk.place(third), Err(VenueCode::REDUCE_ONLY_REJECTED));
    // What trades at once is not held up by what rests.
    let exit = desk.reducing(Sell, 10, MARKET);
    desk.place(exit).unwrap();
    assert_eq!(desk.position(), 0);
    assert_eq!(desk.state(&first), (VenueOrderState::Canceled, 0));
    assert_eq!(desk.state(&second), (VenueOrderState::Canceled, 0));
}

#[test]
fn a_close_position_order_closes_what_is_there_when_it_triggers() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 3, MARKET);
    let guard = desk.closing(Sell, 3, stop(90));
    desk.place(guard).unwrap();
    desk.send(Buy, 4, MARKET);
    desk.deals();
    desk.plays(100, 100, 85, 88);
    assert_eq!(desk.deals(), [(Sell, 90, 7)]);
    assert_eq!(desk.state(&guard), (VenueOrderState::Filled, 7));
}

#[test]
fn a_close_position_order_that_closes_less_than_it_said_is_told_to_be_over() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 3, MARKET);
    let guard = desk.closing(Sell, 3, stop(90));
    desk.place(guard).unwrap();
    desk.send(Sell, 2, MARKET);
    desk.deals();
    desk.plays(100, 100, 85, 88);
    assert_eq!(desk.removals(), [Removal::Expired]);
    assert_eq!(desk.deals(), [(Sell, 90, 1)]);
    assert_eq!(desk.state(&guard), (VenueOrderState::Expired, 1));
}

#[test]
fn stops_outlive_the_position_and_then_find_nothing() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 3, MARKET);
    let guard = desk.closing(Sell, 3, stop(90));
    desk.place(guard).unwrap();
    let bridge = desk.reducing(Sell, 3, stop(91));
    desk.place(bridge).unwrap();
    desk.send(Sell, 3, MARKET);
    assert_eq!(desk.state(&guard), (VenueOrderState::Open, 0));
    desk.plays(100, 100, 85, 88);
    assert_eq!(desk.state(&guard), (VenueOrderState::Expired, 0));
    assert_eq!(desk.state(&bridge), (VenueOrderState::Expired, 0));
    assert_eq!(desk.position(), 0);
}

#[test]
fn one_close_position_order_of_a_kind_may_stand_on_a_side() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 3, MARKET);
    let first = desk.closing(Sell, 3, stop(90));
    desk.place(first).unwrap();
    let second = desk.closing(Sell, 3, stop(91));
    assert_eq!(desk.place(second), Err(VenueCode::CLOSE_POSITION_EXISTS));
    // A target, the other side and a reduce-only stop stand beside it.
    let take = desk.closing(Sell, 3, target(110));
    desk.place(take).unwrap();
    let other_side = desk.closing(Buy, 3, stop(110));
    desk.place(other_side).unwrap();
    let bridge = desk.reducing(Sell, 3, stop(91));
    desk.place(bridge).unwrap();
    // Where the first is cancelled the next may stand.
    desk.cancel(&first).unwrap();
    desk.place(second).unwrap();
}

#[test]
fn several_may_stand_where_the_rules_say_so() {
    let several = Rules { single_close_position: false, ..rules() };
    let mut desk = Desk::with(vec![crate::desk::listing(Feed::Bars)], several, 1_000_000);
    desk.opens(100);
    desk.send(Buy, 3, MARKET);
    for trigger in [90, 91] {
        let order = desk.closing(Sell, 3, stop(trigger));
        desk.place(order).unwrap();
    }
}

#[test]
fn only_conditional_orders_close_positions() {
    let mut desk = Desk::on_bars();
    desk.opens(100);
    desk.send(Buy, 3, MARKET);
    let order = desk.closing(Sell, 3, MARKET);
    assert_eq!(desk.place(order), Err(code::CLOSE_POSITION_KIND));
}

#[test]
fn a_client_id_holds_what_the_exchange_allows() {
    let longest = "a".repeat(36);
    assert_eq!(ClientId::new(&longest).unwrap().as_str(), longest);
    assert_eq!(ClientId::new("A-z_0.9:/").unwrap().as_str(), "A-z_0.9:/");
    for bad in ["", "a b", "ü", "a".repeat(37).as_str()] {
        assert!(ClientId::new(bad).is_err(), "{bad}");
    }
    let order = OrderId(u64::MAX);
    let ours = ClientOrderId { run: RunId(u64::MAX), order, attempt: u8::MAX };
    assert_eq!(ClientId::from(ours).as_str(), ours.to_string());
}
