//! The symbol's last data were received at most `maxDataAge` ago. Before the first there is no age, and no entry.

use super::{Outcome, known};
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let limit = facts.limits.max_data_age;
    let age = facts.data_age;
    Outcome::new(
        known(age, RuleValue::Span),
        RuleValue::Span(limit),
        age.is_some_and(|age| age <= limit),
    )
}
