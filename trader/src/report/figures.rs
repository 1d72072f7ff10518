//! The report as data: its JSON. Amounts, prices, quantities and ratios are decimal strings, times
//! RFC 3339.

use std::collections::BTreeMap;

use sapphire_engine::ids::RunId;
use sapphire_engine::instrument::{Instrument, PriceTicks, Symbol};
use sapphire_engine::journal::{Hash, StateSource};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{Purpose, Side};
use sapphire_engine::policy::TradingState;
use sapphire_engine::time::Timestamp;
use serde::{Serialize, Serializer};

use super::builder::FillMark;
use super::curve::{Fall, Point};
use crate::market::Quality;
use crate::market::stamp::{rfc3339, rfc3339_or_null};

/// A run, summed up.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The desk's name.
    pub system: String,
    /// The run.
    pub run_id: RunId,
    /// The engine's version.
    pub engine: String,
    /// Why it ended; `None` while it runs.
    pub ending: Option<String>,
    /// From the first bar's open to the last event; `None` before the first bar.
    pub period: Option<Period>,
    /// Length of a bar.
    pub bar_interval: String,
    /// Bars of all symbols.
    pub bars: u64,
    /// What became of the money.
    pub performance: Performance,
    /// What buying all symbols in equal parts at the first price, and holding, would have brought.
    pub buy_and_hold: BuyAndHoldFigures,
    /// What the gain is made of.
    pub breakdown: BreakdownFigures,
    /// Closed trades in figures.
    pub trades: TradeFigures,
    /// Closed trades' gains by agent: each by its weight among those that agreed on the entry.
    pub voters: Vec<VoterFigures>,
    /// By symbol.
    pub symbols: Vec<SymbolFigures>,
    /// How many orders ended in each state.
    pub orders: BTreeMap<String, u64>,
    /// How often each rule of the gate denied an intent.
    pub denials: BTreeMap<String, u64>,
    /// When the desk might not trade freely, and why.
    pub restrictions: Vec<Restriction>,
    /// The journal's head: what `journal verify` checks against.
    pub journal: Option<JournalHead>,
    /// How fast it ran; differs from run to run.
    pub speed: Option<Speed>,
    /// The curve, thinned to a few thousand points.
    pub curve: Vec<CurvePoint>,
    /// Every closed trade, in the order of their ends, then those that are open.
    pub round_trips: Vec<RoundTrip>,
    #[serde(skip)]
    pub(super) charts: Charts,
}

/// What only the page draws.
#[derive(Debug, Clone, Default)]
pub(super) struct Charts {
    pub points: Vec<Point>,
    pub instruments: Vec<Instrument>,
    pub prices: Vec<Vec<(Timestamp, PriceTicks)>>,
    pub fills: Vec<FillMark>,
}

/// A span of event time.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// Its beginning.
    #[serde(serialize_with = "rfc3339")]
    pub from: Timestamp,
    /// Its end.
    #[serde(serialize_with = "rfc3339")]
    pub to: Timestamp,
}

/// What became of the money.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Performance {
    /// Balance at the start.
    pub initial_balance: Amount,
    /// Marked equity at the end.
    pub final_equity: Amount,
    /// The difference, transfers aside.
    pub gain: Amount,
    /// The gain over the initial balance.
    pub total_return: Option<Ratio>,
    /// The return a year, compounded, at 365 days; `None` under 7 days.
    pub annual_return: Option<Ratio>,
    /// The deepest fall of marked equity, measured at bars' closes.
    pub max_drawdown: Option<Drawdown>,
    /// Of the returns per UTC day, annualised at 365 days, without a risk-free rate.
    pub sharpe: Option<Ratio>,
    /// The same against losing days alone.
    pub sortino: Option<Ratio>,
    /// Sample deviation of daily returns, annualised.
    pub volatility: Option<Ratio>,
    /// The share of bars that closed with a position.
    pub exposure: Option<Ratio>,
    /// Value of all fills.
    pub turnover: Amount,
}

/// The deepest fall from a highest point.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drawdown {
    /// As a share of the highest point.
    pub depth: Ratio,
    /// When the highest point was.
    #[serde(serialize_with = "rfc3339")]
    pub peak: Timestamp,
    /// When it was deepest.
    #[serde(serialize_with = "rfc3339")]
    pub trough: Timestamp,
}

impl From<Fall> for Drawdown {
    fn from(Fall { depth, peak, trough }: Fall) -> Self {
        Self { depth, peak, trough }
    }
}

/// What doing nothing clever would have brought.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuyAndHoldFigures {
    /// Its worth at the end.
    pub final_equity: Amount,
    /// Its gain over the initial balance.
    pub total_return: Option<Ratio>,
    /// Its deepest fall.
    pub max_drawdown: Option<Drawdown>,
}

/// What the gain is made of: `price - slippage - fees + funding + unexplained = gain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakdownFigures {
    /// What positions gained by price, had each fill had the price expected of it.
    pub price: Amount,
    /// What fills cost beyond the price expected when the order was made (a market order's far
    /// touch or mark, a stop's trigger); negative is better than expected.
    pub slippage: Amount,
    /// Fees paid; negative is a rebate.
    pub fees: Amount,
    /// Funding received; negative was paid.
    pub funding: Amount,
    /// What the fills do not explain: anything but zero is an error in the accounts.
    pub unexplained: Amount,
    /// All of it.
    pub gain: Amount,
    /// Money that came in (positive) or left; no part of the gain.
    pub transfers: Amount,
}

