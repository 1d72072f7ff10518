//! At most `maxOpenPositions` symbols have a position or a working entry.

use super::Outcome;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let (open, limit) = (facts.open_positions, facts.limits.max_open_positions);
    Outcome::new(RuleValue::Count(open.into()), RuleValue::Count(limit.into()), open <= limit)
}
