use proptest::prelude::*;

use super::*;
use crate::ids::TradeId;
use crate::instrument::Symbol;
use crate::money::Ratio;
use crate::order::Side;
use crate::time::Timestamp;

fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        tick: 10_000_000,
        lot: 100_000,
        min_quantity: QtyLots(1),
        max_quantity: QtyLots(1_000_000),
        min_notional: Amount::ZERO,
        maker_fee: Ratio(20_000),
        taker_fee: Ratio(40_000),
        initial_margin: Ratio::percent(10),
        maintenance_margin: Ratio::percent(1),
        liquidation_fee: Ratio::ZERO,
    }
}

fn fill(trade: u64, side: Side, price: i64, quantity: i64) -> Fill {
    let (price, quantity) = (PriceTicks(price), QtyLots(quantity));
    let fee = instrument().notional(price, quantity).times_ceil(Ratio(40_000));
    let at = Timestamp(i64::try_from(trade).unwrap());
    Fill {
        symbol: SymbolId(0),
        trade: TradeId(trade),
        order: None,
        side,
        price,
        quantity,
        fee,
        maker: false,
        at,
    }
}

#[test]
fn a_round_trip_realises_the_difference_and_pays_fees() {
    let mut portfolio = Portfolio::new(Amount::whole(1000), 1);
    // Buy 0.010 at 100.0, sell it at 110.0: gain 0.1, fees 0.0004 and 0.00044.
    portfolio.apply(&instrument(), &fill(1, Side::Buy, 1000, 10)).unwrap();
    let applied = portfolio.apply(&instrument(), &fill(2, Side::Sell, 1100, 10)).unwrap();
    assert_eq!(applied.realized.to_string(), "0.10");
    assert_eq!(portfolio.fees().to_string(), "0.00084");
    assert_eq!(applied.closed.unwrap().net.to_string(), "0.09916");
    assert_eq!(portfolio.equity().to_string(), "1000.09916");
    assert!(portfolio.is_flat());
}

#[test]
fn one_fill_may_close_a_short_and_open_a_long() {
    let mut portfolio = Portfolio::new(Amount::whole(1000), 1);
    portfolio.apply(&instrument(), &fill(1, Side::Sell, 1000, 10)).unwrap();
    let applied = portfolio.apply(&instrument(), &fill(2, Side::Buy, 900, 15)).unwrap();
    assert_eq!(applied.realized.to_string(), "0.10");
    assert_eq!(applied.closed.unwrap().side, Side::Sell);
    let position = portfolio.position(SymbolId(0));
    assert_eq!(position.quantity(), QtyLots(5));
    assert_eq!(position.cost().to_string(), "0.45");
}

#[test]
fn a_fill_told_twice_counts_once() {
    let mut portfolio = Portfolio::new(Amount::whole(1000), 1);
    assert!(portfolio.apply(&instrument(), &fill(1, Side::Buy, 1000, 10)).is_some());
    assert!(portfolio.apply(&instrument(), &fill(1, Side::Buy, 1000, 10)).is_none());
    assert_eq!(portfolio.position(SymbolId(0)).quantity(), QtyLots(10));
}

fn any_fills() -> impl Strategy<Value = Vec<Fill>> {
    let one = (any::<bool>(), 1_i64..2_000_000, 1_i64..100_000);
    prop::collection::vec(one, 1..40).prop_map(|fills| {
        let numbered = |(i, (buy, price, quantity)): (usize, (bool, i64, i64))| {
            fill(i as u64 + 1, if buy { Side::Buy } else { Side::Sell }, price, quantity)
        };
        fills.into_iter().enumerate().map(numbered).collect()
    })
}

fn after(fills: &[Fill], mark: i64) -> Portfolio {
    let mut portfolio = Portfolio::new(Amount::whole(1_000_000), 1);
    for fill in fills {
        portfolio.apply(&instrument(), fill);
    }
    portfolio.mark(SymbolId(0), &instrument(), PriceTicks(mark));
    portfolio
}

proptest! {
    #[test]
    fn money_is_conserved(fills in any_fills(), mark in 1_i64..2_000_000, funding in -10_000_000_i128..10_000_000) {
        let mut portfolio = after(&fills, mark);
        portfolio.fund(SymbolId(0), Amount(funding));
        // Whatever was realised, the parts add up to the last unit.
        let parts = portfolio.initial() + portfolio.realized() + portfolio.unrealized()
            - portfolio.fees() + portfolio.funding();
        prop_assert_eq!(parts, portfolio.equity());
        // And what each position says that it realised is what the account says.
        prop_assert_eq!(portfolio.position(SymbolId(0)).realized(), portfolio.realized());
    }

    #[test]
    fn position_cash_and_equity_do_not_depend_on_the_order_of_fills(
        (fills, shuffled) in any_fills().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle())),
        mark in 1_i64..2_000_000,
    ) {
        let (a, b) = (after(&fills, mark), after(&shuffled, mark));
        prop_assert_eq!(a.position(SymbolId(0)).quantity(), b.position(SymbolId(0)).quantity());
        prop_assert_eq!(a.cash(), b.cash());
        prop_assert_eq!(a.equity(), b.equity());
    }

    #[test]
    fn closed_trades_and_the_open_one_add_up(fills in any_fills()) {
        let mut portfolio = Portfolio::new(Amount::whole(1_000_000), 1);
        let closed: Amount = fills.iter()
            .filter_map(|f| portfolio.apply(&instrument(), f)?.closed)
            .map(|trade| trade.net)
            .sum();
        let open = portfolio.position(SymbolId(0)).open_trade;
        prop_assert_eq!(closed + open, portfolio.realized() - portfolio.fees());
    }
}
