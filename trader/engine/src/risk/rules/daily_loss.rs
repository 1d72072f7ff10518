//! Less than `maxDailyLoss` of the equity at 00:00 UTC was lost since.

use super::Outcome;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let (loss, limit) = (facts.daily_loss, facts.limits.max_daily_loss);
    Outcome::new(RuleValue::Ratio(loss), RuleValue::Ratio(limit), loss < limit)
}
