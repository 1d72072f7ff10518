//! What an order must satisfy to be taken in.

use sapphire_engine::instrument::QtyLots;
use sapphire_engine::order::{OrderType, TimeInForce};
use sapphire_engine::venue::VenueCode;

use crate::exchange::Exchange;
use crate::market::{Floor, Market};
use crate::order::{AccountId, NewOrder, Stage, crosses, triggers};
use crate::rules::code;

impl Exchange {
    /// Checks a new order, cheapest rule first.
    pub(crate) fn admit(&self, account: AccountId, order: &NewOrder) -> Result<(), VenueCode> {
        let market = self.markets.get(order.symbol.index()).ok_or(VenueCode::INVALID_SYMBOL)?;
        if self.accounts.get(account.index()).is_none() {
            return Err(VenueCode::INVALID_SYMBOL);
        }
        if order.expires.is_some_and(|expires| self.now > expires) {
            return Err(VenueCode::EXPIRED_REQUEST);
        }
        if self.find_open(account, order.client).is_some() {
            return Err(VenueCode::DUPLICATE_CLIENT_ID);
        }
        filters(market, order, self.rules.slippage)?;
        self.check_close_position(account, market, order)?;
        self.check_reduce_only(account, order)?;
        self.check_trigger(market, order)?;
        check_post_only(market, order)?;
        let only_reduces = order.reduce_only || order.close_position;
        if !only_reduces
            && order.kind.trigger().is_none()
            && !self.can_afford(account, order.symbol, order.side, order.quantity, order.kind)
        {
            return Err(VenueCode::MARGIN_INSUFFICIENT);
        }
        Ok(())
    }

    /// Close-position is for conditional market orders, and one of each kind and side.
    fn check_close_position(
        &self,
        account: AccountId,
        market: &Market,
        order: &NewOrder,
    ) -> Result<(), VenueCode> {
        if !order.close_position {
            return Ok(());
        }
        if order.kind.trigger().is_none() {
            return Err(code::CLOSE_POSITION_KIND);
        }
        let same_kind =
            |kind: OrderType| std::mem::discriminant(&kind) == std::mem::discriminant(&order.kind);
        let stands = market.working.iter().any(|other| {
            other.account == account
                && other.close_position
                && other.side == order.side
                && same_kind(other.kind)
        });
        if stands && self.rules.single_close_position {
            return Err(VenueCode::CLOSE_POSITION_EXISTS);
        }
        Ok(())
    }

    /// A reduce-only order needs a position to reduce. One that would rest also needs a part of it
    /// that the account's other resting reduce-only orders leave.
    fn check_reduce_only(&self, account: AccountId, order: &NewOrder) -> Result<(), VenueCode> {
        if !order.reduce_only {
            return Ok(());
        }
        let market = &self.markets[order.symbol.index()];
        let position = &self.accounts[account.index()].holdings[order.symbol.index()].position;
        let mut left = position.reducible(order.side);
        if let OrderType::Limit {
            time_in_force: TimeInForce::Gtc | TimeInForce::PostOnly, ..
        } = order.kind
        {
            let resting = market.working.iter().filter(|other| {
                other.account == account
                    && other.reduce_only
                    && other.side == order.side
                    && matches!(other.stage, Stage::Resting(_) | Stage::Waiting { .. })
            });
            left -= resting.map(|other| other.open).fold(QtyLots::ZERO, |sum, q| sum + q);
        }
        if left <= QtyLots::ZERO { Err(VenueCode::REDUCE_ONLY_REJECTED) } else { Ok(()) }
    }

    /// A conditional order must not trigger at once.
    fn check_trigger(&self, market: &Market, order: &NewOrder) -> Result<(), VenueCode> {
        let price = market.trigger_price(self.rules.trigger_by);
        if price.is_some_and(|price| triggers(order.kind, order.side, price, price)) {
            return Err(VenueCode::WOULD_TRIGGER_IMMEDIATELY);
        }
        Ok(())
    }
}

/// A post-only order must not take. Where nothing trades it is judged when something does, and
/// expires if it would take then.
fn check_post_only(market: &Market, order: &NewOrder) -> Result<(), VenueCode> {
    let OrderType::Limit { price, time_in_force: TimeInForce::PostOnly } = order.kind else {
        return Ok(());
    };
    let opposite = match &market.floor {
        Floor::Bars { open } => *open,
        Floor::Depth(depth) if depth.is_live() => {
            depth.best(order.side.opposite()).map(|level| level.price)
        }
        Floor::Depth(_) => None,
    };
    if opposite.is_some_and(|opposite| crosses(order.side, price, opposite)) {
        return Err(VenueCode::POST_ONLY_REJECTED);
    }
    Ok(())
}

/// The instrument's filters. What only reduces may be small: it must be able to close a rest.
fn filters(
    market: &Market,
    order: &NewOrder,
    slippage: sapphire_engine::money::Ratio,
) -> Result<(), VenueCode> {
    let price = match order.kind {
        OrderType::Limit { price, .. } => Some(price),
        _ => order.kind.trigger(),
    };
    if price.is_some_and(|price| price.0 <= 0) {
        return Err(VenueCode::BAD_PRICE);
    }
    let instrument = &market.instrument;
    let only_reduces = order.reduce_only || order.close_position;
    if order.quantity.0 <= 0
        || (order.quantity > instrument.max_quantity && !order.close_position)
        || (order.quantity < instrument.min_quantity && !only_reduces)
    {
        return Err(VenueCode::BAD_QUANTITY);
    }
    let valued_at = price.or_else(|| market.taker_price(order.side, slippage));
    if let Some(price) = valued_at
        && !only_reduces
        && market.notional(price, order.quantity) < instrument.min_notional
    {
        return Err(VenueCode::MIN_NOTIONAL);
    }
    Ok(())
}
