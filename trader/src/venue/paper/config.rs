//! What a paper venue is made of, in integers.

use sapphire_engine::instrument::SymbolId;
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::Purpose;
use sapphire_engine::time::Span;
use sapphire_engine::venue::VenueCode;
use sapphire_matching::{Funding, Listing, RuleError, Rules, TriggerBy};

/// A paper venue with one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperConfig {
    /// What is traded, and on what its market is replayed; a [`SymbolId`] is a place in this list.
    pub instruments: Vec<Listing>,
    /// The account's money at the start; above zero.
    pub balance: Amount,
    /// How long messages take.
    pub latency: Latency,
    /// How long we wait for an answer before the outcome is unknown; above zero.
    pub timeout: Span,
    /// How much worse than a bar's price a market order fills, as a share of the price.
    pub slippage: Ratio,
    /// What holding a position costs.
    pub funding: Option<Funding>,
    /// The price that conditional orders watch.
    pub trigger_by: TriggerBy,
    /// Whether one close-position stop and take-profit may stand per symbol and side only.
    pub single_close_position: bool,
    /// Length of a bar: the longest that a market order waits for the next one.
    pub bar_interval: Span,
    /// Of the generator behind jitter.
    pub seed: u64,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
}

/// How long messages take; none is below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latency {
    /// From our hand-over of a request to the venue.
    pub submit: Span,
    /// From the venue's event or answer to us.
    pub report: Span,
    /// Most that chance adds to either, evenly spread.
    pub jitter: Span,
}

/// Something that goes wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What it happens to.
    pub on: FaultTrigger,
    /// To which of those that symbol and purpose select, counted from 1 over the whole run.
    pub nth: u32,
    /// Only this symbol's.
    pub symbol: Option<SymbolId>,
    /// Only orders of this purpose.
    pub purpose: Option<Purpose>,
    /// What happens.
    pub kind: FaultKind,
}

/// What a fault happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultTrigger {
    /// A new order, as it is handed over.
    Submit,
    /// A cancellation, as it is handed over.
    Cancel,
    /// A fill, as the venue reports it.
    Fill,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The connection fails before the first byte. An order is known not to have been sent; of a
    /// cancellation nothing is heard.
    NeverSent,
    /// The venue does what was asked, and its answer is lost. A submit's outcome is unknown after
    /// the time-out, later reports still come; a cancellation's removal is not heard of.
    AckLost,
    /// The request is lost on its way: the outcome is unknown after the time-out, nothing was done.
    RequestLost,
    /// The venue refuses, whatever was asked.
    Refused(VenueCode),
    /// The fill is reported twice.
    DuplicateFill,
    /// The fill is reported this much later than it would be.
    LateFill(Span),
    /// The fill is reported right after the one that follows it; alone after the time-out, when
    /// none follows by then.
    OutOfOrderFill,
}

/// What is wrong with a [`PaperConfig`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaperConfigError {
    /// Instruments, slippage, funding or bars.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Nothing to trade with.
    #[error("the balance must be above zero, not {0}")]
    Balance(Amount),
    /// A time that goes back.
    #[error("{what} must not be negative, not {value}")]
    Negative {
        /// Which.
        what: &'static str,
        /// As given.
        value: Span,
    },
    /// No time to answer in.
    #[error("the time-out must be longer than zero")]
    Timeout,
    /// A fault that cannot happen.
    #[error("fault {number}: {why}")]
    Fault {
        /// Its place in the list, from 1.
        number: usize,
        /// What is wrong and what to do.
        why: &'static str,
    },
}

impl PaperConfig {
    /// The exchange's rules.
    pub(super) fn rules(&self) -> Rules {
        Rules {
            slippage: self.slippage,
            funding: self.funding,
            trigger_by: self.trigger_by,
            single_close_position: self.single_close_position,
            patience: self.bar_interval,
        }
    }

    /// Checks everything.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn validate(&self) -> Result<(), Vec<PaperConfigError>> {
        let mut errors: Vec<PaperConfigError> =
            self.rules().errors(&self.instruments).into_iter().map(Into::into).collect();
        if self.balance <= Amount::ZERO {
            errors.push(PaperConfigError::Balance(self.balance));
        }
        if self.timeout <= Span::ZERO {
            errors.push(PaperConfigError::Timeout);
        }
        let Latency { submit, report, jitter } = self.latency;
        for (what, value) in [
            ("the latency of a request", submit),
            ("the latency of a report", report),
            ("the jitter", jitter),
        ] {
            if value < Span::ZERO {
                errors.push(PaperConfigError::Negative { what, value });
            }
        }
        for (place, fault) in self.faults.iter().enumerate() {
            if let Some(why) = fault.objection(self.instruments.len()) {
                errors.push(PaperConfigError::Fault { number: place + 1, why });
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

impl Fault {
    fn objection(&self, symbols: usize) -> Option<&'static str> {
        use FaultKind as K;
        let of_fills = matches!(self.kind, K::DuplicateFill | K::LateFill(_) | K::OutOfOrderFill);
        if of_fills != (self.on == FaultTrigger::Fill) {
            return Some(
                "a fill can be duplicated, late or out of order; a submit or cancel can be never \
                 sent, lost, unacknowledged or refused: change what it is on or the fault",
            );
        }
        if self.nth == 0 {
            return Some("nth counts from 1");
        }
        if self.symbol.is_some_and(|symbol| symbol.index() >= symbols) {
            return Some("its symbol is not listed");
        }
        if let K::LateFill(delay) = self.kind
            && delay <= Span::ZERO
        {
            return Some("a late fill's delay must be longer than zero");
        }
        None
    }
}
