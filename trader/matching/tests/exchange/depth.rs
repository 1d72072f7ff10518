//! Orders on a book with trades. Unless a test says otherwise the book is
//! bids 99 × 5, 98 × 10; asks 101 × 5, 102 × 10.

use rstest::rstest;
use sapphire_engine::market::MarketEvent;
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::venue::{Removal, VenueCode, VenueOrderState};
use sapphire_matching::{Feed, Rules, TriggerBy};

use crate::desk::{BTC, Deal, Desk, MARKET, limit, listing, rules, stop, target};

use Side::{Buy, Sell};
use TimeInForce::{Fok, Gtc, Ioc, PostOnly};

fn desk() -> Desk {
    let mut desk = Desk::on_depth();
    desk.book(&[(99, 5), (98, 10)], &[(101, 5), (102, 10)]);
    desk
}

/// What an order takes at once, and where it stands then.
#[rstest]
#[case::a_market_order_walks_the_book(Buy, 8, MARKET, &[(Buy, 101, 5), (Buy, 102, 3)], VenueOrderState::Filled)]
#[case::a_market_sell_walks_down(Sell, 6, MARKET, &[(Sell, 99, 5), (Sell, 98, 1)], VenueOrderState::Filled)]
#[case::what_finds_no_liquidity_expires(Buy, 20, MARKET, &[(Buy, 101, 5), (Buy, 102, 10)], VenueOrderState::Expired)]
#[case::an_ioc_takes_up_to_its_limit(Buy, 8, limit(101, Ioc), &[(Buy, 101, 5)], VenueOrderState::Expired)]
#[case::a_fok_that_finds_enough(Buy, 8, limit(102, Fok), &[(Buy, 101, 5), (Buy, 102, 3)], VenueOrderState::Filled)]
#[case::a_fok_that_finds_too_little(Buy, 8, limit(101, Fok), &[], VenueOrderState::Expired)]
#[case::a_crossing_gtc_takes_and_rests(Buy, 8, limit(101, Gtc), &[(Buy, 101, 5)], VenueOrderState::Open)]
#[case::a_passive_gtc_rests(Buy, 8, limit(100, Gtc), &[], VenueOrderState::Open)]
#[case::a_passive_ioc_expires(Buy, 8, limit(100, Ioc), &[], VenueOrderState::Expired)]
#[case::a_passive_post_only_rests(Sell, 8, limit(100, PostOnly), &[], VenueOrderState::Open)]
fn an_order_takes(
    #[case] side: Side,
    #[case] quantity: i64,
    #[case] kind: OrderType,
    #[case] deals: &[Deal],
    #[case] state: VenueOrderState,
) {
    let mut desk = desk();
    let order = desk.send(side, quantity, kind);
    assert_eq!(desk.state(&order), (state, deals.iter().map(|deal| deal.2).sum()));
    assert_eq!(desk.deals(), deals);
}

#[rstest]
#[case(Buy, 101)]
#[case(Sell, 99)]
fn a_post_only_order_that_would_take_is_refused(#[case] side: Side, #[case] price: i64) {
    let mut desk = desk();
    let order = desk.order(side, 1, limit(price, PostOnly));
    assert_eq!(desk.place(order), Err(VenueCode::POST_ONLY_REJECTED));
}

#[test]
fn nobody_takes_the_same_liquidity_twice() {
    let mut desk = desk();
    desk.send(Buy, 4, MARKET);
    desk.send(Buy, 4, MARKET);
    assert_eq!(desk.deals(), [(Buy, 101, 4), (Buy, 101, 1), (Buy, 102, 3)]);
    // Another level's news says nothing of 101 and 102.
    desk.depth(&[(99, 6)], &[(103, 4)]);
    desk.send(Buy, 8, MARKET);
    assert_eq!(desk.deals(), [(Buy, 102, 7), (Buy, 103, 1)]);
    // The feed tells of 101 anew: what is there now can be had.
    desk.depth(&[], &[(101, 2)]);
    desk.send(Buy, 2, MARKET);
    assert_eq!(desk.deals(), [(Buy, 101, 2)]);
}

#[test]
fn liquidity_is_taken_from_all_accounts_at_once() {
    let mut desk = desk();
    let first = desk.account;
    let second = desk.exchange.open_account(sapphire_engine::money::Amount::whole(1_000_000));
    desk.send(Buy, 5, MARKET);
    desk.account = second;
    desk.send(Buy, 1, MARKET);
    assert_eq!(desk.deals(), [(Buy, 101, 5), (Buy, 102, 1)]);
    assert_eq!(desk.position(), 1);
    desk.account = first;
    assert_eq!(desk.position(), 5);
}

