use std::collections::BTreeMap;

use sapphire_engine::{journal, policy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decimal, Time};

/// What the desk is, and how it is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemStatus {
    /// The TradingSystem's name.
    pub system: String,
    /// Sapphire's version.
    pub version: String,
    /// The run that ids derive from: 16 hexadecimal digits.
    pub run_id: String,
    /// `Paper`: no real money is at stake.
    pub mode: String,
    /// The venue's name.
    pub venue: String,
    /// Where the run is in its life.
    pub phase: Phase,
    /// The trading state in force: the strictest of all sources.
    pub trading_state: TradingState,
    /// Every source that asks for less than `Active`, the strictest first.
    pub trading_state_reasons: Vec<StateReason>,
    /// Event time: how far the desk has got in its data. Null before the first event.
    pub event_time: Option<Time>,
    /// When the process began, by the machine's clock.
    pub started_wall_time: Time,
    /// How much of recorded data has been played; null where there is no end to reach.
    pub progress: Option<Progress>,
    /// Length of a bar, such as `1h`.
    pub bar_interval: String,
    /// Every symbol of the desk.
    pub symbols: Vec<SymbolStatus>,
    /// Where the journal is kept: `embedded` is a file of this process.
    pub storage: String,
    /// How parts of the desk talk: `embedded` is within this process.
    pub bus: String,
    /// What an operator should know of this run, in sentences.
    pub notes: Vec<String>,
    /// The journal's newest record.
    pub journal: JournalHead,
    /// The run's summary, once it is over.
    pub report: Option<Report>,
}

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Phase {
    /// Reading its journal and its data.
    Starting,
    /// Trading, as far as the trading state allows.
    Running,
    /// The data are at their end.
    Finished,
    /// Told to leave: entries are cancelled, stops are kept.
    Stopping,
    /// It cannot go on: see `notes` and the health report's last error.
    Failed,
}

/// Whether the desk may trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum TradingState {
    /// Everything the rules allow.
    Active,
    /// Only what shrinks exposure.
    Reducing,
    /// No entries; only a person lifts it.
    Halted,
}

impl From<policy::TradingState> for TradingState {
    fn from(state: policy::TradingState) -> Self {
        match state {
            policy::TradingState::Active => Self::Active,
            policy::TradingState::Reducing => Self::Reducing,
            policy::TradingState::Halted => Self::Halted,
        }
    }
}

/// Whose word a trading state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum StateSource {
    /// The RiskPolicy's `tradingState`.
    Policy,
    /// A person's command.
    Command,
    /// The engine's own: drawdown, daily loss, a stop that cannot stand.
    Engine,
}

impl From<journal::StateSource> for StateSource {
    fn from(source: journal::StateSource) -> Self {
        match source {
            journal::StateSource::Policy => Self::Policy,
            journal::StateSource::Command => Self::Command,
            journal::StateSource::Engine => Self::Engine,
        }
    }
}

/// One source's word on the trading state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateReason {
    /// Whose word.
    pub source: StateSource,
    /// What it asks for.
    pub state: TradingState,
    /// Why.
    pub reason: String,
    /// Since when; null from the start.
    pub since: Option<Time>,
}

/// How far recorded data have been played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Events played.
    pub done: u64,
    /// Events there are.
    pub total: u64,
    /// `done / total`, 0 to 1.
    pub fraction: Decimal,
}

impl Progress {
    /// `done` of `total`; of nothing, all is done.
    #[must_use]
    pub fn new(done: u64, total: u64) -> Self {
        let hundredths_of_percent = match total {
            0 => 10_000,
            _ => u128::from(done.min(total)) * 10_000 / u128::from(total),
        };
        // At most 10,000: it fits.
        let ratio = i64::try_from(hundredths_of_percent).unwrap_or_default() * 10_000;
        Self { done, total, fraction: sapphire_engine::money::Ratio(ratio).into() }
    }
}

/// One symbol's market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SymbolStatus {
    /// The venue's name of it.
    pub symbol: String,
    /// The smallest step of its price.
    pub tick_size: Decimal,
    /// The smallest step of its quantity.
    pub lot_size: Decimal,
    /// Whether its data come.
    pub feed: Feed,
    /// The newest price; null before the first.
    pub last_price: Option<Decimal>,
    /// Change of the price over 24 hours as a share of it; null before there are 24 hours of data.
    pub change24h: Option<Decimal>,
    /// Traded quantity over 24 hours, in base units; null before there are 24 hours of data.
    pub volume24h: Option<Decimal>,
    /// When its newest event was.
    pub last_event_time: Option<Time>,
    /// What its feed last failed with.
    pub last_error: Option<String>,
    /// Whether a person paused entries on it.
    pub paused: bool,
}

/// Whether a symbol's data come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Feed {
    /// They come.
    Live,
    /// The feed failed: see `lastError`. Other symbols go on.
    Broken,
    /// Recorded data are at their end.
    Ended,
    /// None has come yet.
    Waiting,
}

/// The journal's newest record. Noted elsewhere, it later shows whether the journal's tail was cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalHead {
    /// Its number, from 1; 0 when the journal is empty.
    pub sequence: u64,
    /// The chain's hash over it and everything before, in hexadecimal.
    pub hash: String,
}

/// What the run amounted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The report as the terminal shows it.
    pub text: String,
    /// One line that says it all.
    pub headline: String,
    /// The same rows as the terminal's, in its order, as people read them.
    pub sections: Vec<ReportSection>,
    /// The summary's figures by name.
    #[serde(flatten)]
    pub figures: BTreeMap<String, String>,
}

/// Rows of the report that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportSection {
    /// What they are about.
    pub title: String,
    /// Whether they need the full width.
    pub wide: bool,
    /// The rows.
    pub facts: Vec<ReportFact>,
}

/// A row of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportFact {
    /// Its name; empty where it goes on with the row above.
    pub name: String,
    /// Its value with unit, such as `12.35 %`; `—` where there is none.
    pub value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_a_share_of_the_whole() {
        assert_eq!(Progress::new(1, 3).fraction.as_str(), "0.3333");
        assert_eq!(Progress::new(7, 7).fraction.as_str(), "1");
        assert_eq!(Progress::new(0, 0).fraction.as_str(), "1");
        assert_eq!(Progress::new(u64::MAX, u64::MAX).fraction.as_str(), "1");
    }

    #[test]
    fn fields_with_digits_keep_the_contracts_spelling() {
        let status = SymbolStatus {
            symbol: "BTCUSD".into(),
            tick_size: Decimal::default(),
            lot_size: Decimal::default(),
            feed: Feed::Waiting,
            last_price: None,
            change24h: None,
            volume24h: None,
            last_event_time: None,
            last_error: None,
            paused: false,
        };
        let json = serde_json::to_value(status).unwrap();
        assert!(json.get("change24h").is_some() && json.get("volume24h").is_some());
    }
}
