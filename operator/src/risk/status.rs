//! What a RiskPolicy's status says.

use std::time::Duration;

use jiff::Timestamp;
use sapphire_crds::RiskPolicy;
use sapphire_crds::conditions::{ConditionType, Reason};
use sapphire_crds::risk_policy::{Binding, RiskPolicyStatus};

use super::bindings::{self, Enforcer, Standing, Wanted};
use crate::context::Context;
use crate::reconcile::conditions::{Answer, Setting};
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;
use crate::reconcile::requests;
use crate::reconcile::status_writer;
use crate::system::limits;

/// Most systems and most pods that the status names.
const LISTED: usize = 200;

/// Writes the policy's hash and who enforces it. `systems` name it; `held` says why the policy is not
/// let go while it is being deleted. Gives when to look again without being woken.
///
/// # Errors
/// When the status cannot be written.
pub(super) async fn tell(
    context: &Context,
    key: &Key,
    policy: &RiskPolicy,
    systems: &[Key],
    held: Option<&Hold>,
) -> Result<Option<Duration>, Hold> {
    let before = policy.status.clone().unwrap_or_default();
    let generation = policy.metadata.generation.unwrap_or(0);
    let mut setting = Setting::new(&before.conditions, generation, Timestamp::now());
    match held {
        Some(Hold::Waiting { reason, message, .. } | Hold::Stalled { reason, message, .. }) => {
            setting.reconciling(*reason, message.clone());
        }
        _ => setting.ready("the policy is read; Enforced tells whether pods act on it"),
    }
    let hash = policy.spec.hash().unwrap_or_default();
    let enforcers: Vec<Enforcer> =
        systems.iter().flat_map(|system| bindings::of_desk(context, system)).collect();
    let since = context.generations.seen_at(key);
    let wanted = Wanted { name: &key.name, generation, hash: &hash, since };
    let (answer, reason, message) = if systems.is_empty() {
        let words = "no TradingSystem names this policy, so it limits nothing";
        (Answer::Unknown, Reason::NoPods, words.to_owned())
    } else if let Some(words) =
        systems.iter().find_map(|desk| limits::stricter(context, desk, policy))
    {
        (Answer::False, Reason::HaltedOtherwise, words)
    } else {
        bindings::enforced(&enforcers, &wanted)
    };
    setting.set(ConditionType::Enforced, answer, reason, message);
    let confirmed: Vec<&Enforcer> =
        enforcers.iter().filter(|e| e.standing(&wanted) == Standing::Confirmed).collect();
    measure(context, key, &before, generation, &confirmed);
    let slowest = context.generations.slowest(key, generation);
    let known = before.slowest.clone().filter(|_| before.observed_generation == Some(generation));
    let names = systems.iter().filter_map(|system| system.name.parse().ok());
    let handled = before.handled.clone().unwrap_or_default();
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let after = RiskPolicyStatus {
        observed_generation: Some(generation),
        trading_state: Some(policy.spec.trading_state),
        hash: hash.parse().ok(),
        systems: names.take(LISTED).collect(),
        bound_pods: number(enforcers.len()),
        confirmed_pods: number(confirmed.len()),
        bindings: rows(&enforcers, &wanted),
        slowest: slowest.or(known),
        handled: requests::handled(policy.metadata.annotations.as_ref(), &handled),
        conditions: setting.finish(),
    };
    let stale_in = enforcers.iter().filter_map(|e| e.report.as_ref()?.stale_in).min();
    if !is_pressing(&before, &after)
        && let Err(pause) = context.pace.policies.turn(key)
    {
        return Ok(Some(stale_in.map_or(pause, |stale_in| stale_in.min(pause))));
    }
    let status = policy.status.as_ref();
    status_writer::write(context, &context.policies, policy, status, &after).await?;
    Ok(stale_in)
}

/// Whether it is written at once however often pods change what they say: the policy's own change, and
/// that a limit does not hold any more. What changes nothing has no need of a turn either.
fn is_pressing(before: &RiskPolicyStatus, after: &RiskPolicyStatus) -> bool {
    let holds = |status: &RiskPolicyStatus| status.conditions.holds(ConditionType::Enforced);
    before == after
        || before.observed_generation != after.observed_generation
        || before.systems != after.systems
        || holds(before) && !holds(after)
}

/// Measures each pod's confirmation once. What the status knows already was measured by whoever wrote it.
fn measure(
    context: &Context,
    key: &Key,
    before: &RiskPolicyStatus,
    generation: i64,
    confirmed: &[&Enforcer],
) {
    let known = |pod: &str| {
        let rows = before.bindings.iter();
        rows.clone().any(|row| row.pod.as_str() == pod && row.generation == generation)
            && before.observed_generation == Some(generation)
            && before.slowest.is_some()
    };
    for enforcer in confirmed.iter().filter(|enforcer| !known(&enforcer.pod)) {
        let Some((seen, heard)) = enforcer.confirmed() else { continue };
        let latency = context.generations.measure(key, generation, &enforcer.pod, seen, heard);
        if let Some(latency) = latency {
            context.metrics.acknowledgements.observe(latency.as_secs_f64());
        }
    }
}

/// A row a pod, by name. Of too many, those that have not confirmed and then the slowest stay.
fn rows(enforcers: &[Enforcer], wanted: &Wanted<'_>) -> Vec<Binding> {
    let mut all: Vec<(&Enforcer, Binding)> =
        enforcers.iter().filter_map(|e| Some((e, e.row(wanted.name)?))).collect();
    if all.len() > LISTED {
        all.sort_by_cached_key(|(enforcer, _)| {
            let confirmed = enforcer.standing(wanted) == Standing::Confirmed;
            let seen = enforcer.confirmed().and_then(|(seen, _)| seen);
            (confirmed, std::cmp::Reverse(seen), enforcer.pod.clone())
        });
        all.truncate(LISTED);
    }
    let mut rows: Vec<Binding> = all.into_iter().map(|(_, row)| row).collect();
    rows.sort_by(|a, b| a.pod.cmp(&b.pod));
    rows
}
