//! The worst-case magnitude of the sum of positions is at most `maxNetExposure` times equity.

use super::Outcome;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let limit = facts.equity.times_floor(facts.limits.max_net_exposure);
    let exposure = facts.net_exposure;
    let passed = exposure <= limit && !exposure.is_saturated();
    Outcome::new(RuleValue::Amount(exposure), RuleValue::Amount(limit), passed)
}
