//! How large an entry may be: the smallest of several terms, and which one it was.

mod kelly;

pub use kelly::{COLD_START_TRADES, TradeOutcomes};

use crate::instrument::{Instrument, PriceTicks, QtyLots};
use crate::money::{Amount, Ratio};
use crate::policy::Limits;
use crate::risk::Bound;

/// What sizing looks at.
#[derive(Debug, Clone, Copy)]
pub struct SizingInput<'a> {
    /// The instrument.
    pub instrument: &'a Instrument,
    /// The limits in force.
    pub limits: &'a Limits,
    /// Marked equity.
    pub equity: Amount,
    /// The price to expect.
    pub price: PriceTicks,
    /// Distance of the stop, in ticks; `None` where the policy has no stop: then there is no loss to
    /// budget, and the other terms bind.
    pub stop_distance: Option<i64>,
    /// Slippage to expect, a share of the price, each way.
    pub slippage: Ratio,
    /// The desk's closed trades.
    pub outcomes: &'a TradeOutcomes,
    /// Half size (drawdown caution), whichever term binds.
    pub caution: bool,
    /// Share of equity, as notional over leverage, that the agreeing agents support.
    pub participation: Ratio,
    /// Worst-case gross exposure of everything else.
    pub other_exposure: Amount,
    /// Margin that is not in use.
    pub free_margin: Amount,
    /// Quantity in the near book, on the side that the order takes; `None` without a book.
    pub near_book: Option<QtyLots>,
}

/// The size, and the term that bound it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The size; zero when some term leaves nothing.
    pub quantity: QtyLots,
    /// The smallest term; of equal ones the first in [`Bound`]'s order.
    pub bound: Bound,
}

/// The smallest of all terms, in whole lots, rounded down; half of it in caution.
#[must_use]
pub fn size(input: &SizingInput<'_>) -> Size {
    let instrument = input.instrument;
    let worth = |notional: Amount| instrument.lots_worth(notional, input.price);
    let leveraged = |ratio: Ratio| input.equity.times_floor(ratio.times(input.limits.max_leverage));

    let mut terms = [(QtyLots(i64::MAX), Bound::VenueMaximum); 8];
    terms[0] = (instrument.max_quantity, Bound::VenueMaximum);
    terms[1] = (worth(leveraged(input.participation)), Bound::Participation);
    let leverage_left = leveraged(Ratio::ONE) - input.other_exposure;
    terms[2] = (worth(leverage_left), Bound::Leverage);
    terms[3] = (lots_per(input.free_margin, margin_per_lot(input)), Bound::FreeMargin);
    terms[4] = (max_notional(instrument, input.limits, input.price), Bound::MaxNotional);
    if let Some(near) = input.near_book {
        let share = Amount(i128::from(near.0)).times_floor(input.limits.book_share);
        terms[5] = (QtyLots(i64::try_from(share.0).unwrap_or(i64::MAX)), Bound::BookDepth);
    }
    if let Some(distance) = input.stop_distance {
        let lost = loss_per_lot(input, distance);
        terms[6] = (lots_per(risk_budget(input), lost), Bound::RiskBudget);
        if let Some(fraction) = input.outcomes.kelly() {
            let staked = input.equity.times_floor(fraction.times(input.limits.kelly_fraction));
            terms[7] = (lots_per(staked, lost), Bound::Kelly);
        }
    }
    smallest(terms, input.caution)
}

/// A delegated agent's fixed size, or what the greatest notional of one order leaves of it; half of it
/// in caution.
#[must_use]
pub fn delegated_size(
    quantity: QtyLots,
    instrument: &Instrument,
    limits: &Limits,
    price: PriceTicks,
    caution: bool,
) -> Size {
    let greatest = max_notional(instrument, limits, price);
    smallest([(quantity, Bound::Delegation), (greatest, Bound::MaxNotional)], caution)
}

fn smallest<const N: usize>(terms: [(QtyLots, Bound); N], caution: bool) -> Size {
    let smallest = terms.into_iter().min_by_key(|(quantity, bound)| (quantity.0, *bound));
    let (quantity, bound) = smallest.unwrap_or((QtyLots::ZERO, Bound::VenueMaximum));
    let whole = quantity.0.max(0);
    Size { quantity: QtyLots(if caution { whole / 2 } else { whole }), bound }
}

/// As many lots as one order may be worth.
fn max_notional(instrument: &Instrument, limits: &Limits, price: PriceTicks) -> QtyLots {
    let unlimited = QtyLots(i64::MAX);
    limits.max_order_notional.map_or(unlimited, |limit| instrument.lots_worth(limit, price))
}

/// What may be lost at the stop: equity × risk per trade × multiplier, and a quarter of it while there
/// are too few closed trades to know anything.
fn risk_budget(input: &SizingInput<'_>) -> Amount {
    let ratio = input.limits.risk_per_trade.times(input.limits.risk_multiplier);
    let budget = input.equity.times_floor(ratio);
    if input.outcomes.count() < COLD_START_TRADES { Amount(budget.0.div_euclid(4)) } else { budget }
}

/// What one lot loses at its stop: the distance, a taker's fee and slippage on both ways. The way
/// out is priced at the farther of entry and stop, so that a short's is not understated.
fn loss_per_lot(input: &SizingInput<'_>, distance: i64) -> Amount {
    let one = QtyLots(1);
    let instrument = input.instrument;
    let entry = instrument.notional(input.price, one);
    let exit = instrument.notional(PriceTicks(input.price.0.saturating_add(distance)), one);
    let cost = instrument.taker_fee + input.slippage;
    instrument.notional(PriceTicks(distance), one) + entry.times_ceil(cost) + exit.times_ceil(cost)
}

/// Margin that one lot takes, its entry's fee included.
fn margin_per_lot(input: &SizingInput<'_>) -> Amount {
    let entry = input.instrument.notional(input.price, QtyLots(1));
    let share = input.instrument.initial_margin + input.instrument.taker_fee + input.slippage;
    entry.times_ceil(share)
}

fn lots_per(budget: Amount, each: Amount) -> QtyLots {
    if each.0 <= 0 || budget.0 <= 0 {
        return QtyLots::ZERO;
    }
    QtyLots(i64::try_from(budget.0 / each.0).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
