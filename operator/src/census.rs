//! What is counted when it is asked for.

use kube::Resource;
use sapphire_crds::conditions::{ConditionType, Conditions};

use crate::context::Context;
use crate::metrics::Metrics;
use crate::reconcile::mirror::{Mirror, Refers};

/// Counts the objects that wait for a person. Only the leader counts, so that each counts once; of one that
/// leads no more nothing is left that an alert could hold on to.
pub fn take(context: &Context) {
    let metrics = &context.metrics;
    metrics.stalled.reset();
    if metrics.leading.get() == 0 {
        metrics.failing.reset();
        metrics.queue_depth.reset();
        return;
    }
    stalled(metrics, &context.systems, |system| system.status.as_ref().map(|s| &s.conditions));
    stalled(metrics, &context.agents, |agent| agent.status.as_ref().map(|s| &s.conditions));
    stalled(metrics, &context.policies, |policy| policy.status.as_ref().map(|s| &s.conditions));
}

fn stalled<K>(metrics: &Metrics, objects: &Mirror<K>, conditions: fn(&K) -> Option<&Conditions>)
where
    K: Resource<DynamicType = ()> + Clone + Refers,
{
    for object in objects.all() {
        let found = conditions(&object).and_then(|all| all.get(ConditionType::Stalled));
        if let Some(condition) = found.filter(|condition| condition.status == "True") {
            metrics.stalled.with_label_values(&[&*K::kind(&()), &condition.reason]).inc();
        }
    }
}
