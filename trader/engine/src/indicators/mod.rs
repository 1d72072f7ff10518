//! Technical indicators as streaming state machines over `f64`, and measures of a curve of returns.
//!
//! TA-Lib is the reference: every value equals its own to 1e-9 (relative) from the first defined
//! bar on, warm-up included (`tests/talib.rs`, with vectors that TA-Lib made). VPIN and order-flow
//! imbalance, which TA-Lib lacks, follow their papers.
//!
//! Rules that all of them keep:
//! - **Not ready is not a number.** `update` answers `None` until the first defined value; there is
//!   no partial average, no zero, no NaN.
//! - **A bad input is no input.** A NaN, an infinity or a magnitude beyond [`LARGEST_INPUT`] leaves
//!   the state as it was and answers `None` for that bar; the next good bar goes on as if the bad one
//!   had not been. So a NaN in can never become a NaN out.
//! - **Constant cost.** One update is O(1) (amortised where a window is re-summed) and allocates
//!   nothing; windows are allocated once, at construction.
//! - **Bounded drift.** A running sum is recomputed from its window each time the ring wraps, so its
//!   rounding error is that of at most one window, however long the run.
//!
//! Floats are allowed here and nowhere near money: an indicator informs an opinion or the width of a
//! stop, which is rounded to ticks before it becomes an order.
#![allow(clippy::float_arithmetic)]

mod atr;
mod bollinger;
mod bulk_volume;
mod ema;
mod macd;
mod measures;
mod moments;
mod order_flow;
mod rsi;
mod sma;
mod vpin;
mod window;

pub use atr::{Atr, true_range};
pub use bollinger::{Bands, Bollinger};
pub use bulk_volume::{BulkVolume, normal_cdf};
pub use ema::Ema;
pub use macd::{Macd, MacdValue};
pub use measures::{max_drawdown, sharpe, sortino};
pub use moments::RollingMoments;
pub use order_flow::{OrderFlowImbalance, Quotes, order_flow_event};
pub use rsi::Rsi;
pub use sma::Sma;
pub use vpin::{Aggressor, Vpin};

/// The longest period, TA-Lib's own limit.
pub const LONGEST_PERIOD: usize = 100_000;

/// The largest magnitude taken as an input. Its square times [`LONGEST_PERIOD`] is still finite, so
/// no sum in this module can overflow.
pub const LARGEST_INPUT: f64 = 1e100;

/// Why an indicator cannot be constructed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum IndicatorError {
    /// A period of nothing, or of more than anyone could wait for.
    #[error(
        "{indicator}: {parameter} is {given}; use a whole number from {least} to {LONGEST_PERIOD}"
    )]
    Period {
        /// The indicator, as its users call it.
        indicator: &'static str,
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        given: usize,
        /// The smallest legal value.
        least: usize,
    },
    /// A width, volume or the like that must be above zero.
    #[error(
        "{indicator}: {parameter} is {given}; use a number above 0 and at most {LARGEST_INPUT:e}"
    )]
    NotPositive {
        /// The indicator.
        indicator: &'static str,
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        given: f64,
    },
    /// A fast average that is not faster than the slow one.
    #[error(
        "{indicator}: the fast period {fast} must be below the slow period {slow}; swap or change them"
    )]
    FastNotBelowSlow {
        /// The indicator.
        indicator: &'static str,
        /// Fast period, in bars.
        fast: usize,
        /// Slow period, in bars.
        slow: usize,
    },
}

/// Checks a period against `least` and [`LONGEST_PERIOD`].
fn checked_period(
    indicator: &'static str,
    parameter: &'static str,
    given: usize,
    least: usize,
) -> Result<usize, IndicatorError> {
    if (least..=LONGEST_PERIOD).contains(&given) {
        Ok(given)
    } else {
        Err(IndicatorError::Period { indicator, parameter, given, least })
    }
}

/// Checks a parameter that must be above zero.
fn checked_positive(
    indicator: &'static str,
    parameter: &'static str,
    given: f64,
) -> Result<f64, IndicatorError> {
    if given > 0.0 && given <= LARGEST_INPUT {
        Ok(given)
    } else {
        Err(IndicatorError::NotPositive { indicator, parameter, given })
    }
}

/// Whether a value may enter a state; false for NaN and the infinities.
#[inline]
fn is_input(value: f64) -> bool {
    value.abs() <= LARGEST_INPUT
}

/// A count as a float. Counts here stay below 2^53, so the conversion is exact.
#[inline]
#[allow(clippy::cast_precision_loss)]
const fn count(n: usize) -> f64 {
    n as f64
}
