//! Exposure as the worse side of what may still happen.

use crate::instrument::QtyLots;
use crate::order::{Order, Side};

/// A symbol's working quantities, by side: those that may open, and those that may only reduce.
///
/// Every working order counts as if it may fill and may not: an unknown entry so counts as filled,
/// an unknown exit as unfilled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Working {
    opening_buys: QtyLots,
    opening_sells: QtyLots,
    reducing_buys: QtyLots,
    reducing_sells: QtyLots,
}

impl Working {
    /// Adds an order, if it works.
    pub fn add(&mut self, order: &Order) {
        if order.state.is_working() {
            self.add_quantity(order.request.side, order.remaining(), order.request.only_reduces());
        }
    }

    /// Adds a quantity that may trade.
    pub fn add_quantity(&mut self, side: Side, quantity: QtyLots, reduces: bool) {
        *match (side, reduces) {
            (Side::Buy, false) => &mut self.opening_buys,
            (Side::Sell, false) => &mut self.opening_sells,
            (Side::Buy, true) => &mut self.reducing_buys,
            (Side::Sell, true) => &mut self.reducing_sells,
        } += quantity;
    }

    /// Whether anything may open.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.opening_buys.0 > 0 || self.opening_sells.0 > 0
    }

    /// The signed position of the largest magnitude that `position` can come to: the worse of
    /// position plus all buys and position minus all sells, where what reduces never counts beyond
    /// zero.
    #[must_use]
    pub fn worst(&self, position: QtyLots) -> QtyLots {
        let reduced_up = (position + self.reducing_buys).0.min(position.0.max(0));
        let reduced_down = (position - self.reducing_sells).0.max(position.0.min(0));
        let up = QtyLots(reduced_up) + self.opening_buys;
        let down = QtyLots(reduced_down) - self.opening_sells;
        let worse = |a: QtyLots, b: QtyLots| if b.abs() > a.abs() { b } else { a };
        worse(worse(position, up), down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::flat_with_a_buy(0, &[(Side::Buy, 5, false)], 5)]
    #[case::long_with_a_buy(3, &[(Side::Buy, 5, false)], 8)]
    #[case::both_sides_take_the_worse(3, &[(Side::Buy, 5, false), (Side::Sell, 20, false)], -17)]
    #[case::a_stop_never_counts_beyond_zero(3, &[(Side::Sell, 10, true)], 3)]
    #[case::nor_does_that_of_a_short(-4, &[(Side::Buy, 10, true)], -4)]
    #[case::an_exit_is_not_counted_as_done(-4, &[(Side::Buy, 4, true)], -4)]
    #[case::an_entry_behind_an_exit_counts_from_zero(-4, &[(Side::Buy, 4, true), (Side::Buy, 6, false)], 6)]
    #[case::a_reversal_in_one_order(-4, &[(Side::Buy, 10, false)], 6)]
    fn the_worse_side_counts(
        #[case] position: i64,
        #[case] orders: &[(Side, i64, bool)],
        #[case] expected: i64,
    ) {
        let mut working = Working::default();
        for &(side, quantity, reduces) in orders {
            working.add_quantity(side, QtyLots(quantity), reduces);
        }
        assert_eq!(working.worst(QtyLots(position)), QtyLots(expected));
    }
}
