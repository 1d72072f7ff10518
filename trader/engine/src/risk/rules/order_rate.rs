//! The order rate has room: the policy's, the venue's less the reserve that exits own, and a
//! delegated agent's own.

use super::Outcome;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let allowance = facts.order_allowance;
    Outcome::new(RuleValue::Count(allowance.into()), RuleValue::Count(1), allowance >= 1)
}
