//! How a child does, as far as its status tells.

use serde_json::Value;

use super::kind::Kind;

/// What matters of a child's status; the rest is not kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Health {
    /// Nothing to tell.
    #[default]
    Silent,
    /// Of a Deployment.
    Deployment(DeploymentHealth),
    /// Of a Pod.
    Pod(PodHealth),
    /// Of a PersistentVolumeClaim.
    Claim {
        /// Bound, Pending or Lost.
        phase: String,
    },
}

/// What matters of a Deployment's status.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeploymentHealth {
    /// The generation that the status speaks of.
    pub observed_generation: i64,
    /// Pods there are.
    pub replicas: i32,
    /// Of these, of the newest template.
    pub updated: i32,
    /// Of these, ready for long enough.
    pub available: i32,
    /// Why pods cannot even be created, in Kubernetes' words: a quota, an admission policy.
    pub replica_failure: Option<String>,
}

/// What matters of a Pod's status.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PodHealth {
    /// Pending, Running, Succeeded, Failed or Unknown.
    pub phase: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Why the pod as a whole is not well: Evicted, Unschedulable.
    pub trouble: Option<Trouble>,
    /// Whether the cluster took the pod away, rather than the pod failing: evicted, preempted, its node
    /// lost or shut down.
    pub disrupted: bool,
    /// What the first container that is not well waits for, in the kubelet's words; of one that crashes
    /// again and again, with its last ones.
    pub container: Option<Trouble>,
    /// The main container's exit code and last words, once it ended.
    pub ended: Option<(i32, String)>,
}

impl PodHealth {
    /// Whether its containers have ended for good. Such a pod may lie about for long.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }
}

/// Kubernetes' word for a trouble, and its message.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// Such as ImagePullBackOff.
    pub reason: String,
    /// In words.
    pub message: String,
}

/// Reads what matters of `status`.
pub fn read(kind: Kind, status: Option<&Value>) -> Health {
    let Some(status) = status else {
        return Health::Silent;
    };
    match kind {
        Kind::Deployment => Health::Deployment(deployment(status)),
        Kind::Pod => Health::Pod(pod(status)),
        Kind::PersistentVolumeClaim => Health::Claim { phase: text(status, "phase") },
        _ => Health::Silent,
    }
}

fn deployment(status: &Value) -> DeploymentHealth {
    let number = |name: &str| {
        status.get(name).and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok()).unwrap_or(0)
    };
    DeploymentHealth {
        observed_generation: status.get("observedGeneration").and_then(Value::as_i64).unwrap_or(0),
        replicas: number("replicas"),
        updated: number("updatedReplicas"),
        available: number("availableReplicas"),
        replica_failure: condition(status, "ReplicaFailure")
            .filter(|condition| text(condition, "status") == "True")
            .map(|condition| text(condition, "message")),
    }
}

fn pod(status: &Value) -> PodHealth {
    let is = |name: &str, value: &str| {
        condition(status, name).is_some_and(|condition| text(condition, "status") == value)
    };
    let whole = status.get("reason").map(|_| trouble(status));
    let unscheduled = condition(status, "PodScheduled")
        .filter(|condition| text(condition, "status") == "False")
        .map(trouble);
    let containers = || {
        ["initContainerStatuses", "containerStatuses"]
            .into_iter()
            .filter_map(|list| status.get(list).and_then(Value::as_array))
            .flatten()
    };
    let main = status.get("containerStatuses").and_then(Value::as_array).and_then(|c| c.first());
    PodHealth {
        phase: text(status, "phase"),
        ready: is("Ready", "True"),
        disrupted: is("DisruptionTarget", "True")
            || DISRUPTIONS.contains(&text(status, "reason").as_str()),
        trouble: whole.or(unscheduled),
        container: containers()
            .filter_map(|container| {
                let waiting = trouble(container.pointer("/state/waiting")?);
                Some(with_last_words(waiting, container.pointer("/lastState/terminated")))
            })
            .find(|waiting| {
                !matches!(waiting.reason.as_str(), "ContainerCreating" | "PodInitializing")
            }),
        ended: main.and_then(|main| main.pointer("/state/terminated")).map(|ended| {
            let code = ended.get("exitCode").and_then(Value::as_i64).unwrap_or(-1);
            let words = text(ended, "message");
            let words = if words.is_empty() { text(ended, "reason") } else { words };
            (i32::try_from(code).unwrap_or(-1), words)
        }),
    }
}

