//! The venue's own filters: at least its smallest quantity and notional, at most its largest
//! quantity. What reduces may be below the smallest notional, as the exchange allows.

use super::{Outcome, known};
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let (request, instrument) = (facts.request, facts.instrument);
    let quantity = request.quantity;
    if quantity > instrument.max_quantity {
        return Outcome::new(
            RuleValue::Lots(quantity),
            RuleValue::Lots(instrument.max_quantity),
            false,
        );
    }
    if quantity < instrument.min_quantity {
        return Outcome::new(
            RuleValue::Lots(quantity),
            RuleValue::Lots(instrument.min_quantity),
            false,
        );
    }
    let notional = facts.price.map(|price| instrument.notional(price, quantity));
    let large_enough =
        request.only_reduces() || notional.is_some_and(|n| n >= instrument.min_notional);
    Outcome::new(
        known(notional, RuleValue::Amount),
        RuleValue::Amount(instrument.min_notional),
        large_enough,
    )
}
