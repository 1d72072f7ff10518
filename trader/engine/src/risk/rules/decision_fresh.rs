//! The decision is at most one bar old (30 s when live), counted from its round's close, and enough
//! agents took part in it.

use super::{Outcome, known};
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let limit = facts.decision_fresh_for;
    let age = facts.decision_age;
    let fresh = age.is_some_and(|age| age <= limit);
    Outcome::new(known(age, RuleValue::Span), RuleValue::Span(limit), fresh && facts.quorate)
}
