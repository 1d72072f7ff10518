//! A trade: what it does to position, wallet and ledger.

use sapphire_engine::ids::TradeId;
use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::order::Side;
use sapphire_engine::venue::Removal;

use crate::event::{Event, Execution};
use crate::exchange::Exchange;
use crate::order::{AccountId, Order, OrderNumber, Stage};

/// How a trade came about; it decides the fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Liquidity {
    /// The order rested.
    Maker,
    /// The order took.
    Taker,
    /// The exchange closed the position: taker's and liquidation fee.
    Liquidation,
}

impl Exchange {
    /// How much of an order may trade now: what is open of it, and for one that only reduces, what
    /// there is to reduce. A close-position order is for the whole position, whatever it is.
    pub(crate) fn tradable(&self, order: &Order) -> QtyLots {
        let position =
            &self.accounts[order.account.index()].holdings[order.symbol.index()].position;
        if order.close_position {
            position.reducible(order.side)
        } else if order.reduce_only {
            order.open.min(position.reducible(order.side))
        } else {
            order.open
        }
    }

    /// Whether an order that was let in long ago still has its margin. New ones were just checked.
    pub(crate) fn is_still_affordable(&self, order: &Order) -> bool {
        order.stage == Stage::New
            || order.only_reduces()
            || self.can_afford(order.account, order.symbol, order.side, order.open, order.kind)
    }

    /// Trades all that may trade of an order at one price, and ends it.
    pub(crate) fn take_at(&mut self, mut order: Order, price: PriceTicks) {
        let quantity = self.tradable(&order);
        if quantity > QtyLots::ZERO && self.is_still_affordable(&order) {
            self.trade(&mut order, price, quantity, Liquidity::Taker);
        }
        self.finish(order, Removal::Expired);
    }

    /// Trades a part of an order.
    pub(crate) fn trade(
        &mut self,
        order: &mut Order,
        price: PriceTicks,
        quantity: QtyLots,
        liquidity: Liquidity,
    ) {
        order.open = QtyLots((order.open - quantity).0.max(0));
        order.filled += quantity;
        self.execute(
            order.account,
            order.symbol,
            Some(order.number),
            (order.side, price, quantity),
            liquidity,
        );
    }

    /// Books a trade between an account and the market.
    pub(crate) fn execute(
        &mut self,
        account_id: AccountId,
        symbol: SymbolId,
        order: Option<OrderNumber>,
        (side, price, quantity): (Side, PriceTicks, QtyLots),
        liquidity: Liquidity,
    ) {
        let market = &mut self.markets[symbol.index()];
        let account = &mut self.accounts[account_id.index()];
        let value = market.notional(price, quantity);
        let rate = match liquidity {
            Liquidity::Maker => market.instrument.maker_fee,
            Liquidity::Taker => market.instrument.taker_fee,
            Liquidity::Liquidation => {
                market.instrument.taker_fee + market.instrument.liquidation_fee
            }
        };
        let fee = value.times_ceil(rate);

        let position = &mut account.holdings[symbol.index()].position;
        let was_flat = position.quantity == QtyLots::ZERO;
        let realised = position.apply(side, price, quantity, market.tick_value);
        let is_flat = position.quantity == QtyLots::ZERO;
        let after = position.quantity;
        account.wallet += realised - fee;
        if was_flat && !is_flat {
            account.held.push(symbol);
            market.holders.push(account_id);
            self.positions += 1;
        } else if is_flat && !was_flat {
            account.held.retain(|&held| held != symbol);
            market.holders.retain(|&holder| holder != account_id);
            self.positions -= 1;
        }

        self.ledger.fees += fee;
        let counterparty = &mut self.ledger.market[symbol.index()];
        counterparty.quantity -= side.signed(quantity);
        match side {
            Side::Buy => counterparty.cash += value,
            Side::Sell => counterparty.cash -= value,
        }

        market.trades += 1;
        self.events.push(Event::Fill(Execution {
            account: account_id,
            symbol,
            trade: TradeId(market.trades),
            order,
            side,
            price,
            quantity,
            fee,
            maker: liquidity == Liquidity::Maker,
            at: self.now,
            position: after,
        }));
    }
}
