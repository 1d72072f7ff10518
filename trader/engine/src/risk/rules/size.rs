//! Sizing left something; for a delegated agent, its position stays within its own notional.

use super::Outcome;
use crate::instrument::QtyLots;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let opens = RuleValue::Lots(facts.opens);
    match facts.delegated_notional {
        Some((notional, limit)) if notional > limit || notional.is_saturated() => {
            Outcome::new(RuleValue::Amount(notional), RuleValue::Amount(limit), false)
        }
        _ => Outcome::new(opens, RuleValue::Lots(QtyLots(1)), facts.opens.0 >= 1),
    }
}
