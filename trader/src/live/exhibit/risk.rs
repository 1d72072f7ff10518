//! The policy in force, its changes, and how near its limits are.

use std::time::{Duration, SystemTime};

use sapphire_engine::event::PolicyChange;
use sapphire_engine::money::{Amount, Ratio};
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
}

impl PolicyNews {
    pub(super) fn new(labels: &Labels) -> Self {
        let (name, file) = (labels.policy.clone(), labels.policy_file.clone());
        Self { name, file, acknowledged: None, delay: None, refused: None }
    }

    /// A policy acts whole; `delay` is from its file's change, none for the one of the beginning.
    pub(super) fn in_force(&mut self, at: Timestamp, delay: Option<Duration>) {
        self.acknowledged = Some((at, SystemTime::now()));
        self.delay = delay;
        if delay.is_some() {
            self.refused = None;
        }
    }

    pub(super) fn refused(&mut self, why: &str) {
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
            pending: engine.pending_policy().map(|pending| pending_policy(engine, pending)),
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

fn pending_policy(engine: &Engine, pending: &PolicyChange) -> view::PendingPolicy {
    let limits = |policy| serde_json::to_value(policy).unwrap_or_default();
    let (now, then) = (limits(&engine.policy().limits), limits(&pending.policy.limits));
    // What is stricter acts already: what still differs is looser.
    let looser = then.as_object().into_iter().flatten();
    let looser = looser.filter(|(name, value)| now.get(name.as_str()) != Some(value));
    view::PendingPolicy {
        generation: pending.generation,
        looser: looser.map(|(name, _)| name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
