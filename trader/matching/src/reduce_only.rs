//! Resting reduce-only orders follow the position.

use sapphire_engine::instrument::{QtyLots, SymbolId};
use sapphire_engine::venue::Removal;

use crate::exchange::Exchange;
use crate::order::{AccountId, Order, Stage};

impl Exchange {
    /// Cuts an account's resting reduce-only orders to its position, the newest first, and cancels
    /// those of which nothing is left.
    ///
    /// Conditional orders are not cut, as at the exchange: they are judged when they trigger, and
    /// expire if there is nothing to reduce then. So a stop may stand beside a close-position one,
    /// and both outlive a position until they are cancelled.
    pub(crate) fn settle_reduce_only(&mut self, account: AccountId, symbol: SymbolId) {
        let follows = |order: &Order| {
            order.account == account
                && order.reduce_only
                && matches!(order.stage, Stage::Resting(_) | Stage::Waiting { .. })
        };
        let market = &mut self.markets[symbol.index()];
        if !market.working.iter().any(follows) {
            return;
        }
        let position = self.accounts[account.index()].holdings[symbol.index()].position;
        // The oldest keep their quantity as far as the position goes. Both sides are walked at
        // once: on the side that would add to the position nothing is left.
        let mut left = position.quantity.abs();
        for order in market.working.iter_mut().filter(|order| follows(order)) {
            let keeps = if position.reducible(order.side) == QtyLots::ZERO {
                QtyLots::ZERO
            } else {
                order.open.min(left)
            };
            left -= keeps;
            order.open = keeps;
        }
        let mut cancelled = false;
        while let Some(order) =
            self.markets[symbol.index()].take(|order| follows(order) && order.open == QtyLots::ZERO)
        {
            self.finish(order, Removal::Canceled);
            cancelled = true;
        }
        if cancelled {
            self.refresh_expiry();
        }
    }
}
