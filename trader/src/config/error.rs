use sapphire_crds::one_of::NotOne;
use sapphire_engine::instrument::{InstrumentError, SymbolError};
use sapphire_engine::money::DecimalError;

/// Why valid manifests cannot be run here.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A number that no integer of ours holds.
    #[error(transparent)]
    Decimal(DecimalError),
    /// A name that is no symbol.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// An instrument that money would not be exact on.
    #[error("venue.paper.instruments: {0}")]
    Instrument(#[from] InstrumentError),
    /// A message that would take longer than an hour.
    #[error(
        "venue.paper.latency.{field} is {value}: a message takes at most 1h; a usual way to a venue is 5ms to 200ms"
    )]
    Latency {
        /// Which.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// A choice that is none.
    #[error(transparent)]
    Choice(#[from] NotOne),
    /// A venue that this version does not trade on.
    #[error(
        "venue.{0} is not traded on by this version: use venue.paper with data.file or data.files"
    )]
    Venue(&'static str),
    /// A strategy that this version has no engine for.
    #[error("TradingAgent {agent}: this version has no engine for the strategy {strategy}")]
    Strategy {
        /// Whose.
        agent: String,
        /// Which.
        strategy: &'static str,
    },
    /// Parameters that a strategy refuses.
    #[error("TradingAgent {agent}: {error}")]
    Parameters {
        /// Whose.
        agent: String,
        /// Why.
        error: sapphire_agents::ConfigError,
    },
    /// A symbol without data.
    #[error("symbol {0} has no recording: add one under venue.paper.data.files, or leave it out")]
    NoData(String),
    /// One file of bars cannot hold several symbols.
    #[error(
        "venue.paper.data.file is one recording, but the system trades {0}: give each a file of its own under data.files"
    )]
    OneFileManySymbols(String),
    /// The environment forbids real money.
    #[error(
        "live: true, but ENABLE_PAPER_TRADING=true forbids real money: unset it, or remove live"
    )]
    PaperOnly,
    /// An environment variable that says nothing sensible.
    #[error("environment variable {name} is `{value}`: {remedy}")]
    Environment {
        /// Which.
        name: &'static str,
        /// What it says.
        value: String,
        /// What it should say.
        remedy: &'static str,
    },
    /// Nothing is left to trade.
    #[error(
        "TRADING_SYMBOLS={0} leaves no symbol of the manifest to trade: name at least one of {1}"
    )]
    NoSymbols(String, String),
    /// Something has no canonical form.
    #[error("cannot hash the manifests: {0}")]
    Hash(#[from] serde_json::Error),
}
