//! The other side of every wallet's entry, kept apart so that conservation can be checked.

use sapphire_engine::instrument::QtyLots;
use sapphire_engine::money::Amount;

/// What the exchange collected, and what the replayed market gave and took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ledger {
    /// Paid in, less paid out.
    pub deposits: Amount,
    /// Fees collected, liquidation fees included.
    pub fees: Amount,
    /// Funding that accounts paid, less what they received.
    pub funding: Amount,
    /// The market as a counterparty, by symbol.
    pub market: Vec<Counterparty>,
}

/// The replayed market, as the one that traded with all accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counterparty {
    /// Money that it received for what it sold, less what it paid.
    pub cash: Amount,
    /// Its position: minus that of all accounts together.
    pub quantity: QtyLots,
}
