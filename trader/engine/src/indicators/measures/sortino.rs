//! Sortino ratio.

use super::mean;
use crate::indicators::count;

/// The annualised Sortino ratio at a target of nothing:
/// `mean · periods / (√mean(min(r, 0)²) · √periods)`, the downside mean taken over all returns, gains
/// as zeros. `None` for fewer than two returns, or when none lost.
///
/// Source: F. A. Sortino, L. N. Price, *Performance Measurement in a Downside Risk Framework*, Journal
/// of Investing, 1994.
#[must_use]
pub fn sortino(returns: &[f64], periods: f64) -> Option<f64> {
    let mean = mean(returns)?;
    if returns.len() < 2 {
        return None;
    }
    let squares: f64 = returns.iter().map(|r| r.min(0.0) * r.min(0.0)).sum();
    let downside = libm::sqrt(squares / count(returns.len())) * libm::sqrt(periods);
    let ratio = mean * periods / downside;
    ratio.is_finite().then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing(&[])]
    #[case::one(&[-0.01])]
    #[case::no_loss(&[0.1, 0.0, 0.2])]
    #[case::no_number(&[0.01, f64::INFINITY, -0.02])]
    fn without_an_answer_there_is_none(#[case] returns: &[f64]) {
        assert_eq!(sortino(returns, 365.0), None);
    }

    #[test]
    fn a_hand_example_agrees() {
        // Mean 0.01; downside √(0.02² / 4) = 0.01; × √4.
        let ratio = sortino(&[0.0, -0.02, 0.04, 0.02], 4.0).unwrap();
        assert!((ratio - 2.0).abs() < 1e-12);
    }
}
