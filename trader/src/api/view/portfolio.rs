use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decimal, Time};

/// The account, in quote currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortfolioSummary {
    /// Wallet balance and unrealised profit and loss, at the mark.
    pub equity: Decimal,
    /// What the account holds without open positions' profit and loss.
    pub wallet_balance: Decimal,
    /// What is free to trade with.
    pub cash: Decimal,
    /// Profit and loss of what was closed, before fees and funding.
    pub realized_pnl: Decimal,
    /// Profit and loss of what is open, at the mark.
    pub unrealized_pnl: Decimal,
    /// Fees paid; rebates count against them.
    pub fees: Decimal,
    /// Funding received, less funding paid.
    pub funding: Decimal,
    /// Wallet balance at the start.
    pub initial_balance: Decimal,
    /// Highest equity so far, adjusted for transfers.
    pub high_water_mark: Decimal,
    /// Fall of equity from the high-water mark, as a share of it.
    pub drawdown: Decimal,
    /// Loss since 00:00 UTC, as a share of the equity then; 0 on a gain.
    pub daily_loss: Decimal,
    /// What the drawdown does to trading.
    pub drawdown_state: DrawdownState,
    /// What the initial balance would be worth, had it bought and held.
    pub buy_and_hold: Decimal,
    /// The moment of the marks; null before the first.
    pub as_of: Option<Time>,
    /// Whether the venue has confirmed every position; until it has, this is our own count.
    pub verified: bool,
}

/// What a drawdown does to trading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum DrawdownState {
    /// Nothing.
    Normal,
    /// From 50 % of the limit: half size.
    Caution,
    /// From 80 %: only what shrinks exposure.
    Reducing,
    /// At the limit: halted.
    Halted,
}

/// One point of the curves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EquityPoint {
    /// When.
    pub t: Time,
    /// Equity.
    pub equity: Decimal,
    /// Fall from the high-water mark, as a share of it.
    pub drawdown: Decimal,
    /// What the initial balance would be worth, had it bought and held.
    pub buy_and_hold: Decimal,
}

/// The account and its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Portfolio {
    /// The account now.
    #[serde(flatten)]
    pub summary: PortfolioSummary,
    /// The run so far, evenly thinned to the number of points that was asked for; the newest is
    /// always among them.
    pub history: Vec<EquityPoint>,
}

/// The stream's portfolio: the account and the newest point of its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortfolioUpdate {
    /// The account now.
    #[serde(flatten)]
    pub summary: PortfolioSummary,
    /// The newest point; null before the first.
    pub point: Option<EquityPoint>,
}
