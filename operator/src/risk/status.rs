//! What a RiskPolicy's status says.

use jiff::Timestamp;
use sapphire_crds::RiskPolicy;
use sapphire_crds::conditions::{ConditionType, Reason};
use sapphire_crds::risk_policy::RiskPolicyStatus;

use crate::context::Context;
use crate::reconcile::conditions::{Answer, Setting};
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;
use crate::reconcile::requests;
use crate::reconcile::status_writer;
use crate::wake;

/// Most systems that the status names.
const SYSTEMS: usize = 200;

/// Writes the policy's hash and who is bound to it.
///
/// # Errors
/// When the status cannot be written.
pub(super) async fn tell(context: &Context, key: &Key, policy: &RiskPolicy) -> Result<(), Hold> {
    let before = policy.status.clone().unwrap_or_default();
    let generation = policy.metadata.generation.unwrap_or(0);
    let mut setting = Setting::new(&before.conditions, generation, Timestamp::now());
    let hash = policy.spec.hash().ok();
    let mut systems: Vec<String> =
        wake::systems_under(context, key).into_iter().map(|key| key.name).collect();
    systems.sort();
    systems.truncate(SYSTEMS);
    setting.ready("the policy is read; Enforced tells whether pods act on it");
    setting.set(
        ConditionType::Enforced,
        Answer::False,
        Reason::NoPods,
        "no pod has reported that it enforces this policy",
    );
    let handled = before.handled.clone().unwrap_or_default();
    let after = RiskPolicyStatus {
        observed_generation: Some(generation),
        hash: hash.and_then(|hash| hash.parse().ok()),
        systems: systems.into_iter().filter_map(|name| name.parse().ok()).collect(),
        handled: requests::handled(policy.metadata.annotations.as_ref(), &handled),
        conditions: setting.finish(),
        ..before.clone()
    };
    status_writer::write(context, &context.policies, policy, policy.status.as_ref(), &after).await
}
