//! What the exchange lists and by which rules it trades.

use sapphire_engine::instrument::{Instrument, InstrumentError, Symbol};
use sapphire_engine::money::Ratio;
use sapphire_engine::time::Span;

/// Refusal codes that the engine's own list does not name, as the exchange numbers them.
pub mod code {
    use sapphire_engine::venue::VenueCode;

    /// Close-position is for stop and take-profit market orders only.
    pub const CLOSE_POSITION_KIND: VenueCode = VenueCode(-4136);
    /// That leverage is not offered.
    pub const BAD_LEVERAGE: VenueCode = VenueCode(-4028);
}

/// What a symbol's market is replayed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// Bars only.
    Bars,
    /// A level-2 book, best quotes and trades.
    Depth,
}

/// A tradable instrument and its market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The instrument.
    pub instrument: Instrument,
    /// What its market is replayed from.
    pub feed: Feed,
}

/// What holding a position costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Funding {
    /// Share of the notional at the mark that longs pay each interval; negative: shorts pay.
    pub rate: Ratio,
    /// How often, counted from 00:00 UTC; above zero.
    pub interval: Span,
}

/// The price that conditional orders watch (the exchange's `workingType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TriggerBy {
    /// The last trade: the exchange's default.
    #[default]
    ContractPrice,
    /// The mark price.
    MarkPrice,
}

/// The rules of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How much worse than a bar's price a market order fills, as a share of the price; 0 to below
    /// 1. On depth there is none: an order walks the book.
    pub slippage: Ratio,
    /// What holding a position costs.
    pub funding: Option<Funding>,
    /// The price that conditional orders watch.
    pub trigger_by: TriggerBy,
    /// Whether an account may have one close-position stop and one close-position take-profit per
    /// symbol and side only, as the exchange has it (-4130).
    pub single_close_position: bool,
    /// How long an order that must trade at once waits where nothing trades (between two bars,
    /// without a book) before it expires; above zero, on bars one bar.
    pub patience: Span,
}

/// What is wrong with listings or rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// An instrument that cannot be traded exactly.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// Two of one name.
    #[error("{0} is listed twice: remove one")]
    ListedTwice(Symbol),
    /// Nothing to trade.
    #[error("nothing is listed: name at least one instrument")]
    NothingListed,
    /// More than a symbol's number can hold.
    #[error("{0} instruments are listed, at most 65535 can be")]
    TooMany(usize),
    /// Margins out of order.
    #[error(
        "{symbol}: margins must satisfy 0 <= maintenance < initial <= 1, not {maintenance} and {initial}"
    )]
    Margins {
        /// Whose.
        symbol: Symbol,
        /// As given.
        maintenance: Ratio,
        /// As given.
        initial: Ratio,
    },
    /// A fee rate that would eat the trade, or a liquidation fee below zero.
    #[error("{0}: fee rates must be between -1 and 1, and a liquidation's not negative")]
    Fees(Symbol),
    /// Slippage out of range.
    #[error("slippage must be at least 0 and below 1, not {0}")]
    Slippage(Ratio),
    /// An interval of zero or below.
    #[error("{what} must be longer than zero")]
    Interval {
        /// Which.
        what: &'static str,
    },
    /// A funding rate that would take the position.
    #[error("the funding rate must be between -1 and 1, not {0}")]
    FundingRate(Ratio),
}

impl Rules {
    /// Everything that is wrong with these rules for these listings.
    #[must_use]
    pub fn errors(&self, listings: &[Listing]) -> Vec<RuleError> {
        let mut errors = Vec::new();
        if listings.is_empty() {
            errors.push(RuleError::NothingListed);
        }
        if listings.len() > usize::from(u16::MAX) {
            errors.push(RuleError::TooMany(listings.len()));
        }
        for (place, listing) in listings.iter().enumerate() {
            errors.extend(instrument_errors(&listing.instrument));
            let symbol = listing.instrument.symbol;
            if listings[..place].iter().any(|other| other.instrument.symbol == symbol) {
                errors.push(RuleError::ListedTwice(symbol));
            }
        }
        if !(Ratio::ZERO..Ratio::ONE).contains(&self.slippage) {
            errors.push(RuleError::Slippage(self.slippage));
        }
        if self.patience <= Span::ZERO {
            errors.push(RuleError::Interval { what: "the wait of an order without a market" });
        }
        if let Some(funding) = self.funding {
            if funding.interval <= Span::ZERO {
                errors.push(RuleError::Interval { what: "the funding interval" });
            }
            if funding.rate.0.abs() >= Ratio::ONE.0 {
                errors.push(RuleError::FundingRate(funding.rate));
            }
        }
        errors
    }
}

fn instrument_errors(instrument: &Instrument) -> Vec<RuleError> {
    let mut errors = Vec::new();
    if let Err(error) = instrument.validate() {
        errors.push(error.into());
    }
    let (maintenance, initial) = (instrument.maintenance_margin, instrument.initial_margin);
    if maintenance < Ratio::ZERO || maintenance >= initial || initial > Ratio::ONE {
        errors.push(RuleError::Margins { symbol: instrument.symbol, maintenance, initial });
    }
    let fees = [instrument.maker_fee, instrument.taker_fee, instrument.liquidation_fee];
    if fees.iter().any(|fee| fee.0.abs() >= Ratio::ONE.0) || instrument.liquidation_fee.0 < 0 {
        errors.push(RuleError::Fees(instrument.symbol));
    }
    errors
}
