//! An account's money and what it holds.

use sapphire_engine::instrument::SymbolId;
use sapphire_engine::money::{Amount, Ratio};

use crate::position::Position;

/// What an account has in a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The position.
    pub position: Position,
    /// Margin that opening takes here, as a share of notional: 1 / leverage.
    pub initial_margin: Ratio,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// Deposits, realised profit and funding, less fees. Below zero the account owes: no insurance
    /// fund steps in after a gap through a liquidation.
    pub wallet: Amount,
    /// By symbol.
    pub holdings: Vec<Holding>,
    /// Where its position is not zero.
    pub held: Vec<SymbolId>,
}
