//! Where the venue would liquidate a position.

use crate::instrument::{PriceTicks, QtyLots, SymbolId};
use crate::money::{Amount, SCALE};

use super::Engine;

impl Engine {
    /// Where the venue would liquidate a position of `quantity` on a symbol, the rest of the account
    /// as it is: the price at which equity equals maintenance margin.
    /// `E + q·(L − m) = r·|q|·L`, with equity `E`, mark `m` and maintenance rate `r`.
    pub(super) fn liquidation(
        &self,
        symbol: SymbolId,
        quantity: QtyLots,
        margin: Amount,
    ) -> Option<PriceTicks> {
        let instrument = self.instrument(symbol);
        let mark = self.portfolio.mark_price(symbol)?;
        let notional = instrument.notional(mark, quantity);
        let own_margin = notional.abs().times_ceil(instrument.initial_margin);
        let others = (margin - own_margin).max(Amount::ZERO);
        let spare = self.portfolio.equity() - others;
        let rate = instrument.maintenance_margin.0;
        let share = if quantity.0 > 0 { SCALE - rate } else { SCALE + rate };
        // Long: L = (q·m − E) / (q·(1 − r)). Short: L = (E + |q|·m) / (|q|·(1 + r)).
        let numerator = if quantity.0 > 0 { notional - spare } else { spare - notional };
        if numerator.0 <= 0 || quantity == QtyLots::ZERO {
            return None;
        }
        // The value of one tick of all of it, less or plus its maintenance margin; times SCALE.
        let one_tick = i128::from(quantity.abs().0)
            .checked_mul(instrument.tick_value().0)
            .and_then(|value| value.checked_mul(i128::from(share)))
            .filter(|one_tick| *one_tick > 0);
        let ticks =
            numerator.0.checked_mul(i128::from(SCALE)).zip(one_tick).map(|(n, one)| n / one);
        let is_long = quantity.0 > 0;
        // Rounded towards the mark: sooner, not later. What cannot be counted is at the mark.
        let ticks = match ticks {
            Some(ticks) if is_long => ticks + 1,
            Some(ticks) => ticks,
            None => return Some(mark),
        };
        Some(PriceTicks(i64::try_from(ticks).unwrap_or(i64::MAX)))
    }
}
