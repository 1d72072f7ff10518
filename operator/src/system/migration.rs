//! The migration's pod: how it stands, and that it is made anew where the cluster took it away.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sapphire_crds::names::Component;
use sapphire_crds::values::ObjectName;
use tokio::time::Instant;

use super::build::migration_pod;
use super::dereference::Dereferenced;
use super::revise::hash_of;
use super::rollout::Migration;
use super::rollout::plan::Attempt;
use crate::context::Context;
use crate::labels;
use crate::reconcile::child::{ChildRef, Live};
use crate::reconcile::events::Severity;
use crate::reconcile::health::{Health, PodHealth};
use crate::reconcile::kind::Kind;
use crate::reconcile::orphans;
use crate::reconcile::outcome::Hold;
use crate::reconcile::workload::trouble;

/// On the pod: which attempt of the rollout it belongs to. One of an attempt before must not be taken
/// for this one's.
pub const ATTEMPT: &str = "sapphiretrade.xyz/attempt";

/// How long a pod that the cluster took away stays, so that nothing spins where every pod is taken.
const PAUSE: Duration = Duration::from_secs(2);

/// When pods were first seen to have been taken away, by uid.
#[derive(Debug, Default)]
pub struct Disruptions {
    seen: Mutex<HashMap<String, Instant>>,
}

impl Disruptions {
    /// How much of the pause is left.
    fn left(&self, uid: &str) -> Duration {
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, since| now.duration_since(*since) < PAUSE * 10);
        let since = *seen.entry(uid.to_owned()).or_insert(now);
        PAUSE.saturating_sub(now.duration_since(since))
    }
}

/// The pod of a revision.
pub(super) fn pod(desk: &Dereferenced, revision: &ObjectName) -> ChildRef {
    let name = migration_pod::name(&desk.key.name, hash_of(&desk.key.name, revision));
    ChildRef { kind: Kind::Pod, key: desk.key.beside(&name) }
}

/// How the attempt stands, whether its pod may be applied, and when to look again.
pub(super) struct Standing {
    pub(super) migration: Migration,
    pub(super) may_be_applied: bool,
    pub(super) again: Option<Duration>,
}

/// Looks at the attempt's pod. One of another attempt is removed, and one that the cluster took away,
/// after a pause.
///
/// # Errors
/// When the API server does not remove it.
pub(super) async fn look(
    context: &Context,
    desk: &Dereferenced,
    attempt: &Attempt,
) -> Result<Standing, Hold> {
    let pod = pod(desk, &attempt.revision);
    if let Some(earlier) = let_others_go(context, desk, &pod).await? {
        let words = format!("pod {earlier} still migrates to a revision that is no longer wanted");
        let migration = Migration::Runs(words);
        return Ok(Standing { migration, may_be_applied: false, again: None });
    }
    let Some(live) = context.children.get(pod.kind, &pod.key) else {
        return Ok(Standing { migration: Migration::Absent, may_be_applied: true, again: None });
    };
    let leaves = || Standing {
        migration: Migration::Runs(format!("pod {} of an earlier try still goes", pod.key.name)),
        may_be_applied: false,
        again: None,
    };
    if live.deleting {
        return Ok(leaves());
    }
    if live.notes.get(ATTEMPT) != Some(&attempt.id) {
        orphans::delete(context, &pod, &live.uid).await?;
        return Ok(leaves());
    }
    let migration = judge(&pod.key.name, &live);
    let mut again = None;
    if let Migration::Disrupted(words) = &migration {
        let left = context.disruptions.left(&live.uid);
        if left.is_zero() {
            context.metrics.migration_retries.inc();
            let note = format!("{words}; the migration is begun anew");
            context.events.tell(&**desk.system, Severity::Warning, "MigrationRetried", note).await;
            orphans::delete(context, &pod, &live.uid).await?;
        } else {
            again = Some(left);
        }
    }
    // What is there is as it was applied; a pod that ended must not be touched.
    Ok(Standing { migration, may_be_applied: false, again })
}

