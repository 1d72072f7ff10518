//! The account: cash, positions, fees, funding. Money is conserved exactly, by construction.
//!
//! `cash` is a ledger: what came in, less what was bought, plus what was sold, less fees, plus
//! funding. It depends on no order of fills, so neither do position and equity; how much of the gain
//! is realised does, and is kept beside it as each position's cost.

mod position;
mod seen_trades;

pub use position::{Applied, ClosedTrade, Position};
pub use seen_trades::SeenTrades;

use crate::instrument::{Instrument, PriceTicks, QtyLots, SymbolId};
use crate::money::Amount;
use crate::venue::Fill;

/// One symbol's part of the account.
#[derive(Debug, Clone, Default)]
struct Holding {
    position: Position,
    mark: Option<PriceTicks>,
    /// `position × mark`, kept with each change so that equity is a sum of few terms.
    value: Amount,
    trades: SeenTrades,
}

/// The account.
#[derive(Debug, Clone)]
pub struct Portfolio {
    holdings: Vec<Holding>,
    initial: Amount,
    transfers: Amount,
    cash: Amount,
    fees: Amount,
    funding: Amount,
    turnover: Amount,
}

impl Portfolio {
    /// An account with nothing but its balance.
    #[must_use]
    pub fn new(balance: Amount, symbols: usize) -> Self {
        Self {
            holdings: vec![Holding::default(); symbols],
            initial: balance,
            transfers: Amount::ZERO,
            cash: balance,
            fees: Amount::ZERO,
            funding: Amount::ZERO,
            turnover: Amount::ZERO,
        }
    }

    /// Counts a fill, once: `None` when its trade was counted before.
    pub fn apply(&mut self, instrument: &Instrument, fill: &Fill) -> Option<Applied> {
        let holding = &mut self.holdings[fill.symbol.index()];
        if !holding.trades.is_new(fill.trade) {
            return None;
        }
        let notional = instrument.notional(fill.price, fill.side.signed(fill.quantity));
        self.cash -= notional + fill.fee;
        self.fees += fill.fee;
        self.turnover += notional.abs();
        let applied = holding.position.fill(instrument, fill);
        revalue(holding, instrument);
        Some(applied)
    }

    /// Counts funding paid (negative) or received.
    pub fn fund(&mut self, symbol: SymbolId, amount: Amount) {
        self.cash += amount;
        self.funding += amount;
        self.holdings[symbol.index()].position.fund(amount);
    }

    /// Counts money that came in or left.
    pub fn transfer(&mut self, amount: Amount) {
        self.cash += amount;
        self.transfers += amount;
    }

    /// Sets a symbol's mark price.
    pub fn mark(&mut self, symbol: SymbolId, instrument: &Instrument, price: PriceTicks) {
        let holding = &mut self.holdings[symbol.index()];
        holding.mark = Some(price);
        if holding.position.quantity() != QtyLots::ZERO {
            revalue(holding, instrument);
        }
    }

    /// A symbol's position.
    #[must_use]
    pub fn position(&self, symbol: SymbolId) -> &Position {
        &self.holdings[symbol.index()].position
    }

    /// A symbol's mark price; `None` before its first.
    #[must_use]
    pub fn mark_price(&self, symbol: SymbolId) -> Option<PriceTicks> {
        self.holdings[symbol.index()].mark
    }

    /// What the positions would bring at their marks, plus cash.
    #[must_use]
    pub fn equity(&self) -> Amount {
        self.cash + self.holdings.iter().map(|h| h.value).sum()
    }

    /// The ledger's cash: balance, less bought, plus sold, less fees, plus funding and transfers.
    #[must_use]
    pub const fn cash(&self) -> Amount {
        self.cash
    }

    /// The venue's word for it: cash plus what the positions cost.
    #[must_use]
    pub fn wallet_balance(&self) -> Amount {
        self.cash + self.holdings.iter().map(|h| h.position.cost()).sum()
    }

    /// Gains taken, before fees and funding.
    #[must_use]
    pub fn realized(&self) -> Amount {
        self.wallet_balance() - self.initial - self.transfers + self.fees - self.funding
    }

    /// Gains not taken, at the marks.
    #[must_use]
    pub fn unrealized(&self) -> Amount {
        self.holdings.iter().map(|h| h.value - h.position.cost()).sum()
    }

    /// A symbol's gains not taken, at its mark.
    #[must_use]
    pub fn unrealized_of(&self, symbol: SymbolId) -> Amount {
        let holding = &self.holdings[symbol.index()];
        holding.value - holding.position.cost()
    }

    /// Fees paid so far.
    #[must_use]
    pub const fn fees(&self) -> Amount {
        self.fees
    }

    /// Funding received (negative: paid) so far.
    #[must_use]
    pub const fn funding(&self) -> Amount {
        self.funding
    }

    /// Money that came in (negative: left) since the start.
    #[must_use]
    pub const fn transfers(&self) -> Amount {
        self.transfers
    }

    /// The balance at the start.
    #[must_use]
    pub const fn initial(&self) -> Amount {
        self.initial
    }

    /// `Σ |price × quantity|` of all fills.
    #[must_use]
    pub const fn turnover(&self) -> Amount {
        self.turnover
    }

    /// Whether no symbol has a position.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.holdings.iter().all(|h| h.position.quantity() == QtyLots::ZERO)
    }
}

/// A position without a mark yet is valued at its cost.
fn revalue(holding: &mut Holding, instrument: &Instrument) {
    holding.value = match holding.mark {
        Some(mark) => instrument.notional(mark, holding.position.quantity()),
        None => holding.position.cost(),
    };
}

#[cfg(test)]
mod tests;
