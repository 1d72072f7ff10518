//! A limit holds when every enforcing pod says so.

use std::time::Duration;

use sapphire_crds::RiskPolicy;
use sapphire_crds::risk_policy::RiskPolicyStatus;
use sapphire_crds::values::ObjectName;
use sapphire_e2e::{Case, Traders, until};

use crate::desk::{
    BACKENDS, POLICY, RECORDINGS, apply, assert_statuses, kubectl, system, volumes, wait, wait_for,
};
use crate::plane::case;

/// The policy's status, once Enforced is so for its present generation.
async fn enforced(case: &Case<'_>, answer: &str, reason: &str) -> (RiskPolicyStatus, String) {
    let policies = case.api::<RiskPolicy>();
    until(&format!("Enforced={answer} ({reason}) of the policy"), || async {
        let policy = policies.get("careful").await.unwrap();
        let status = policy.status?;
        let found = status.conditions.0.iter().find(|c| c.type_ == "Enforced")?.clone();
        let current = found.observed_generation == policy.metadata.generation;
        (current && found.status == answer && found.reason == reason)
            .then_some((status, found.message))
    })
    .await
}

async fn tighten(case: &Case<'_>, drawdown: &str) {
    let patch = format!("{{\"spec\":{{\"limits\":{{\"maxDrawdown\":\"{drawdown}\"}}}}}}");
    kubectl(case, &["patch", "rpol", "careful", "--type=merge", "-p", &patch]).await;
}

#[tokio::test]
async fn a_limit_holds_when_leader_and_standby_confirmed_it() {
    let case = case("bindings").await;
    apply(&case, POLICY).await;
    let (status, message) = enforced(&case, "Unknown", "NoPods").await;
    assert_eq!(status.bound_pods, 0);
    assert!(message.contains("limits nothing"), "{message}");
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    apply(&case, &format!("{RECORDINGS}---{}", system(BACKENDS))).await;
    volumes(&case).await;
    wait(&case, "Enforced", "True").await;
    let two = |status: &RiskPolicyStatus| status.bound_pods == 2 && status.confirmed_pods == 2;
    let policies = case.api::<RiskPolicy>();
    until("two pods to be bound", || async {
        policies.get("careful").await.unwrap().status.filter(two)
    })
    .await;
    let (status, _) = enforced(&case, "True", "Enforced").await;
    assert_eq!(status.bindings.len(), 2);
    assert!(status.bindings.iter().all(|row| Some(&row.hash) == status.hash.as_ref()));
    assert!(status.bindings.iter().all(|row| row.system.as_str() == "desk"));
    assert_statuses(&case).await;

    // Until the pods act on it, it says so; then how long the slowest took.
    let slow = Duration::from_millis(1500);
    traders.conduct(case.namespace(), "desk", |desk| desk.acknowledges_after = slow);
    tighten(&case, "0.1").await;
    let (status, message) = enforced(&case, "False", "AwaitingPods").await;
    assert_eq!(status.confirmed_pods, 0);
    let generation = status.observed_generation.unwrap();
    assert!(
        message.contains("0 of 2 pods") && message.contains("since 20"),
        "{message} of generation {generation}"
    );
    for row in &status.bindings {
        assert!(message.contains(row.pod.as_str()), "{message}");
        assert_eq!(row.generation, generation - 1);
    }
    wait(&case, "Enforced", "False").await;
    let (status, _) = enforced(&case, "True", "Enforced").await;
    let slowest = status.slowest.unwrap();
    let latency = slowest.latency.as_std();
    assert!(latency >= Duration::from_secs(1) && latency < Duration::from_secs(20), "{latency:?}");
    assert!(status.bindings.iter().any(|row| row.pod == slowest.pod));
    wait(&case, "Enforced", "True").await;

    // A pod that is gone binds nobody any more.
    kubectl(
        &case,
        &["scale", "deployment", "-l", "app.kubernetes.io/component=trader", "--replicas=0"],
    )
    .await;
    let (status, _) = enforced(&case, "False", "NoPods").await;
    assert!(status.bindings.is_empty() && status.bound_pods == 0);
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_pod_that_understands_the_limits_otherwise_is_named() {
    let case = case("understanding").await;
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    traders.conduct(case.namespace(), "desk", |desk| desk.understands = false);
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{}", system(""))).await;
    volumes(&case).await;
    let (status, message) = enforced(&case, "False", "HashesDiffer").await;
    let row = &status.bindings[0];
    let (theirs, ours) = (row.hash.as_str(), status.hash.as_ref().unwrap().as_str());
    assert_ne!(theirs, ours);
    for named in [row.pod.as_str(), theirs, ours] {
        assert!(message.contains(named), "{message}");
    }
    wait_for(&case, "Enforced", "False", "HashesDiffer").await;
    assert_statuses(&case).await;
    traders.conduct(case.namespace(), "desk", |desk| desk.understands = true);
    enforced(&case, "True", "Enforced").await;
    wait(&case, "Enforced", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_policy_binds_the_pods_of_every_desk_that_names_it() {
    let case = case("two-desks").await;
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    let mut other = system(BACKENDS).replace("name: desk}", "name: other}");
    for agent in ["one", "two", "three"] {
        other = other.replace(&format!("name: {agent}}}"), &format!("name: other-{agent}}}"));
    }
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{}---{other}", system(BACKENDS))).await;
    volumes(&case).await;
    let policies = case.api::<RiskPolicy>();
    let status = until("four pods to be bound", || async {
        let status = policies.get("careful").await.unwrap().status?;
        (status.confirmed_pods == 4 && status.bindings.len() == 4).then_some(status)
    })
    .await;
    let names: Vec<&str> = status.systems.iter().map(ObjectName::as_str).collect();
    assert_eq!(names, ["desk", "other"]);
    let of =
        |system: &str| status.bindings.iter().filter(|row| row.system.as_str() == system).count();
    assert_eq!((of("desk"), of("other")), (2, 2));

    // One desk that does not follow is enough.
    traders.conduct(case.namespace(), "other", |desk| {
        desk.acknowledges_after = Duration::from_secs(3600);
    });
    tighten(&case, "0.2").await;
    let (status, message) = until("half of the pods", || async {
        let policy = policies.get("careful").await.unwrap();
        let status = policy.status?;
        let enforced = status.conditions.0.iter().find(|c| c.type_ == "Enforced")?.message.clone();
        let current = status.observed_generation == policy.metadata.generation;
        (current && status.confirmed_pods == 2).then_some((status, enforced))
    })
    .await;
    assert!(message.contains("2 of 4 pods") && message.contains("other-trader"), "{message}");
    assert!(!message.contains("desk-trader"), "{message}");
    assert_eq!(status.bound_pods, 4);
    wait(&case, "Enforced", "True").await;

    // Who names another policy is bound by that one.
    apply(&case, &POLICY.replace("careful", "bold")).await;
    let patch = "{\"spec\":{\"riskPolicyRef\":{\"name\":\"bold\"}}}";
    kubectl(&case, &["patch", "tsys", "other", "--type=merge", "-p", patch]).await;
    let (status, _) = enforced(&case, "True", "Enforced").await;
    assert_eq!(status.bound_pods, 2);
    assert_statuses(&case).await;
}
