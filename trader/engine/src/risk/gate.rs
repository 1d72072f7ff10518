//! The gate: runs every rule that applies to an intent, and makes the approved order.

use super::rules::RULES;
use super::{Approved, Bound, Facts, Verdict};
use crate::order::OrderRequest;

/// Judges an intent. All rules of its class run, in order, whatever the first of them says, so that
/// a denial names every reason; the approved order exists only if all passed.
#[must_use]
pub(crate) fn judge(facts: &Facts<'_>, bound: Bound) -> (Verdict, Option<Approved<OrderRequest>>) {
    let class = facts.request.class();
    let mut rules = Vec::with_capacity(RULES.len());
    rules.extend(RULES.iter().filter(|rule| rule.applies_to(class)).map(|rule| rule.judge(facts)));
    let approved = rules.iter().all(|rule| rule.passed);
    let order = approved.then(|| Approved::new(*facts.request));
    (Verdict { approved, bound, rules }, order)
}

#[cfg(test)]
mod tests;
