//! The policy in force, its changes, and how near its limits are.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use sapphire_engine::event::PolicyChange;
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::policy::Policy;
use sapphire_engine::risk::RuleValue;
use sapphire_engine::time::Timestamp;
use sapphire_engine::{Engine, Headroom};

use super::{Exhibit, Labels};
use crate::api::view;

/// How the policy came to be in force.
#[derive(Debug, Clone)]
pub(super) struct PolicyNews {
    name: String,
    file: String,
    acknowledged: Option<(Timestamp, SystemTime)>,
    delay: Option<Duration>,
    refused: Option<(SystemTime, String)>,
    pending: Option<view::PendingPolicy>,
}

impl PolicyNews {
    pub(super) fn new(labels: &Labels) -> Self {
        let (name, file) = (labels.policy.clone(), labels.policy_file.clone());
        Self { name, file, acknowledged: None, delay: None, refused: None, pending: None }
    }

    /// A policy acts whole; `delay` is from its file's change, none for the one of the beginning.
    pub(super) fn in_force(&mut self, at: Timestamp, delay: Option<Duration>) {
        self.acknowledged = Some((at, SystemTime::now()));
        self.delay = delay;
    }

    /// The file holds `policy`, whatever was refused before; what of it does not act is shown as
    /// waiting.
    pub(super) fn holds(&mut self, engine: &Engine, policy: &PolicyChange) {
        self.refused = None;
        let changes = changes(engine.policy(), &policy.policy);
        self.pending = (!changes.is_empty()).then(|| view::PendingPolicy {
            generation: engine.enforced_policy().generation + 1,
            hash: policy.hash.clone(),
            changes,
            waits_for: "its file to stand still: somebody may be writing it".to_owned(),
        });
    }

    pub(super) fn refused(&mut self, why: &str) {
        self.pending = None;
        self.refused = Some((SystemTime::now(), why.to_owned()));
    }

    fn in_force_now(&self, engine: &Engine) -> view::PolicyInForce {
        let policy = engine.enforced_policy();
        let millis = |delay: Duration| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        view::PolicyInForce {
            name: self.name.clone(),
            generation: policy.generation,
            hash: policy.hash.clone(),
            acknowledged_at: self.acknowledged.map(|(at, _)| at.into()),
            acknowledged_wall_time: self.acknowledged.map(|(_, wall)| wall.into()),
            delay_millis: self.delay.map(millis),
            file: self.file.clone(),
            stale_after: policy.policy.stale_after.to_string(),
            lost: engine.lost_policy().map(|word| view::LostPolicy {
                since: word.since.into(),
                reason: word.reason.clone(),
            }),
            last_refused: self.refused.as_ref().map(|(at, message)| view::RefusedPolicy {
                at: (*at).into(),
                message: message.clone(),
            }),
        }
    }
}

impl Exhibit {
    pub(super) fn risk(&self, engine: &Engine) -> view::Risk {
        let halted = self.stands.as_ref().map(|(since, _)| *since);
        view::Risk {
            policy: self.policy.in_force_now(engine),
            trading_state: self.trading_state(engine),
            on_halt: engine.policy().on_halt.into(),
            flat: engine.is_flat(),
            flat_since: engine.flat_since().map(Into::into),
            halted_at: engine.halted_since().or(halted).map(Into::into),
            limits: engine.headroom().iter().filter_map(limit_use).collect(),
            pending: self.policy.pending.clone(),
        }
    }
}

/// A limit and how much of it is used, in decimals; what is not known is not shown.
fn limit_use(row: &Headroom) -> Option<view::LimitUse> {
    let units = |value: RuleValue| match value {
        RuleValue::Amount(amount) => Some((amount, "quote")),
        RuleValue::Ratio(ratio) => Some((Amount(ratio.0.into()), "ratio")),
        RuleValue::Count(count) => Some((Amount::whole(count), "count")),
        _ => None,
    };
    let ((limit, unit), (value, _)) = (units(row.limit)?, units(row.value)?);
    let unit = if row.name == "maxLeverage" { "x" } else { unit };
    let used = value.max(Amount::ZERO);
    Some(view::LimitUse {
        name: row.name.to_owned(),
        unit: unit.to_owned(),
        limit: limit.into(),
        value: used.into(),
        headroom: (limit - used).max(Amount::ZERO).into(),
        fraction: used.ratio_of(limit).unwrap_or(Ratio::ONE).into(),
    })
}

/// What differs, by the names that the RiskPolicy gives it.
fn changes(from: &Policy, to: &Policy) -> Vec<String> {
    let (from, to) = (fields(from), fields(to));
    let differs = |(name, value): &(String, _)| from.get(name) != Some(value);
    to.into_iter().filter(differs).map(|(name, _)| name).collect()
}

/// A policy's fields, its limits among them.
fn fields(policy: &Policy) -> BTreeMap<String, serde_json::Value> {
    let json = |value: serde_json::Result<serde_json::Value>| match value {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let mut all = json(serde_json::to_value(policy));
    all.remove("limits");
    all.extend(json(serde_json::to_value(&policy.limits)));
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_as_in_the_manifest() {
        let before = crate::report::tests::started().config.policy.policy;
        assert_eq!(changes(&before, &before), Vec::<String>::new());
        let mut after = before.clone();
        after.limits.max_drawdown = Ratio::percent(99);
        after.limits.order_burst += 1;
        after.exits.time_stop_bars = Some(77);
        after.stale_after = sapphire_engine::time::Span::secs(7);
        assert_eq!(changes(&before, &after), ["exits", "maxDrawdown", "orderBurst", "staleAfter"]);
    }

    #[test]
    fn a_day_that_gained_uses_nothing_of_the_loss_limit() {
        let row = Headroom {
            name: "maxDailyLoss",
            limit: RuleValue::Ratio(Ratio::percent(5)),
            value: RuleValue::Ratio(Ratio(-320_000)),
        };
        let told = limit_use(&row).unwrap();
        let [value, headroom, fraction] =
            [&told.value, &told.headroom, &told.fraction].map(ToString::to_string);
        assert_eq!([value.as_str(), headroom.as_str(), fraction.as_str()], ["0.00", "0.05", "0"]);
    }
}
