//! Whether a workload answers, and if not, why: in the words of the kubelet where it has some.

use std::sync::Arc;

use sapphire_crds::conditions::Reason;
use sapphire_crds::names::Component;

use super::child::{ChildRef, Live};
use super::health::{Health, PodHealth};
use super::kind::Kind;
use crate::labels;

/// How a workload stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether all of it answers.
    pub available: bool,
    /// Why not.
    pub reason: Reason,
    /// In words.
    pub message: String,
}

/// How a Deployment and its pods stand. `children` are the desk's; of its pods those of the Deployment's
/// own revision tell why it does not answer.
pub fn of_deployment<'a>(
    name: &str,
    deployment: &Live,
    component: Component,
    children: impl Iterator<Item = &'a (ChildRef, Arc<Live>)>,
) -> Answer {
    let no = |reason, message: String| Answer { available: false, reason, message };
    let wanted = deployment.replicas.unwrap_or(1);
    // Only of the trader it is the emergency stop; readers may be none by the spec.
    if wanted == 0 && component == Component::Trader {
        return no(
            Reason::ScaledToZero,
            format!(
                "Deployment {name} was scaled to zero; kubectl scale deployment {name} --replicas=1 brings it back"
            ),
        );
    }
    let Health::Deployment(health) = &deployment.health else {
        return no(Reason::Progressing, format!("Deployment {name} has not been looked at yet"));
    };
    let current = health.observed_generation >= deployment.generation;
    if current
        && health.updated >= wanted
        && health.available >= wanted
        && health.replicas <= wanted
    {
        return Answer {
            available: true,
            reason: Reason::Available,
            message: format!("Deployment {name}: {} of {wanted} pods answer", health.available),
        };
    }
    if let Some(words) = &health.replica_failure {
        let message = format!("Deployment {name} cannot create pods: {words}");
        let is_quota = words.contains("exceeded quota");
        return no(if is_quota { Reason::QuotaExceeded } else { Reason::Unavailable }, message);
    }
    let of_its_revision = |live: &Live| {
        [labels::COMPONENT, labels::AGENT, labels::REVISION]
            .into_iter()
            .all(|label| live.label(label) == deployment.label(label))
    };
    let pods = children
        .filter(|(child, live)| child.kind == Kind::Pod && of_its_revision(live) && !live.deleting);
    for (child, live) in pods {
        if let Health::Pod(pod) = &live.health
            && let Some((reason, words)) = trouble(pod)
        {
            return no(reason, format!("pod {}: {words}", child.key.name));
        }
    }
    // While pods of two revisions are there, more answer than are wanted.
    let available = if current { health.available.min(wanted) } else { 0 };
    no(Reason::Progressing, format!("Deployment {name}: {available} of {wanted} pods answer"))
}

/// How many pods of a Deployment serve, of whichever template, and how many are to.
pub fn serving(deployment: &Live) -> (i32, i32) {
    let available = match &deployment.health {
        Health::Deployment(health) => health.available,
        _ => 0,
    };
    (available, deployment.replicas.unwrap_or(1))
}

/// What keeps a pod from answering.
pub fn trouble(pod: &PodHealth) -> Option<(Reason, String)> {
    let trouble = pod.container.as_ref().or(pod.trouble.as_ref())?;
    let reason = match trouble.reason.as_str() {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            Reason::ImagePullFailed
        }
        "CreateContainerConfigError" | "CreateContainerError" => Reason::ContainerConfigInvalid,
        "CrashLoopBackOff" | "RunContainerError" => Reason::CrashLooping,
        "Unschedulable" | "SchedulingGated" => Reason::Unschedulable,
        _ => Reason::Unavailable,
    };
    let words = match trouble.message.as_str() {
        "" => trouble.reason.clone(),
        message => format!("{}: {message}", trouble.reason),
    };
    Some((reason, words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::health::Trouble;
    use crate::reconcile::key::Key;
    use kube::api::DynamicObject;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn live(kind: Kind, object: Value) -> Live {
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        Live::read(kind, object)
    }

    fn deployment(replicas: i32, status: Value) -> Live {
        live(
            Kind::Deployment,
            json!({"metadata": {"name": "d", "generation": 2, "labels": {labels::COMPONENT: "trader"}}, "spec": {"replicas": replicas}, "status": status}),
        )
    }

    fn answer(deployment: &Live, pods: &[(ChildRef, Arc<Live>)]) -> Answer {
        of_deployment("d", deployment, Component::Trader, pods.iter())
    }

    #[rstest]
    #[case(1, json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}), true, Reason::Available)]
    #[case(1, json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}), false, Reason::Progressing)]
    #[case(1, json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 2}), false, Reason::Progressing)]
    #[case(0, json!({"observedGeneration": 2}), false, Reason::ScaledToZero)]
    #[case(1, json!({}), false, Reason::Progressing)]
    fn a_deployment_answers_when_all_of_its_newest_pods_do(
        #[case] replicas: i32,
        #[case] status: Value,
        #[case] available: bool,
        #[case] reason: Reason,
    ) {
        let answer = answer(&deployment(replicas, status), &[]);
        assert_eq!((answer.available, answer.reason), (available, reason), "{}", answer.message);
    }

    #[test]
    fn what_a_pod_suffers_from_is_told() {
        let pod = live(
            Kind::Pod,
            json!({"metadata": {"name": "p", "labels": {labels::COMPONENT: "trader"}},
            "status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting":
                {"reason": "ImagePullBackOff", "message": "no such image"}}}]}}),
        );
        let pod = (ChildRef { kind: Kind::Pod, key: Key::new("n", "p") }, Arc::new(pod));
        let answer = answer(&deployment(1, json!({"observedGeneration": 2})), &[pod]);
        assert_eq!(answer.reason, Reason::ImagePullFailed);
        assert_eq!(answer.message, "pod p: ImagePullBackOff: no such image");
    }

    #[rstest]
    #[case("CreateContainerConfigError", Reason::ContainerConfigInvalid)]
    #[case("CrashLoopBackOff", Reason::CrashLooping)]
    #[case("Unschedulable", Reason::Unschedulable)]
    #[case("SomethingNew", Reason::Unavailable)]
    fn the_kubelets_words_become_reasons(#[case] word: &str, #[case] reason: Reason) {
        let pod = PodHealth {
            container: Some(Trouble { reason: word.into(), message: String::new() }),
            ..PodHealth::default()
        };
        assert_eq!(trouble(&pod), Some((reason, word.to_owned())));
    }
}
