//! Sharpe ratio.

use super::mean;
use crate::indicators::count;

/// The annualised Sharpe ratio at a risk-free rate of nothing: `mean / σ · √periods`, σ the sample
/// standard deviation (ddof 1), `periods` the returns in a year (365 for days of a market that never
/// closes). `None` for fewer than two returns, or when they are all the same.
///
/// Source: W. F. Sharpe, *The Sharpe Ratio*, Journal of Portfolio Management, 1994.
#[must_use]
pub fn sharpe(returns: &[f64], periods: f64) -> Option<f64> {
    let mean = mean(returns)?;
    // Returns that are all the same have a mean that may differ from them by a rounding, and with it
    // a deviation of 1e-18 and a ratio of 1e16.
    if returns.len() < 2 || returns.iter().all(|r| *r == returns[0]) {
        return None;
    }
    let squares: f64 = returns.iter().map(|r| (r - mean) * (r - mean)).sum();
    let deviation = libm::sqrt(squares / count(returns.len() - 1));
    let ratio = mean / deviation * libm::sqrt(periods);
    ratio.is_finite().then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing(&[])]
    #[case::one(&[0.01])]
    #[case::all_the_same(&[0.1, 0.1, 0.1])]
    #[case::no_number(&[0.01, f64::NAN, 0.02])]
    fn without_an_answer_there_is_none(#[case] returns: &[f64]) {
        assert_eq!(sharpe(returns, 365.0), None);
    }

    #[test]
    fn a_hand_example_agrees() {
        // Mean 0.02, deviation 0.02 (ddof 1).
        let ratio = sharpe(&[0.0, 0.02, 0.04], 4.0).unwrap();
        assert!((ratio - 2.0).abs() < 1e-12);
    }

    #[test]
    fn no_periods_or_a_negative_number_of_them_has_no_answer() {
        assert_eq!(sharpe(&[0.0, 0.02], -1.0), None);
        assert_eq!(sharpe(&[0.0, 0.02], f64::NAN), None);
    }
}
