//! Positions that their account can no longer carry are closed by the exchange.

use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::order::Side;
use sapphire_engine::venue::Removal;

use crate::exchange::Exchange;
use crate::execution::Liquidity;
use crate::market::{Floor, slipped};
use crate::order::AccountId;

impl Exchange {
    /// Liquidates the accounts that a market between `low` and `high` ruins: longs are judged at
    /// the low, shorts at the high. With a point price both are the mark.
    ///
    /// What is closed is the position in the symbol that moved, and the account's orders there are
    /// cancelled; other positions are judged when their own markets move. On bars it closes at the
    /// price that ruined the account (or the bar's open, if that was beyond), made worse by slippage;
    /// on depth it walks the book, and what finds no liquidity is judged again at the next event.
    pub(crate) fn liquidate(&mut self, symbol: SymbolId, low: PriceTicks, high: PriceTicks) {
        let mut next = 0;
        while let Some(&account) = self.markets[symbol.index()].holders.get(next) {
            next += 1;
            let held = self.accounts[account.index()].holdings[symbol.index()].position.quantity;
            let adverse = if held > QtyLots::ZERO { low } else { high };
            if !self.is_liquidated_at(account, symbol, adverse) {
                continue;
            }
            self.cancel_all(account, symbol);
            let side = Side::of_position(held).opposite();
            match self.markets[symbol.index()].floor {
                Floor::Bars { .. } => {
                    let ruin = self.liquidation_price(account, symbol).unwrap_or(adverse);
                    let price = slipped(ruin.clamp(low, high), side, self.rules.slippage);
                    self.close_by_force(account, symbol, side, price, held.abs());
                }
                Floor::Depth(_) => self.liquidate_on_depth(account, symbol, side, held.abs()),
            }
            if self.markets[symbol.index()].holders.get(next - 1) != Some(&account) {
                next -= 1;
            }
        }
    }

    pub(crate) fn close_by_force(
        &mut self,
        account: AccountId,
        symbol: SymbolId,
        side: Side,
        price: PriceTicks,
        quantity: QtyLots,
    ) {
        let deal = (side, price, quantity);
        self.execute(account, symbol, None, deal, Liquidity::Liquidation);
    }

    fn cancel_all(&mut self, account: AccountId, symbol: SymbolId) {
        while let Some(order) = self.markets[symbol.index()].take(|order| order.account == account)
        {
            self.finish(order, Removal::Canceled);
        }
        self.refresh_expiry();
    }
}
