//! Worst-case gross exposure over equity is at most `maxLeverage`.

use super::{Outcome, known};
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let limit = facts.limits.max_leverage;
    let leverage = facts.gross_exposure.ratio_of(facts.equity);
    Outcome::new(
        known(leverage, RuleValue::Ratio),
        RuleValue::Ratio(limit),
        leverage.is_some_and(|l| l <= limit),
    )
}
