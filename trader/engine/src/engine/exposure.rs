//! What the whole desk's positions may come to, with one order more.

use crate::exposure::Working;
use crate::instrument::{QtyLots, SymbolId};
use crate::money::Amount;
use crate::order::Side;

use super::Engine;

/// What the whole desk's positions may come to, one order more included.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DeskExposure {
    pub(super) gross: Amount,
    pub(super) net: Amount,
    pub(super) open: u32,
    pub(super) margin: Amount,
}

impl Engine {
    /// The largest position that a symbol may come to with one order more: all that works, and the
    /// stop of what is held, may fill or may not.
    pub(super) fn worst_position(
        &self,
        symbol: SymbolId,
        side: Side,
        quantity: QtyLots,
    ) -> QtyLots {
        let mut working = self.working(symbol);
        working.add_quantity(side, quantity, false);
        working.worst(self.portfolio.position(symbol).quantity())
    }

    fn working(&self, symbol: SymbolId) -> Working {
        let mut working = Working::default();
        self.orders.working_on(symbol).for_each(|tracked| working.add(&tracked.order));
        working
    }

    /// What positions and working orders may come to, with one order more on a symbol.
    pub(super) fn exposure_with(
        &self,
        symbol: SymbolId,
        side: Side,
        quantity: QtyLots,
    ) -> DeskExposure {
        let mut desk = DeskExposure::default();
        let mut net = Amount::ZERO;
        for (i, instrument) in self.config.instruments.iter().enumerate() {
            let id = SymbolId(u16::try_from(i).unwrap_or(u16::MAX));
            let mut working = self.working(id);
            if id == symbol {
                working.add_quantity(side, quantity, false);
            }
            let position = self.portfolio.position(id).quantity();
            let worst = working.worst(position);
            let Some(mark) = self.portfolio.mark_price(id) else {
                continue;
            };
            let notional = instrument.notional(mark, worst);
            net += notional;
            desk.gross += notional.abs();
            desk.margin += notional.abs().times_ceil(instrument.initial_margin);
            desk.open += u32::from(position != QtyLots::ZERO || working.opens());
        }
        desk.net = net.abs();
        desk
    }

    /// Worst-case gross exposure and margin of what is held and works.
    pub(super) fn gross_and_net(&self) -> (Amount, Amount, u32) {
        let desk = self.exposure_with(SymbolId(0), Side::Buy, QtyLots::ZERO);
        (desk.gross, desk.net, desk.open)
    }
}
