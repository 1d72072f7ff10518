//! The venue's clock is known to `maxClockUncertainty`: an expiry means nothing otherwise.

use super::{Outcome, known};
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let limit = facts.limits.max_clock_uncertainty;
    let uncertainty = facts.clock_uncertainty;
    Outcome::new(
        known(uncertainty, RuleValue::Span),
        RuleValue::Span(limit),
        uncertainty.is_some_and(|u| u <= limit),
    )
}
