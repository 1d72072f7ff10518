//! The venue's own filters: at least its smallest quantity and notional, at most its largest
//! quantity. What reduces may be below the smallest notional, and what takes a position away whole
//! may be of any size, as the exchange allows: a rest below the smallest quantity must be protected
//! and left like any other position.

use super::{Outcome, known};
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let (request, instrument) = (facts.request, facts.instrument);
    let quantity = request.quantity;
    // The venue takes what the position is then, not what the request says.
    let sized = !request.close_position;
    if sized && quantity > instrument.max_quantity {
        return Outcome::new(
            RuleValue::Lots(quantity),
            RuleValue::Lots(instrument.max_quantity),
            false,
        );
    }
    let takes_all = request.reduce_only && quantity >= facts.position.abs();
    if sized && !takes_all && quantity < instrument.min_quantity {
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
