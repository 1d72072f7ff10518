use crate::instrument::{Instrument, QtyLots};
use crate::money::Amount;
use crate::order::Side;
use crate::time::Timestamp;
use crate::venue::Fill;

/// A one-way position with its cost basis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    quantity: QtyLots,
    /// Σ signed notional of what is held: what it cost (long), or brought (short, negative).
    cost: Amount,
    realized: Amount,
    /// Realised gain, fees and funding since the position was last flat.
    pub(super) open_trade: Amount,
    opened: Option<Timestamp>,
}

/// What a fill did to a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Gain realised by it, before fees.
    pub realized: Amount,
    /// Whether it opened or added.
    pub increased: bool,
    /// The trade that it ended, when the position became flat or turned over.
    pub closed: Option<ClosedTrade>,
}

/// A position's life from flat to flat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedTrade {
    /// Gain after fees and funding.
    pub net: Amount,
    /// When it began.
    pub opened: Timestamp,
    /// When it ended.
    pub closed: Timestamp,
    /// The side that it was on.
    pub side: Side,
}

impl Position {
    /// Signed quantity: long is positive.
    #[must_use]
    pub const fn quantity(&self) -> QtyLots {
        self.quantity
    }

    /// What it cost; negative for a short.
    #[must_use]
    pub const fn cost(&self) -> Amount {
        self.cost
    }

    /// Gains taken on this symbol, before fees and funding.
    #[must_use]
    pub const fn realized(&self) -> Amount {
        self.realized
    }

    /// When it was opened; `None` when flat.
    #[must_use]
    pub const fn opened(&self) -> Option<Timestamp> {
        self.opened
    }

    pub(super) fn fund(&mut self, amount: Amount) {
        if self.quantity != QtyLots::ZERO {
            self.open_trade += amount;
        }
    }

    /// Reduces first, then opens with what is left. A fee is shared between the trade that ends and
    /// the one that begins by quantity, rounded against the one that ends.
    pub(super) fn fill(&mut self, instrument: &Instrument, fill: &Fill) -> Applied {
        let held = self.quantity;
        let delta = fill.side.signed(fill.quantity);
        let reduces = held.signum() * delta.signum() < 0;
        let reduced = if reduces { held.abs().min(delta.abs()) } else { QtyLots::ZERO };
        let opened = fill.quantity - reduced;

        let mut applied = Applied { realized: Amount::ZERO, increased: opened.0 > 0, closed: None };
        let mut fee_left = fill.fee;
        if reduced.0 > 0 {
            // What is left of the cost stays with the position: rounding moves a unit between
            // realised and unrealised, and creates none.
            let released = self.cost.share(reduced.0, held.abs().0);
            let brought = instrument.notional(fill.price, fill.side.signed(reduced));
            applied.realized = -brought - released;
            let fee = fill.fee.share_ceil(reduced.0, fill.quantity.0);
            fee_left -= fee;
            self.cost -= released;
            self.realized += applied.realized;
            self.open_trade += applied.realized - fee;
            self.quantity += fill.side.signed(reduced);
            if self.quantity == QtyLots::ZERO {
                applied.closed = Some(ClosedTrade {
                    net: self.open_trade,
                    opened: self.opened.unwrap_or(fill.at),
                    closed: fill.at,
                    side: Side::of_position(held),
                });
                self.open_trade = Amount::ZERO;
                self.opened = None;
            }
        }
        if opened.0 > 0 {
            self.quantity += fill.side.signed(opened);
            self.cost += instrument.notional(fill.price, fill.side.signed(opened));
            self.opened = self.opened.or(Some(fill.at));
        }
        self.open_trade -= fee_left;
        applied
    }
}
