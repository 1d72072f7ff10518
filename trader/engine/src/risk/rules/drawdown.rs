//! Marked equity is less than `maxDrawdown` below its high-water mark.

use super::Outcome;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let (drawdown, limit) = (facts.drawdown, facts.limits.max_drawdown);
    Outcome::new(RuleValue::Ratio(drawdown), RuleValue::Ratio(limit), drawdown < limit)
}