#[test]
fn a_quote_newer_than_the_depth_holds() {
    let mut desk = desk();
    let depth = desk.last_update();
    // The ask 101 is gone and 100 × 3 has come; of 102 nothing is known but the depth.
    desk.quote_as(depth + 5, (99, 5), (100, 3));
    desk.send(Buy, 9, MARKET);
    assert_eq!(desk.deals(), [(Buy, 100, 3), (Buy, 101, 5), (Buy, 102, 1)]);
    // The ask has moved up beyond 101: the depth's 101 is stale.
    desk.quote_as(depth + 6, (99, 5), (102, 10));
    desk.send(Buy, 1, MARKET);
    assert_eq!(desk.deals(), [(Buy, 102, 1)]);
}

#[test]
fn depth_that_catches_up_drops_the_quote() {
    let mut desk = desk();
    let depth = desk.last_update();
    desk.quote_as(depth + 5, (99, 5), (100, 3));
    desk.depth_as(depth, depth + 4, &[], &[(103, 1)]);
    assert_eq!(desk.exchange.mark(BTC).map(|p| p.0), Some(99), "the quote still holds");
    desk.depth_as(depth + 4, depth + 5, &[], &[(100, 2)]);
    desk.send(Buy, 3, MARKET);
    assert_eq!(desk.deals(), [(Buy, 100, 2), (Buy, 101, 1)]);
}

#[test]
fn an_old_quote_says_nothing() {
    let mut desk = desk();
    let depth = desk.last_update();
    desk.quote_as(depth, (90, 1), (91, 1));
    desk.send(Buy, 1, MARKET);
    assert_eq!(desk.deals(), [(Buy, 101, 1)]);
}

#[test]
fn a_quote_that_repeats_a_side_gives_no_liquidity_back() {
    let mut desk = desk();
    let depth = desk.last_update();
    desk.quote_as(depth + 1, (99, 5), (101, 5));
    desk.send(Buy, 5, MARKET);
    // Only the bid changed.
    desk.quote_as(depth + 2, (99, 7), (101, 5));
    desk.send(Buy, 1, MARKET);
    assert_eq!(desk.deals(), [(Buy, 101, 5), (Buy, 102, 1)]);
    // The ask changed: it is told anew.
    desk.quote_as(depth + 3, (99, 7), (101, 4));
    desk.send(Buy, 1, MARKET);
    assert_eq!(desk.deals(), [(Buy, 101, 1)]);
}

#[test]
fn depth_from_before_a_trade_does_not_undo_it() {
    let mut desk = desk();
    let depth = desk.last_update();
    desk.quote_as(depth + 5, (99, 5), (101, 5));
    desk.send(Buy, 5, MARKET);
    // This update is older than the quote that we traded on.
    desk.depth_as(depth, depth + 3, &[], &[(101, 4)]);
    desk.send(Buy, 1, MARKET);
    assert_eq!(desk.deals(), [(Buy, 101, 5), (Buy, 102, 1)]);
}

#[test]
fn a_resting_order_waits_behind_what_is_shown() {
    let mut desk = desk();
    desk.send(Buy, 3, limit(99, Gtc));
    // 5 are before it: 4 trade, then 1 and 2 of ours, then the last.
    desk.prints(Sell, 99, 4);
    assert_eq!(desk.deals(), []);
    desk.prints(Sell, 99, 3);
    assert_eq!(desk.deals(), [(Buy, 99, 2)]);
    desk.prints(Sell, 99, 3);
    assert_eq!(desk.deals(), [(Buy, 99, 1)]);
}

#[test]
fn buyers_at_the_bid_do_not_move_its_queue() {
    let mut desk = desk();
    desk.send(Buy, 3, limit(99, Gtc));
    desk.prints(Buy, 99, 50);
    assert_eq!(desk.deals(), []);
}

