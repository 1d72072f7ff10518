//! What the API says, field by field: the contract with Mission Control and with scripts.
//!
//! JSON in camelCase. Amounts, prices, quantities and ratios are [`Decimal`] strings; moments are
//! [`Time`] strings in event time, unless the field's name ends in `WallTime`. The desk fills these
//! from the engine's types, for which conversions stand beside each type.

mod agents;
mod command;
mod decimal;
mod decisions;
mod health;
mod lineage;
mod market;
mod orders;
mod portfolio;
mod positions;
mod risk;
mod status;
mod time;

pub use agents::{Agent, Agents, Authority, LastOpinion};
pub use command::{
    CancelOrder, ClosePosition, CommandAccepted, Halt, Pause, REASON_MAX, Resume, WHO_MAX,
};
pub use decimal::Decimal;
pub use decisions::{
    Action, Decision, Decisions, Denial, Direction, Outcome, Round, VerdictWord, Vote,
};
pub use health::{DataQuality, Health, JournalHealth, LastError};
pub use lineage::{Lineage, LineageStep};
pub use market::{Bar, Fill, Market, MarketUpdate, StopLine};
pub use orders::{Order, OrderState, OrderType, Orders, Pending, Purpose, Side};
pub use portfolio::{DrawdownState, EquityPoint, Portfolio, PortfolioSummary, PortfolioUpdate};
pub use positions::{Position, PositionSide, Positions};
pub use risk::{LimitUse, LostPolicy, OnHalt, PendingPolicy, PolicyInForce, RefusedPolicy, Risk};
pub use status::{
    Feed, JournalHead, Phase, Progress, Report, ReportFact, ReportSection, StateReason,
    StateSource, SymbolStatus, SystemStatus, TradingState,
};
pub use time::Time;
