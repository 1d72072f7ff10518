//! Measures of a run, from its returns per period (0.01 is one per cent).
//!
//! They agree with `empyrical-reloaded` to 1e-9 (`tests/talib_measures.rs`). Where the formula has no
//! answer (too few returns, nothing that varies, a number that is none) they answer `None`, never NaN
//! or infinity.

mod drawdown;
mod sharpe;
mod sortino;

pub use drawdown::max_drawdown;
pub use sharpe::sharpe;
pub use sortino::sortino;

/// The mean, `None` for no returns or when any is no number.
fn mean(returns: &[f64]) -> Option<f64> {
    if returns.is_empty() || !returns.iter().all(|r| super::is_input(*r)) {
        return None;
    }
    Some(returns.iter().sum::<f64>() / super::count(returns.len()))
}
