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
        let one_tick = i128::from(quantity.0.abs()) * instrument.tick_value().0 * i128::from(share);
        if numerator.0 <= 0 || one_tick <= 0 {
            return None;
        }
        let ticks = numerator.0 * i128::from(SCALE) / one_tick;
        // Rounded towards the mark: sooner, not later.
        let ticks = if quantity.0 > 0 { ticks + 1 } else { ticks };
        i64::try_from(ticks).ok().map(PriceTicks)
    }
}
