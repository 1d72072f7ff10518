//! The venue trades the symbol; for entries, nobody has paused it.

use super::Outcome;
use crate::order::IntentClass;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let paused = facts.symbol_paused && facts.request.class() == IntentClass::Entry;
    let open = facts.symbol_trading && !paused;
    Outcome::new(RuleValue::Flag(open), RuleValue::Flag(true), open)
}