/// Closed trades in figures. A trade is a position's life from flat to flat, fees and funding
/// included.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TradeFigures {
    /// All.
    pub count: u64,
    /// Those with a gain.
    pub wins: u64,
    /// Those with a loss.
    pub losses: u64,
    /// Wins over all.
    pub win_rate: Option<Ratio>,
    /// Mean gain of wins.
    pub average_win: Option<Amount>,
    /// Mean loss of losses, negative.
    pub average_loss: Option<Amount>,
    /// Gains of wins over losses of losses; `None` without a loss.
    pub profit_factor: Option<Ratio>,
    /// Largest gain.
    pub best: Option<Amount>,
    /// Largest loss, or smallest gain.
    pub worst: Option<Amount>,
    /// Mean time from the first fill to the last, in seconds.
    pub average_seconds: Option<i64>,
}

/// What trades brought to one agent.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoterFigures {
    /// Its name; `None` for what no agent decided.
    pub agent: Option<String>,
    /// Its strategy.
    pub strategy: Option<String>,
    /// Closed trades that it agreed on.
    pub trades: u64,
    /// Of them, with a gain.
    pub wins: u64,
    /// Its share of their gains.
    pub gain: Amount,
}

/// One symbol.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolFigures {
    /// Which.
    pub symbol: Symbol,
    /// Closed trades.
    pub trades: u64,
    /// Their gain.
    pub gain: Amount,
    /// What is still open.
    pub open: Option<OpenPosition>,
    /// The file, and what was odd about it.
    pub data: Option<DataFigures>,
}

/// A position that is open at the end.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenPosition {
    /// The side that it is on.
    pub side: Side,
    /// How much is held.
    pub quantity: Amount,
    /// The last price.
    pub mark: Option<Amount>,
    /// What its trade would gain if it were closed there, without the closing fee.
    pub gain: Amount,
}

/// Where the data came from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataFigures {
    /// Of the file's raw bytes.
    pub sha256: Hash,
    /// What was odd.
    pub quality: Quality,
}

/// A time in which the desk might not trade freely.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restriction {
    /// Since when.
    #[serde(serialize_with = "rfc3339")]
    pub from: Timestamp,
    /// Until when; `None` when it was so at the end.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub to: Option<Timestamp>,
    /// What it was allowed.
    pub state: TradingState,
    /// Whose word it was.
    pub source: StateSource,
    /// Why.
    pub reason: String,
}

/// The end of the journal.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalHead {
    /// The last record's number.
    pub sequence: u64,
    /// The chain's hash there.
    pub hash: Hash,
}

/// How fast a run was.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Speed {
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Market events taken in.
    pub events: u64,
    /// Market events a second.
    pub events_per_second: f64,
    /// Bars a second.
    pub bars_per_second: f64,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurvePoint {
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub t: Timestamp,
    /// Marked equity.
    pub equity: Amount,
    /// What buying and holding would be worth.
    pub buy_and_hold: Amount,
}

/// A trade.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundTrip {
    /// The instrument.
    pub symbol: Symbol,
    /// The side that it was on.
    pub side: Side,
    /// Its first fill.
    #[serde(serialize_with = "rfc3339")]
    pub opened: Timestamp,
    /// Its last fill; `None` while it is open.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub closed: Option<Timestamp>,
    /// All that was bought (long) or sold (short).
    pub quantity: Amount,
    /// Average price of the entries.
    pub entry_price: Amount,
    /// Average price of the exits; of an open trade, what is left counts at the last price.
    pub exit_price: Amount,
    /// Gain by price, slippage included.
    pub gross: Amount,
    /// Fees paid.
    pub fees: Amount,
    /// Funding received; negative was paid.
    pub funding: Amount,
    /// What fills cost beyond the prices expected of them.
    pub slippage: Amount,
    /// `gross - fees + funding`.
    pub net: Amount,
    /// What closed it, `Reversal` where an entry turned it around; `None` for a liquidation, or while
    /// it is open.
    #[serde(serialize_with = "exit_or_null")]
    pub exit: Option<Purpose>,
    /// The decision that opened it: `why` tells its lineage.
    pub decision: Option<u64>,
    /// Who agreed on that decision.
    pub agents: Vec<String>,
}

/// An entry on the other side closes what it turns around.
#[allow(clippy::ref_option)] // serde calls it
fn exit_or_null<S: Serializer>(exit: &Option<Purpose>, serializer: S) -> Result<S::Ok, S::Error> {
    match exit {
        Some(Purpose::Entry) => serializer.serialize_str("Reversal"),
        other => other.serialize(serializer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_closes_a_trade_is_a_reversal_in_the_json_too() {
        let written = |exit| exit_or_null(&exit, serde_json::value::Serializer).unwrap();
        assert_eq!(written(Some(Purpose::Entry)), "Reversal");
        assert_eq!(written(Some(Purpose::TakeProfit)), "TakeProfit");
        assert!(written(None).is_null());
    }
}
