//! Cross margin.
//!
//! - **Equity** is the wallet plus the profit of what is open at the mark.
//! - **Initial margin** is asked of what an account may come to hold: per symbol the larger of the
//!   position with all its open buys and the position with all its open sells, at the mark and the
//!   orders' prices, times the account's initial margin rate. An order is refused (-2019) when
//!   equity less its taker fee does not cover that, unless it adds nothing. Reduce-only,
//!   close-position and conditional orders reserve nothing; conditional ones that may open a
//!   position are judged when they trigger, and expire if the margin is missing.
//! - **Maintenance margin** is the sum over positions of their value at the mark times the
//!   instrument's rate; an account whose equity is not above it is liquidated.

use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::money::{Amount, SCALE};
use sapphire_engine::order::{OrderType, Side};

use crate::exchange::Exchange;
use crate::market::Market;
use crate::order::{AccountId, Order, Stage};

impl Exchange {
    /// The wallet plus the profit of what is open at the mark. Zero for an unknown account.
    #[must_use]
    pub fn equity(&self, account: AccountId) -> Amount {
        let Some(account) = self.accounts.get(account.index()) else { return Amount::ZERO };
        let open: Amount = account
            .held
            .iter()
            .map(|symbol| {
                let market = &self.markets[symbol.index()];
                let position = &account.holdings[symbol.index()].position;
                let flat = Amount::ZERO;
                market.mark.map_or(flat, |mark| position.unrealised(mark, market.tick_value))
            })
            .sum();
        account.wallet + open
    }

    /// The initial margin of everything that an account holds and may come to hold.
    #[must_use]
    pub fn initial_margin(&self, account: AccountId) -> Amount {
        self.initial_margin_with(account, None)
    }

    /// The price at which an account's position in a symbol is liquidated if all other marks stay;
    /// `None` without a position, or when no price liquidates it.
    #[must_use]
    pub fn liquidation_price(&self, account: AccountId, symbol: SymbolId) -> Option<PriceTicks> {
        let position = &self.holding(account, symbol)?.position;
        let market = &self.markets[symbol.index()];
        let lots = i128::from(position.quantity.0);
        if lots == 0 {
            return None;
        }
        // Equity at price p is `base + lots·v·p`, maintenance `others + |lots|·v·rate·p`; solved for
        // the p at which the first is not above the second. All times SCALE.
        let (base, others) = self.margin_without(account, symbol);
        let scale = i128::from(SCALE);
        let rate = i128::from(market.instrument.maintenance_margin.0);
        let value = lots.abs().saturating_mul(market.tick_value.0);
        let missing = others.saturating_sub(base.0.saturating_mul(scale));
        let price = if lots > 0 {
            missing.div_euclid(value.saturating_mul(scale - rate))
        } else {
            missing.div_euclid(value.saturating_mul(scale + rate)).saturating_neg()
        };
        i64::try_from(price).ok().filter(|&ticks| ticks > 0).map(PriceTicks)
    }

    /// Whether the account's equity is not above its maintenance margin, with `symbol` at `price`.
    pub(crate) fn is_liquidated_at(
        &self,
        account: AccountId,
        symbol: SymbolId,
        price: PriceTicks,
    ) -> bool {
        let market = &self.markets[symbol.index()];
        let lots = self.accounts[account.index()].holdings[symbol.index()].position.quantity;
        let (base, others) = self.margin_without(account, symbol);
        let value = market.notional(price, lots);
        let rate = i128::from(market.instrument.maintenance_margin.0);
        let margin = others.saturating_add(value.abs().0.saturating_mul(rate));
        (base + value).0.saturating_mul(i128::from(SCALE)) <= margin
    }

    /// An account's equity without the value of its position in `symbol` (but with its cost), and
    /// the maintenance margin of its other positions times SCALE, which keeps it exact.
    fn margin_without(&self, account: AccountId, symbol: SymbolId) -> (Amount, i128) {
        let account = &self.accounts[account.index()];
        let mut base = account.wallet - account.holdings[symbol.index()].position.cost;
        let mut maintenance = 0_i128;
        for &other in account.held.iter().filter(|&&held| held != symbol) {
            let market = &self.markets[other.index()];
            let position = &account.holdings[other.index()].position;
            let Some(mark) = market.mark else { continue };
            let value = market.notional(mark, position.quantity);
            base += value - position.cost;
            let rate = i128::from(market.instrument.maintenance_margin.0);
            maintenance = value.abs().0.saturating_mul(rate).saturating_add(maintenance);
        }
        (base, maintenance)
    }

    /// Whether an account's equity covers one more order and its fee. `true` where no price is known
    /// yet: the order then waits, and is judged when it trades.
    pub(crate) fn can_afford(
        &self,
        account: AccountId,
        symbol: SymbolId,
        side: Side,
        quantity: QtyLots,
        kind: OrderType,
    ) -> bool {
        let market = &self.markets[symbol.index()];
        let Some(price) = market.assumed_price(side, kind, self.rules.slippage) else {
            return true;
        };
        let value = market.notional(price, quantity);
        let fee = value.times_ceil(market.instrument.taker_fee).max(Amount::ZERO);
        let before = self.initial_margin_with(account, None);
        let after = self.initial_margin_with(account, Some((symbol, side, value)));
        after <= before || self.equity(account) - fee >= after
    }

    fn initial_margin_with(
        &self,
        account: AccountId,
        more: Option<(SymbolId, Side, Amount)>,
    ) -> Amount {
        let Some(holdings) = self.accounts.get(account.index()).map(|a| &a.holdings) else {
            return Amount::ZERO;
        };
        let required = |(place, market): (usize, &Market)| {
            let holding = &holdings[place];
            let held = market
                .mark
                .map_or(Amount::ZERO, |mark| market.notional(mark, holding.position.quantity));
            let (mut buys, mut sells) = (Amount::ZERO, Amount::ZERO);
            let mut add = |side: Side, value: Amount| match side {
                Side::Buy => buys += value,
                Side::Sell => sells += value,
            };
            for order in market.working.iter().filter(|order| order.account == account) {
                if let Some(value) = self.reserved(market, order) {
                    add(order.side, value);
                }
            }
            if let Some((symbol, side, value)) = more
                && symbol.index() == place
            {
                add(side, value);
            }
            (held + buys).abs().max((held - sells).abs()).times_ceil(holding.initial_margin)
        };
        let markets = self.markets.iter().enumerate();
        markets
            .filter(|(place, market)| {
                !market.working.is_empty()
                    || holdings[*place].position.quantity != QtyLots::ZERO
                    || more.is_some_and(|(symbol, ..)| symbol.index() == *place)
            })
            .map(required)
            .sum()
    }

    /// The value that an open order may add, if it counts.
    fn reserved(&self, market: &Market, order: &Order) -> Option<Amount> {
        if order.only_reduces() || order.stage == Stage::Armed {
            return None;
        }
        let price = market.assumed_price(order.side, order.kind, self.rules.slippage)?;
        Some(market.notional(price, order.open))
    }
}
