//! One symbol's market: what was last seen of it, and the orders and positions that watch it.

use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots};
use sapphire_engine::money::{Amount, Ratio, SCALE};
use sapphire_engine::order::{OrderType, Side};

use crate::depth::Depth;
use crate::order::{AccountId, Order};
use crate::rules::{Feed, Listing, TriggerBy};

/// What the market trades on now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Floor {
    /// Bars: the open of the bar that is open, the only price known until its range is played.
    Bars { open: Option<PriceTicks> },
    /// Book and trades.
    Depth(Box<Depth>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Market {
    pub instrument: Instrument,
    pub tick_value: Amount,
    pub floor: Floor,
    /// The last trade's price; on bars the last known price.
    pub last: Option<PriceTicks>,
    /// What positions are valued at.
    pub mark: Option<PriceTicks>,
    /// Whether the feed publishes a mark; otherwise it is the mid, or the last price.
    pub mark_published: bool,
    /// Open orders by number.
    pub working: Vec<Order>,
    /// Accounts with a position, by when they opened it: their order must not depend on how
    /// accounts are numbered.
    pub holders: Vec<AccountId>,
    /// Trades that accounts took part in.
    pub trades: u64,
}

impl Market {
    pub(crate) fn new(listing: Listing) -> Self {
        Self {
            tick_value: listing.instrument.tick_value(),
            instrument: listing.instrument,
            floor: match listing.feed {
                Feed::Bars => Floor::Bars { open: None },
                Feed::Depth => Floor::Depth(Box::default()),
            },
            last: None,
            mark: None,
            mark_published: false,
            working: Vec::new(),
            holders: Vec::new(),
            trades: 0,
        }
    }

    /// Whether nobody watches it.
    pub(crate) const fn is_idle(&self) -> bool {
        self.working.is_empty() && self.holders.is_empty()
    }

    /// Whether an order that must trade at once can.
    pub(crate) fn is_trading(&self) -> bool {
        match &self.floor {
            Floor::Bars { open } => open.is_some(),
            Floor::Depth(depth) => depth.is_live(),
        }
    }

    /// The price that conditional orders watch; the mark where nothing traded yet.
    pub(crate) fn trigger_price(&self, by: TriggerBy) -> Option<PriceTicks> {
        match by {
            TriggerBy::ContractPrice => self.last.or(self.mark),
            TriggerBy::MarkPrice => self.mark.or(self.last),
        }
    }

    /// The price that a taker of `side` meets first, as far as it is known.
    pub(crate) fn taker_price(&self, side: Side, slippage: Ratio) -> Option<PriceTicks> {
        match &self.floor {
            Floor::Bars { open } => open.or(self.last).map(|price| slipped(price, side, slippage)),
            Floor::Depth(depth) => depth.best(side.opposite()).map(|l| l.price).or(self.mark),
        }
    }

    /// The price at which an order is valued for margin, if it is known. A sell below the mark will
    /// trade at the mark or better.
    pub(crate) fn assumed_price(
        &self,
        side: Side,
        kind: OrderType,
        slippage: Ratio,
    ) -> Option<PriceTicks> {
        match (kind, side) {
            (OrderType::Limit { price, .. }, Side::Buy) => Some(price),
            (OrderType::Limit { price, .. }, Side::Sell) => {
                Some(self.mark.unwrap_or(price).max(price))
            }
            _ => self.taker_price(side, slippage),
        }
    }

    pub(crate) const fn notional(&self, price: PriceTicks, quantity: QtyLots) -> Amount {
        Amount(price.0 as i128 * quantity.0 as i128 * self.tick_value.0)
    }

    /// Puts an order among the open ones, which stay sorted by number.
    pub(crate) fn put(&mut self, order: Order) {
        let place = self.working.partition_point(|other| other.number < order.number);
        self.working.insert(place, order);
    }

    /// Takes the first order out that `wanted` picks.
    pub(crate) fn take(&mut self, wanted: impl Fn(&Order) -> bool) -> Option<Order> {
        let place = self.working.iter().position(wanted)?;
        Some(self.working.remove(place))
    }
}

/// `price` made worse for a taker of `side` by a share of itself, rounded to the tick against it.
pub(crate) fn slipped(price: PriceTicks, side: Side, slippage: Ratio) -> PriceTicks {
    if slippage == Ratio::ZERO {
        return price;
    }
    let (scale, share) = (i128::from(SCALE), i128::from(slippage.0));
    let price = i128::from(price.0);
    let worse = match side {
        Side::Buy => -(-price * (scale + share)).div_euclid(scale),
        Side::Sell => (price * (scale - share)).div_euclid(scale).max(1),
    };
    PriceTicks(i64::try_from(worse).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    // 1 % of 1000 is 10; of 1001 it is 10.01, rounded against the taker.
    #[case(Side::Buy, 1000, 1010)]
    #[case(Side::Sell, 1000, 990)]
    #[case(Side::Buy, 1001, 1012)]
    #[case(Side::Sell, 1001, 990)]
    #[case(Side::Sell, 1, 1)]
    fn slippage_is_against_the_taker(#[case] side: Side, #[case] price: i64, #[case] worse: i64) {
        assert_eq!(slipped(PriceTicks(price), side, Ratio::percent(1)), PriceTicks(worse));
    }
}
