//! The rules, a file each, and the one table that orders them and says to whom they apply.

mod clock_uncertainty;
mod daily_loss;
mod data_age;
mod decision_fresh;
mod drawdown;
mod duplicate_intent;
mod feed_gap;
mod gross_exposure;
mod leverage;
mod liquidation_distance;
mod net_exposure;
mod open_positions;
mod order_notional;
mod order_rate;
mod position_verified;
mod price_collar;
mod size;
mod symbol_status;
mod trading_state;
mod venue_filters;

use super::{Facts, RuleId, RuleResult, RuleValue};
use crate::order::IntentClass;

/// A rule's word on an intent.
pub(super) struct Outcome {
    input: RuleValue,
    limit: RuleValue,
    passed: bool,
}

impl Outcome {
    const fn new(input: RuleValue, limit: RuleValue, passed: bool) -> Self {
        Self { input, limit, passed }
    }
}

/// An input that may not be known.
fn known<T>(value: Option<T>, wrap: impl FnOnce(T) -> RuleValue) -> RuleValue {
    value.map_or(RuleValue::Unknown, wrap)
}

/// One row of the table.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) id: RuleId,
    classes: &'static [IntentClass],
    judge: fn(&Facts<'_>) -> Outcome,
}

impl Rule {
    const fn new(
        id: RuleId,
        classes: &'static [IntentClass],
        judge: fn(&Facts<'_>) -> Outcome,
    ) -> Self {
        Self { id, classes, judge }
    }

    pub(super) fn applies_to(&self, class: IntentClass) -> bool {
        self.classes.contains(&class)
    }

    pub(super) fn judge(&self, facts: &Facts<'_>) -> RuleResult {
        let Outcome { input, limit, passed } = (self.judge)(facts);
        RuleResult { rule: self.id, input, limit, passed }
    }
}

/// Rules that guard against taking risk on.
const ENTRY: &[IntentClass] = &[IntentClass::Entry];
/// Rules that guard against a request that the venue could not take: no order is exempt. A cancel
/// is no order, and nothing holds it up.
const ALWAYS: &[IntentClass] =
    &[IntentClass::Entry, IntentClass::Exit, IntentClass::Stop, IntentClass::Flatten];

/// Every rule, in the order in which the gate runs them.
pub(super) const RULES: [Rule; 20] = [
    Rule::new(RuleId::TradingState, ENTRY, trading_state::judge),
    Rule::new(RuleId::DataAge, ENTRY, data_age::judge),
    Rule::new(RuleId::FeedGap, ENTRY, feed_gap::judge),
    Rule::new(RuleId::ClockUncertainty, ENTRY, clock_uncertainty::judge),
    Rule::new(RuleId::SymbolStatus, ALWAYS, symbol_status::judge),
    Rule::new(RuleId::DecisionFresh, ENTRY, decision_fresh::judge),
    Rule::new(RuleId::DuplicateIntent, ENTRY, duplicate_intent::judge),
    Rule::new(RuleId::OrderRate, ENTRY, order_rate::judge),
    Rule::new(RuleId::Size, ENTRY, size::judge),
    Rule::new(RuleId::OrderNotional, ENTRY, order_notional::judge),
    Rule::new(RuleId::VenueFilters, ALWAYS, venue_filters::judge),
    Rule::new(RuleId::PriceCollar, ENTRY, price_collar::judge),
    Rule::new(RuleId::LiquidationDistance, ENTRY, liquidation_distance::judge),
    Rule::new(RuleId::GrossExposure, ENTRY, gross_exposure::judge),
    Rule::new(RuleId::NetExposure, ENTRY, net_exposure::judge),
    Rule::new(RuleId::OpenPositions, ENTRY, open_positions::judge),
    Rule::new(RuleId::Leverage, ENTRY, leverage::judge),
    Rule::new(RuleId::DailyLoss, ENTRY, daily_loss::judge),
    Rule::new(RuleId::Drawdown, ENTRY, drawdown::judge),
    Rule::new(RuleId::PositionVerified, ENTRY, position_verified::judge),
];
