//! Maximum drawdown.

use super::mean;

/// The deepest fall of the compounded curve below its highest point so far, its start (1) included, as
/// a share of that point: 0 when it never fell, 1 when all was lost, more when more than that. (The
/// references give the same number with a minus sign.) `None` for no returns, or when any is no number.
#[must_use]
pub fn max_drawdown(returns: &[f64]) -> Option<f64> {
    mean(returns)?;
    let (mut curve, mut peak, mut deepest) = (1.0_f64, 1.0_f64, 0.0_f64);
    for r in returns {
        curve *= 1.0 + r;
        peak = peak.max(curve);
        deepest = deepest.max(1.0 - curve / peak);
    }
    deepest.is_finite().then_some(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::never_fell(&[0.1, 0.0, 0.2], Some(0.0))]
    #[case::fell_from_the_start(&[-0.25, 0.1], Some(0.25))]
    #[case::deepest_of_two(&[-0.1, 0.5, -0.5, 0.25, -0.1], Some(0.5))]
    #[case::compounds(&[1.0, -0.5, -0.5], Some(0.75))]
    #[case::all_lost(&[0.5, -1.0, 0.3], Some(1.0))]
    #[case::nothing(&[], None)]
    #[case::no_number(&[0.1, f64::NAN], None)]
    fn is_measured_from_the_highest_point_so_far(
        #[case] returns: &[f64],
        #[case] expected: Option<f64>,
    ) {
        assert_eq!(max_drawdown(returns), expected);
    }
}
