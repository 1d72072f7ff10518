//! The strictest trading state of all sources is `Active`.

use super::Outcome;
use crate::policy::TradingState;
use crate::risk::{Facts, RuleValue};

pub(super) fn judge(facts: &Facts<'_>) -> Outcome {
    let state = facts.trading_state;
    Outcome::new(
        RuleValue::State(state),
        RuleValue::State(TradingState::Active),
        state == TradingState::Active,
    )
}
