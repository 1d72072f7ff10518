//! The liquidation price lies at least `liquidationBufferAtr` ATRs beyond the stop, so that the stop
//! is what ends a losing position. Without a stop it is counted from the mark.

use super::{Outcome, known};
use crate::money::Amount;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let Some(liquidation) = facts.liquidation else {
        // No price would liquidate it.
        return Outcome::new(RuleValue::Unknown, RuleValue::Unknown, true);
    };
    let needed = facts.atr.and_then(|atr| {
        let ticks = Amount(atr.into()).times_ceil(facts.limits.liquidation_buffer_atr);
        i64::try_from(ticks.0).ok()
    });
    let beyond = facts
        .stop
        .or(facts.mark)
        .map(|from| from.0.saturating_sub(liquidation.0).saturating_mul(facts.request.side.sign()));
    let passed = beyond.zip(needed).is_some_and(|(beyond, needed)| beyond >= needed);
    Outcome::new(known(beyond, RuleValue::Count), known(needed, RuleValue::Count), passed)
}