#[test]
fn a_queue_advances_only_when_its_level_is_smaller_than_what_was_before() {
    let mut desk = desk();
    desk.send(Buy, 3, limit(99, Gtc));
    // More joined behind, and left again: still 5 before us.
    desk.depth(&[(99, 9)], &[]);
    desk.depth(&[(99, 6)], &[]);
    desk.prints(Sell, 99, 5);
    assert_eq!(desk.deals(), []);
    // After that trade we are first.
    desk.prints(Sell, 99, 1);
    assert_eq!(desk.deals(), [(Buy, 99, 1)]);
    // A second order joins behind 6; the level shrinks to 2: 2 are before it.
    desk.send(Buy, 4, limit(98, Gtc));
    desk.depth(&[(98, 2)], &[]);
    desk.depth(&[], &[]);
    // 5 traded at 98: 2 of them met the order at 99, 2 those before us, 1 us.
    desk.prints(Sell, 98, 5);
    assert_eq!(desk.deals(), [(Buy, 99, 2), (Buy, 98, 1)]);
}

#[test]
fn a_quote_moves_the_queue_too() {
    let mut desk = desk();
    let depth = desk.last_update();
    desk.send(Buy, 3, limit(99, Gtc));
    desk.quote_as(depth + 1, (99, 1), (101, 5));
    // 4 of the 5 before it are gone: the trade that took them is printed only now.
    desk.prints(Sell, 99, 4);
    assert_eq!(desk.deals(), []);
    desk.prints(Sell, 99, 2);
    assert_eq!(desk.deals(), [(Buy, 99, 1)]);
}

#[test]
fn a_queue_that_was_joined_by_a_quote_is_not_moved_by_older_depth() {
    let mut desk = desk();
    let depth = desk.last_update();
    desk.quote_as(depth + 5, (99, 8), (101, 5));
    desk.send(Buy, 3, limit(99, Gtc));
    // The best bid moves away, so the depth is what is known of 99: 5, older than the 8 we joined.
    desk.quote_as(depth + 6, (100, 1), (101, 5));
    desk.prints(Sell, 99, 7);
    // The trade through 100 is not ours; 7 of the 8 before us are gone.
    assert_eq!(desk.deals(), []);
    desk.prints(Sell, 99, 2);
    assert_eq!(desk.deals(), [(Buy, 99, 1)]);
}

#[test]
fn an_order_that_betters_the_best_price_is_first() {
    let mut desk = desk();
    desk.send(Buy, 3, limit(100, Gtc));
    desk.depth(&[(100, 20)], &[]);
    desk.prints(Sell, 100, 2);
    assert_eq!(desk.deals(), [(Buy, 100, 2)]);
}

#[test]
fn a_trade_beyond_a_price_fills_what_it_would_have_met_first() {
    let mut desk = desk();
    let far = desk.send(Buy, 3, limit(98, Gtc));
    let near = desk.send(Buy, 3, limit(99, Gtc));
    // 5 traded at 97: 3 of them met the order at 99, 2 the one at 98.
    desk.prints(Sell, 97, 5);
    assert_eq!(desk.deals(), [(Buy, 99, 3), (Buy, 98, 2)]);
    assert_eq!(desk.state(&near), (VenueOrderState::Filled, 3));
    assert_eq!(desk.state(&far), (VenueOrderState::Open, 2));
}

#[test]
fn own_orders_at_one_price_fill_by_age() {
    let mut desk = desk();
    let first = desk.send(Sell, 2, limit(101, Gtc));
    let second = desk.send(Sell, 2, limit(101, Gtc));
    // 5 before both: of 8, 3 reach us: 2 for the first, 1 for the second.
    desk.prints(Buy, 101, 8);
    assert_eq!(desk.state(&first), (VenueOrderState::Filled, 2));
    assert_eq!(desk.state(&second), (VenueOrderState::Open, 1));
    desk.prints(Buy, 101, 1);
    assert_eq!(desk.state(&second), (VenueOrderState::Filled, 2));
}

#[test]
fn a_book_that_crosses_a_resting_order_fills_it_as_maker_at_its_price() {
    let mut desk = desk();
    let bid = desk.send(Buy, 5, limit(99, Gtc));
    // Asks come down to 98 × 2 and 99 × 1: 3 would have hit us.
    desk.depth(&[(99, 0), (98, 0)], &[(98, 2), (99, 1)]);
    assert!(desk.told.iter().any(|event| matches!(
        event,
        sapphire_matching::Event::Fill(fill) if fill.maker
    )));
    assert_eq!(desk.deals(), [(Buy, 99, 3)]);
    assert_eq!(desk.state(&bid), (VenueOrderState::Open, 3));
    // The same asks do not fill it again until they are told anew.
    desk.depth(&[(90, 1)], &[]);
    assert_eq!(desk.deals(), []);
    desk.depth(&[], &[(98, 1)]);
    assert_eq!(desk.deals(), [(Buy, 99, 1)]);
}

