//! A one-way position at exact cost.

use sapphire_engine::instrument::{PriceTicks, QtyLots};
use sapphire_engine::money::Amount;
use sapphire_engine::order::Side;

/// What an account holds of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Signed quantity; long is positive.
    pub quantity: QtyLots,
    /// What the quantity cost, signed as it is: `Σ price × quantity`. Not an average price, which
    /// could not be exact.
    pub cost: Amount,
}

impl Position {
    /// Takes a fill in and returns the profit that it realised.
    ///
    /// What a partial close releases of the cost is rounded so that the realised profit is rounded
    /// down; the rest stays in the cost, so nothing is lost: `profit - cost` changes by exactly the
    /// value traded.
    pub(crate) fn apply(
        &mut self,
        side: Side,
        price: PriceTicks,
        quantity: QtyLots,
        tick_value: Amount,
    ) -> Amount {
        let signed = side.signed(quantity);
        let value = |lots: QtyLots| Amount(i128::from(price.0) * i128::from(lots.0) * tick_value.0);
        if self.quantity.signum() * signed.signum() >= 0 {
            self.quantity += signed;
            self.cost += value(signed);
            return Amount::ZERO;
        }
        let held = i128::from(self.quantity.abs().0);
        let closing = signed.abs().min(self.quantity.abs());
        let released = Amount(-(-self.cost.0 * i128::from(closing.0)).div_euclid(held));
        let closed = side.signed(closing);
        let realised = -value(closed) - released;
        self.quantity += closed;
        self.cost -= released;
        let beyond = signed - closed;
        self.quantity += beyond;
        self.cost += value(beyond);
        realised
    }

    /// Its profit if closed at `price`, before fees.
    pub(crate) fn unrealised(&self, price: PriceTicks, tick_value: Amount) -> Amount {
        Amount(i128::from(price.0) * i128::from(self.quantity.0) * tick_value.0) - self.cost
    }

    /// The most that an order of `side` can close.
    pub(crate) fn reducible(&self, side: Side) -> QtyLots {
        if self.quantity.signum() * side.sign() < 0 { self.quantity.abs() } else { QtyLots::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn after(fills: &[(Side, i64, i64)]) -> (Position, Amount) {
        let mut position = Position::default();
        let realised = fills
            .iter()
            .map(|&(side, price, lots)| {
                position.apply(side, PriceTicks(price), QtyLots(lots), Amount(1))
            })
            .sum();
        (position, realised)
    }

    #[rstest]
    // Bought 3 at 10 and 1 at 14: cost 44. Sold 1 at 12: releases 44/4 = 11, earns 1.
    #[case(&[(Side::Buy, 10, 3), (Side::Buy, 14, 1), (Side::Sell, 12, 1)], 3, 33, 1)]
    // Sold 2 at 10, bought 3 at 9: earns 2, holds 1 at 9.
    #[case(&[(Side::Sell, 10, 2), (Side::Buy, 9, 3)], 1, 9, 2)]
    // Cost 10+10+11 = 31 for 3; a third of it is 10 1/3, released as 11: profit 10-11 = -1, cost 20.
    #[case(&[(Side::Buy, 10, 2), (Side::Buy, 11, 1), (Side::Sell, 10, 1)], 2, 20, -1)]
    // The mirror: sold for 31, a third released as -10: profit -10+10 = 0, cost -21.
    #[case(&[(Side::Sell, 10, 2), (Side::Sell, 11, 1), (Side::Buy, 10, 1)], -2, -21, 0)]
    fn fills_move_quantity_cost_and_profit(
        #[case] fills: &[(Side, i64, i64)],
        #[case] quantity: i64,
        #[case] cost: i128,
        #[case] realised: i128,
    ) {
        let (position, profit) = after(fills);
        assert_eq!((position.quantity, position.cost), (QtyLots(quantity), Amount(cost)));
        assert_eq!(profit, Amount(realised));
    }

    proptest! {
        #[test]
        fn profit_less_cost_is_the_money_that_changed_hands(
            fills in prop::collection::vec((any::<bool>(), 1_i64..1000, 1_i64..50), 1..40)
        ) {
            let fills: Vec<_> = fills
                .into_iter()
                .map(|(buy, price, lots)| (if buy { Side::Buy } else { Side::Sell }, price, lots))
                .collect();
            let cash: i64 = fills.iter().map(|&(side, price, lots)| -side.sign() * price * lots).sum();
            let lots: i64 = fills.iter().map(|&(side, _, lots)| side.sign() * lots).sum();
            let (position, profit) = after(&fills);
            prop_assert_eq!(profit - position.cost, Amount(cash.into()));
            prop_assert_eq!(position.quantity, QtyLots(lots));
            prop_assert!(lots != 0 || position.cost == Amount::ZERO);
        }
    }
}
