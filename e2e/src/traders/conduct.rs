//! What the traders of a desk do.

use std::time::Duration;

use sapphire_crds::conditions::TradingState;
use sapphire_crds::values::{Amount, Symbol};

/// What the traders of a desk do. The default is a desk that works and is flat.
#[derive(Debug, Clone, PartialEq)]
pub struct Conduct {
    /// The symbols with a position. None: the desk is flat.
    pub exposed: Vec<Symbol>,
    /// Orders at the venue.
    pub open_orders: i32,
    /// Marked equity.
    pub equity: Option<Amount>,
    /// Share lost since the high-water mark.
    pub drawdown: Option<Amount>,
    /// The engine's own trading state; the stricter of it and the policy's is reported.
    pub trading_state: TradingState,
    /// From Ready to knowing what is open. A standby that does not know cannot take over.
    pub reconciles_after: Duration,
    /// From a change of the policy to its enforcement.
    pub acknowledges_after: Duration,
    /// Whether a leader of another revision hands over when asked.
    pub hands_over: bool,
    /// Whether what is enforced is what the policy says: a pod of another version may understand it
    /// otherwise.
    pub understands: bool,
    /// Whether they see that their system is being deleted.
    pub sees_its_end: bool,
    /// From being told to close to having nothing open.
    pub closes_after: Duration,
    /// How often a report is told that says nothing new.
    pub rhythm: Duration,
    /// Whether nothing is written any more: cut off, or hung.
    pub silent: bool,
    /// How far the pods' clock is ahead, in seconds.
    pub clock_ahead: i64,
    /// Said in place of a report.
    pub nonsense: Option<String>,
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            exposed: Vec::new(),
            open_orders: 0,
            equity: "100000".parse().ok(),
            drawdown: "0".parse().ok(),
            trading_state: TradingState::Active,
            reconciles_after: Duration::ZERO,
            acknowledges_after: Duration::ZERO,
            hands_over: true,
            understands: true,
            sees_its_end: true,
            closes_after: Duration::from_millis(500),
            rhythm: Duration::from_secs(30),
            silent: false,
            clock_ahead: 0,
            nonsense: None,
        }
    }
}
