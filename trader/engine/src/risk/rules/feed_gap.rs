//! No part of the symbol's feed is missing: the book is in sequence, nothing is broken.

use super::Outcome;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    Outcome::new(RuleValue::Flag(facts.feed_whole), RuleValue::Flag(true), facts.feed_whole)
}
