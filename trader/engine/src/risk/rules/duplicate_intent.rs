//! No entry works on the symbol in the same direction already.

use super::Outcome;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let working = facts.duplicates;
    Outcome::new(RuleValue::Count(working.into()), RuleValue::Count(0), working == 0)
}
