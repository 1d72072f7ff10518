//! The risk gate: the only maker of an approved order.

mod verdict;

pub use verdict::{Approved, Bound, RuleId, RuleResult, RuleValue, Verdict};