/// Why the cluster takes a pod away, in the words of kubelet and node controller, where there is no
/// condition DisruptionTarget to say it.
const DISRUPTIONS: [&str; 7] =
    ["Evicted", "Preempting", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "NodeAffinity"];

fn with_last_words(waiting: Trouble, ended: Option<&Value>) -> Trouble {
    let words = ended.map(|ended| text(ended, "message")).unwrap_or_default();
    let words = words.trim();
    if words.is_empty() {
        return waiting;
    }
    Trouble { message: format!("{}; its last words: {words}", waiting.message), ..waiting }
}

fn condition<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    let conditions = status.get("conditions")?.as_array()?;
    conditions.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some(name))
}

fn trouble(value: &Value) -> Trouble {
    Trouble { reason: text(value, "reason"), message: text(value, "message") }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_tells_what_its_container_waits_for() {
        let status = json!({"phase": "Pending", "containerStatuses": [
            {"name": "trader", "state": {"waiting": {
                "reason": "CreateContainerConfigError", "message": "couldn't find key url in Secret n/postgres"}}}]});
        let Health::Pod(pod) = read(Kind::Pod, Some(&status)) else { panic!("a pod") };
        assert_eq!(pod.container.unwrap().message, "couldn't find key url in Secret n/postgres");
        assert!(!pod.ready);
    }

    #[test]
    fn a_pod_that_is_being_created_has_no_trouble() {
        let status = json!({"phase": "Pending", "containerStatuses": [
            {"name": "trader", "state": {"waiting": {"reason": "ContainerCreating"}}}]});
        let Health::Pod(pod) = read(Kind::Pod, Some(&status)) else { panic!("a pod") };
        assert_eq!(pod.container, None);
    }

    #[test]
    fn an_evicted_pod_and_one_without_a_node_say_so() {
        let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"});
        let Health::Pod(pod) = read(Kind::Pod, Some(&evicted)) else { panic!("a pod") };
        assert_eq!(pod.trouble.unwrap().reason, "Evicted");
        assert!(pod.disrupted);
        let pending = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]});
        let Health::Pod(pod) = read(Kind::Pod, Some(&pending)) else { panic!("a pod") };
        assert_eq!(pod.trouble.unwrap().reason, "Unschedulable");
    }

    #[test]
    fn a_pod_that_was_preempted_did_not_fail_by_itself() {
        let preempted = json!({"phase": "Failed", "conditions": [
            {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]});
        let Health::Pod(pod) = read(Kind::Pod, Some(&preempted)) else { panic!("a pod") };
        assert!(pod.disrupted);
    }

    #[test]
    fn a_pod_that_crashes_again_and_again_tells_its_last_words() {
        let status = json!({"phase": "Running", "containerStatuses": [{"name": "trader",
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
            "lastState": {"terminated": {"exitCode": 1, "message": "no such symbol\n"}}}]});
        let Health::Pod(pod) = read(Kind::Pod, Some(&status)) else { panic!("a pod") };
        assert_eq!(pod.container.unwrap().message, "back-off 10s; its last words: no such symbol");
    }

    #[test]
    fn a_pod_that_failed_keeps_its_last_words() {
        let status = json!({"phase": "Failed", "containerStatuses": [
            {"name": "migrate", "state": {"terminated": {"exitCode": 1, "message": "relation exists"}}}]});
        let Health::Pod(pod) = read(Kind::Pod, Some(&status)) else { panic!("a pod") };
        assert_eq!(pod.ended, Some((1, "relation exists".to_owned())));
    }

    #[test]
    fn a_deployment_tells_why_it_has_no_pods() {
        let status = json!({"observedGeneration": 2, "conditions": [
            {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]});
        let Health::Deployment(health) = read(Kind::Deployment, Some(&status)) else { panic!() };
        assert_eq!(health.replica_failure.as_deref(), Some("exceeded quota"));
        assert_eq!(health.observed_generation, 2);
    }
}
