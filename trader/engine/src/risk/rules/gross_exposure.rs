//! The worst-case sum of positions' magnitudes is at most `maxGrossExposure` times equity.

use super::Outcome;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let limit = facts.equity.times_floor(facts.limits.max_gross_exposure);
    let exposure = facts.gross_exposure;
    let passed = exposure <= limit && !exposure.is_saturated();
    Outcome::new(RuleValue::Amount(exposure), RuleValue::Amount(limit), passed)
}
