//! The venue has confirmed the position since its last fill: what is not known must not grow.

use super::Outcome;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let verified = facts.position_verified;
    Outcome::new(RuleValue::Flag(verified), RuleValue::Flag(true), verified)
}
