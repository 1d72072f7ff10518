//! The price to expect lies within `priceCollar` of the mark.

use super::{Outcome, known};
use crate::money::Amount;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let limit = facts.limits.price_collar;
    let distance = facts.price.zip(facts.mark).and_then(|(price, mark)| {
        Amount(i128::from(price.0.saturating_sub(mark.0).saturating_abs()))
            .ratio_of(Amount(mark.0.into()))
    });
    Outcome::new(
        known(distance, RuleValue::Ratio),
        RuleValue::Ratio(limit),
        distance.is_some_and(|d| d <= limit),
    )
}