#[test]
fn stops_watch_the_last_trade_and_walk_the_book() {
    let mut desk = desk();
    desk.prints(Buy, 100, 1);
    desk.send(Buy, 6, MARKET);
    let guard = desk.closing(Sell, 6, stop(97));
    desk.place(guard).unwrap();
    desk.deals();
    // The mark falls through the trigger, but nobody traded there.
    desk.depth(&[(99, 0), (98, 0), (95, 4), (94, 4)], &[]);
    assert_eq!(desk.deals(), []);
    desk.prints(Sell, 97, 1);
    assert_eq!(desk.deals(), [(Sell, 95, 4), (Sell, 94, 2)]);
    assert_eq!(desk.state(&guard), (VenueOrderState::Filled, 6));
}

#[test]
fn stops_by_the_mark_ignore_trades() {
    let by_mark = Rules { trigger_by: TriggerBy::MarkPrice, ..rules() };
    let mut desk = Desk::with(vec![listing(Feed::Depth)], by_mark, 1_000_000);
    desk.book(&[(99, 5)], &[(101, 5)]);
    desk.send(Buy, 1, stop(105));
    desk.prints(Buy, 110, 1);
    assert_eq!(desk.deals(), []);
    // The mid of 103 and 107 is 105.
    desk.depth(&[(103, 5)], &[(101, 0), (107, 5)]);
    assert_eq!(desk.deals(), [(Buy, 107, 1)]);
}

#[test]
fn a_published_mark_replaces_the_mid() {
    let by_mark = Rules { trigger_by: TriggerBy::MarkPrice, ..rules() };
    let mut desk = Desk::with(vec![listing(Feed::Depth)], by_mark, 1_000_000);
    desk.book(&[(99, 5)], &[(101, 5)]);
    desk.feed(&MarketEvent::Mark(sapphire_engine::instrument::PriceTicks(100)));
    desk.send(Buy, 1, stop(105));
    desk.depth(&[(108, 5)], &[(101, 0), (110, 5)]);
    assert_eq!(desk.deals(), []);
    desk.feed(&MarketEvent::Mark(sapphire_engine::instrument::PriceTicks(106)));
    assert_eq!(desk.deals(), [(Buy, 110, 1)]);
}

#[test]
fn one_trade_triggers_the_stop_before_the_target() {
    let mut desk = desk();
    desk.prints(Buy, 100, 1);
    desk.send(Buy, 2, MARKET);
    // Placed first, and triggered by the same trade (a sell target at 104, a buy stop at 104).
    let take = desk.closing(Sell, 2, target(104));
    desk.place(take).unwrap();
    desk.send(Buy, 3, stop(104));
    desk.deals();
    desk.prints(Buy, 104, 1);
    assert_eq!(desk.deals(), [(Buy, 101, 3), (Sell, 99, 5)]);
}

#[test]
fn a_trade_consumes_the_level_that_it_hit_until_the_book_says_so() {
    let mut desk = desk();
    // 5 were bought at 101: the book does not say so yet, but they are gone.
    desk.prints(Buy, 101, 5);
    desk.send(Buy, 1, MARKET);
    assert_eq!(desk.deals(), [(Buy, 102, 1)]);
}

#[test]
fn without_a_book_orders_wait_and_expire() {
    let mut desk = Desk::on_depth();
    let market = desk.send(Buy, 1, MARKET);
    let resting = desk.send(Buy, 1, limit(98, Gtc));
    desk.advance(100);
    assert_eq!(desk.state(&market), (VenueOrderState::Expired, 0));
    let second = desk.send(Sell, 1, MARKET);
    desk.book(&[(99, 5)], &[(101, 5)]);
    assert_eq!(desk.state(&second), (VenueOrderState::Filled, 1));
    // The limit order joins its queue when there is one.
    desk.prints(Sell, 98, 1);
    assert_eq!(desk.state(&resting), (VenueOrderState::Filled, 1));
}

