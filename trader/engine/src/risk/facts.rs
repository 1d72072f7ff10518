//! What the gate looks at: everything about one intent, gathered before any rule runs.

use crate::instrument::{Instrument, PriceTicks, QtyLots};
use crate::money::{Amount, Ratio};
use crate::order::OrderRequest;
use crate::policy::{Limits, TradingState};
use crate::time::Span;

/// The facts about one intent. Rules are pure functions of them.
#[derive(Debug, Clone)]
pub(crate) struct Facts<'a> {
    /// The order as it would be sent.
    pub request: &'a OrderRequest,
    /// Its instrument.
    pub instrument: &'a Instrument,
    /// The limits in force.
    pub limits: &'a Limits,
    /// What the order adds in the position's new direction; the whole order, unless it reverses.
    pub opens: QtyLots,
    /// The symbol's position, signed.
    pub position: QtyLots,
    /// The strictest trading state of all sources.
    pub trading_state: TradingState,
    /// Since the symbol's last data were received; `None` before the first.
    pub data_age: Option<Span>,
    /// Whether the symbol's feed is whole.
    pub feed_whole: bool,
    /// How uncertain the venue's clock is; `None` when it was never measured.
    pub clock_uncertainty: Option<Span>,
    /// Whether the venue trades the symbol.
    pub symbol_trading: bool,
    /// Whether a person paused entries on it.
    pub symbol_paused: bool,
    /// Since the round closed, or the delegated agent spoke.
    pub decision_age: Option<Span>,
    /// How old that may be.
    pub decision_fresh_for: Span,
    /// Whether enough agents took part.
    pub quorate: bool,
    /// Entries that work on the symbol in the same direction.
    pub duplicates: u32,
    /// Entry orders that may be sent now: the smaller of the policy's rate and the agent's.
    pub order_allowance: u32,
    /// The price to expect; for a limit order its price.
    pub price: Option<PriceTicks>,
    /// The mark.
    pub mark: Option<PriceTicks>,
    /// ATR in ticks, rounded up.
    pub atr: Option<i64>,
    /// Where the stop will be; `None` where there is to be none.
    pub stop: Option<PriceTicks>,
    /// Where the venue would liquidate, were all filled; `None` when no positive price would.
    pub liquidation: Option<PriceTicks>,
    /// Worst-case sum of magnitudes, this order included.
    pub gross_exposure: Amount,
    /// Worst-case magnitude of the sum, this order included.
    pub net_exposure: Amount,
    /// Symbols with a position or a working entry, this one included.
    pub open_positions: u32,
    /// A delegated agent's position value after the order, and its limit.
    pub delegated_notional: Option<(Amount, Amount)>,
    /// Marked equity.
    pub equity: Amount,
    /// Loss since 00:00 UTC as a share of the equity then; negative is a gain.
    pub daily_loss: Ratio,
    /// Drawdown from the high-water mark.
    pub drawdown: Ratio,
    /// Whether the venue confirmed the position since its last fill.
    pub position_verified: bool,
}
