//! What the gate says, rule by rule.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::instrument::QtyLots;
use crate::money::{Amount, Ratio};
use crate::policy::TradingState;
use crate::time::Span;

/// An order that the risk gate let pass, once. Only the gate can make one, and a venue takes nothing
/// else:
///
/// ```
/// # use sapphire_engine::{order::OrderRequest, risk::Approved};
/// fn read(approved: &Approved<OrderRequest>) -> OrderRequest {
///     *approved.get() // what was approved may be looked at
/// }
/// ```
/// ```compile_fail,E0423
/// # use sapphire_engine::{order::OrderRequest, risk::Approved};
/// fn forge(request: OrderRequest) -> Approved<OrderRequest> {
///     Approved(request) // the field is private
/// }
/// ```
/// ```compile_fail,E0624
/// # use sapphire_engine::{order::OrderRequest, risk::Approved};
/// fn forge(request: OrderRequest) -> Approved<OrderRequest> {
///     Approved::new(request) // and so is the constructor
/// }
/// ```
/// ```compile_fail,E0603
/// use sapphire_engine::risk::judge; // nobody else may ask the gate, on facts of their own
/// ```
/// ```compile_fail,E0599
/// # use sapphire_engine::{order::OrderRequest, risk::Approved};
/// fn twice(approved: Approved<OrderRequest>) -> [Approved<OrderRequest>; 2] {
///     [approved.clone(), approved] // one approval is one order
/// }
/// ```
/// ```compile_fail,E0507
/// # use sapphire_engine::{order::OrderRequest, risk::Approved};
/// fn twice(approved: &Approved<OrderRequest>) -> Approved<OrderRequest> {
///     *approved // nor is it copied
/// }
/// ```
/// ```compile_fail,E0277
/// # use sapphire_engine::{order::OrderRequest, risk::Approved};
/// fn from_text(text: &str) -> Approved<OrderRequest> {
///     serde_json::from_str(text).unwrap() // no journal, no peer can bring one in
/// }
/// ```
/// ```compile_fail,E0277
/// # use sapphire_engine::{order::OrderRequest, risk::Approved};
/// fn from_nothing() -> Approved<OrderRequest> {
///     Default::default()
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    /// Only the gate calls this.
    pub(in crate::risk) const fn new(order: T) -> Self {
        Self(order)
    }

    /// What was approved.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

/// The rules, in the order in which the gate runs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RuleId {
    /// The strictest trading state in force allows it.
    TradingState,
    /// The symbol's data are fresh.
    DataAge,
    /// The symbol's feed has no gap.
    FeedGap,
    /// The venue's clock is known well enough.
    ClockUncertainty,
    /// The symbol trades.
    SymbolStatus,
    /// The decision is fresh and quorate.
    DecisionFresh,
    /// The same intent is not at work already.
    DuplicateIntent,
    /// Orders a second.
    OrderRate,
    /// What sizing left is above zero.
    Size,
    /// What one order opens is worth no more than the policy allows.
    OrderNotional,
    /// The venue's smallest quantity and notional, ticks and lots.
    VenueFilters,
    /// The price is near the mark.
    PriceCollar,
    /// The liquidation price is far beyond the stop.
    LiquidationDistance,
    /// Gross exposure.
    GrossExposure,
    /// Net exposure.
    NetExposure,
    /// Symbols with exposure.
    OpenPositions,
    /// Leverage.
    Leverage,
    /// Loss since 00:00 UTC.
    DailyLoss,
    /// Drawdown from the high-water mark.
    Drawdown,
    /// The position is verified by the venue.
    PositionVerified,
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An input or a limit of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleValue {
    /// Quote currency.
    Amount(Amount),
    /// A share or a multiple.
    Ratio(Ratio),
    /// A count.
    Count(i64),
    /// A span of time.
    Span(Span),
    /// A quantity.
    Lots(QtyLots),
    /// A trading state.
    State(TradingState),
    /// Yes or no.
    Flag(bool),
    /// Not known, or without a limit.
    Unknown,
}

impl fmt::Display for RuleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amount(v) => v.fmt(f),
            Self::Ratio(v) => v.fmt(f),
            Self::Count(v) => v.fmt(f),
            Self::Span(v) => v.fmt(f),
            Self::Lots(v) => write!(f, "{} lots", v.0),
            Self::State(v) => write!(f, "{v:?}"),
            Self::Flag(v) => v.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// One rule's result on one intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleResult {
    /// Which rule.
    pub rule: RuleId,
    /// What it looked at.
    pub input: RuleValue,
    /// What it compared with.
    pub limit: RuleValue,
    /// Whether it let the intent pass.
    pub passed: bool,
}

/// Which term bound an entry's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Bound {
    /// Fractional Kelly on the lower Wilson bound of the win rate.
    Kelly,
    /// Equity lost at the stop.
    RiskBudget,
    /// The agreeing agents' participation.
    Participation,
    /// The greatest notional of one order.
    MaxNotional,
    /// Leverage.
    Leverage,
    /// Free margin.
    FreeMargin,
    /// A share of the near book.
    BookDepth,
    /// The venue's largest quantity.
    VenueMaximum,
    /// A delegated agent's fixed size.
    Delegation,
    /// A close: the position itself.
    Position,
}

/// The gate's word on an intent: every rule that applied, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether the order may go.
    pub approved: bool,
    /// What bound its size.
    pub bound: Bound,
    /// Each rule's result.
    pub rules: Vec<RuleResult>,
}

impl Verdict {
    /// The rules that denied it, in order.
    pub fn denials(&self) -> impl Iterator<Item = &RuleResult> {
        self.rules.iter().filter(|rule| !rule.passed)
    }
}