#[test]
fn a_sequence_gap_takes_the_book_away_and_a_snapshot_brings_it_back() {
    let mut desk = desk();
    desk.prints(Buy, 100, 1);
    desk.send(Buy, 1, MARKET);
    let guard = desk.closing(Sell, 1, stop(97));
    desk.place(guard).unwrap();
    let last = desk.last_update();
    desk.deals();
    desk.depth_as(last + 7, last + 9, &[(99, 1)], &[]);
    // The stop triggers, and cannot trade: it waits, for ever if need be.
    desk.prints(Sell, 96, 1);
    desk.advance(10_000);
    assert_eq!(desk.state(&guard), (VenueOrderState::Open, 0));
    desk.book(&[(95, 5)], &[(97, 5)]);
    assert_eq!(desk.deals(), [(Sell, 95, 1)]);
}

#[test]
fn where_only_the_best_quote_is_known_it_is_all_that_can_be_taken() {
    let mut desk = desk();
    desk.prints(Buy, 100, 1);
    desk.send(Buy, 9, MARKET);
    let guard = desk.closing(Sell, 9, stop(97));
    desk.place(guard).unwrap();
    let last = desk.last_update();
    desk.deals();
    desk.depth_as(last + 7, last + 9, &[], &[]);
    desk.prints(Sell, 96, 1);
    assert_eq!(desk.deals(), []);
    // 4 at 95 are shown, and no more until that changes.
    desk.quote_as(last + 20, (95, 4), (97, 1));
    assert_eq!(desk.deals(), [(Sell, 95, 4)]);
    desk.quote_as(last + 21, (95, 4), (96, 1));
    assert_eq!(desk.deals(), []);
    assert_eq!(desk.state(&guard), (VenueOrderState::Open, 4));
    desk.quote_as(last + 22, (94, 9), (96, 1));
    assert_eq!(desk.deals(), [(Sell, 94, 5)]);
    assert_eq!(desk.state(&guard), (VenueOrderState::Filled, 9));
    // A market order takes what is shown, waits, and expires with its rest; limit orders wait.
    let market = desk.send(Buy, 3, MARKET);
    let crossing = desk.send(Buy, 1, limit(99, Gtc));
    assert_eq!(desk.deals(), [(Buy, 96, 1)]);
    desk.advance(100);
    assert_eq!(desk.state(&market), (VenueOrderState::Expired, 1));
    assert_eq!(desk.state(&crossing), (VenueOrderState::Open, 0));
    desk.book(&[(94, 1)], &[(96, 1)]);
    assert_eq!(desk.state(&crossing), (VenueOrderState::Filled, 1));
}

#[test]
fn a_broken_feed_trades_nothing_until_it_is_back() {
    let mut desk = desk();
    desk.feed(&MarketEvent::Broken);
    let order = desk.send(Buy, 1, limit(105, Ioc));
    assert_eq!(desk.state(&order), (VenueOrderState::Open, 0));
    desk.feed(&MarketEvent::Restored);
    assert_eq!(desk.state(&order), (VenueOrderState::Open, 0));
    desk.book(&[(99, 5)], &[(101, 5)]);
    assert_eq!(desk.deals(), [(Buy, 101, 1)]);
}

#[test]
fn a_liquidation_walks_the_book_and_goes_on_while_the_account_is_ruined() {
    // 100 of money, 10 lots at 101: 1010 of value needs 101 of initial margin: 9 lots do.
    let mut desk = Desk::with(vec![listing(Feed::Depth)], rules(), 100);
    desk.book(&[(99, 5), (98, 10)], &[(101, 9)]);
    let rest = desk.send(Buy, 9, MARKET);
    desk.send(Sell, 1, limit(150, Gtc));
    desk.deals();
    // At a mid of 94 equity is 100 - 9 × 7 = 37, maintenance 9 × 94 × 5 % = 42.3: ruined. 4 find
    // a bid, 5 do not.
    desk.depth(&[(99, 0), (98, 0), (93, 4)], &[(101, 0), (96, 9)]);
    assert_eq!(desk.removals(), [Removal::Canceled]);
    assert_eq!(desk.deals(), [(Sell, 93, 4)]);
    assert_eq!(desk.position(), 5);
    // 4 were sold at a loss of 32: 68 - 5 × 7 = 33 at a mid of 94 is above 5 × 94 × 5 % = 23.5.
    desk.depth(&[(93, 0), (92, 9)], &[]);
    assert_eq!(desk.deals(), []);
    // 68 - 5 × 12 = 8 at a mid of 89 is not.
    desk.depth(&[(92, 0), (88, 9)], &[(96, 0), (90, 1)]);
    assert_eq!(desk.deals(), [(Sell, 88, 5)]);
    assert_eq!(desk.position(), 0);
    assert_eq!(desk.state(&rest), (VenueOrderState::Filled, 9));
}
