//! What the order opens is worth at most `maxOrderNotional`. What a reversal closes is an exit, and
//! counts no more than any other exit does.

use super::{Outcome, known};
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let worth = facts.price.map(|price| facts.instrument.notional(price, facts.opens));
    let limit = facts.limits.max_order_notional;
    let small_enough = limit
        .is_none_or(|limit| worth.is_some_and(|worth| worth <= limit && !worth.is_saturated()));
    Outcome::new(known(worth, RuleValue::Amount), known(limit, RuleValue::Amount), small_enough)
}