/// Removes pods that migrate to another revision, and names one that is not gone yet: two migrations must not
/// work on one database. One that has ended works no more; what it said may be kept.
async fn let_others_go(
    context: &Context,
    desk: &Dereferenced,
    wanted: &ChildRef,
) -> Result<Option<String>, Hold> {
    let mut going = None;
    for (child, live) in context.children.of_desk(&desk.key) {
        let migrates = child.kind == Kind::Pod
            && live.label(labels::COMPONENT) == Some(Component::Migration.as_str());
        if !migrates || child == *wanted || has_ended(&live) {
            continue;
        }
        if !live.deleting {
            orphans::delete(context, &child, &live.uid).await?;
        }
        going = Some(child.key.name);
    }
    Ok(going)
}

fn has_ended(live: &Live) -> bool {
    matches!(&live.health, Health::Pod(pod) if ["Succeeded", "Failed"].contains(&pod.phase.as_str()))
}

fn judge(name: &str, live: &Live) -> Migration {
    let Health::Pod(health) = &live.health else {
        return Migration::Runs(format!("pod {name} has not been looked at yet"));
    };
    match health.phase.as_str() {
        "Succeeded" => Migration::Succeeded,
        "Failed" if health.disrupted => {
            Migration::Disrupted(format!("pod {name} was taken away: {}", whole(health)))
        }
        "Failed" => Migration::Failed(last_words(health)),
        _ => match trouble(health) {
            Some((reason, words)) => Migration::Waits(reason, format!("pod {name}: {words}")),
            None => Migration::Runs(format!("pod {name} runs")),
        },
    }
}

fn whole(health: &PodHealth) -> String {
    match &health.trouble {
        Some(trouble) if trouble.message.is_empty() => trouble.reason.clone(),
        Some(trouble) => format!("{}: {}", trouble.reason, trouble.message),
        None => "its node does not say why".to_owned(),
    }
}

fn last_words(health: &PodHealth) -> String {
    match &health.ended {
        Some((code, words)) if words.is_empty() => format!("exit code {code}"),
        Some((_, words)) => words.clone(),
        None => whole(health),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::api::DynamicObject;
    use rstest::rstest;
    use sapphire_crds::conditions::Reason;
    use serde_json::{Value, json};

    #[rstest]
    #[case(json!({"phase": "Succeeded"}), Migration::Succeeded)]
    // A native sidecar that still runs, or was killed at the end, says nothing about the migration.
    #[case(json!({"phase": "Succeeded", "initContainerStatuses": [{"name": "proxy",
        "state": {"terminated": {"exitCode": 137}}}]}), Migration::Succeeded)]
    #[case(json!({"phase": "Failed", "containerStatuses": [{"state": {"terminated":
        {"exitCode": 1, "message": "relation exists"}}}]}), Migration::Failed("relation exists".into()))]
    #[case(json!({"phase": "Failed", "containerStatuses": [{"state": {"terminated":
        {"exitCode": 3}}}]}), Migration::Failed("exit code 3".into()))]
    #[case(json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}),
        Migration::Disrupted("pod p was taken away: Evicted: low on memory".into()))]
    #[case(json!({"phase": "Running"}), Migration::Runs("pod p runs".into()))]
    #[case(json!({"phase": "Pending", "containerStatuses": [{"state": {"waiting":
        {"reason": "ImagePullBackOff", "message": "no such image"}}}]}),
        Migration::Waits(Reason::ImagePullFailed, "pod p: ImagePullBackOff: no such image".into()))]
    fn a_pods_phase_tells_how_the_migration_ended(
        #[case] status: Value,
        #[case] migration: Migration,
    ) {
        let object: DynamicObject =
            serde_json::from_value(json!({"metadata": {"name": "p"}, "status": status})).unwrap();
        assert_eq!(judge("p", &Live::read(Kind::Pod, object)), migration);
    }
}
