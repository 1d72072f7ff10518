//! A changed agent's vote grows, and what fails is undone.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use sapphire_crds::conditions::ConditionType;
use sapphire_crds::names::Component;
use sapphire_crds::{TradingAgent, TradingSystem};
use sapphire_e2e::{Case, Play, until};

use crate::agents::{agent, clustered, desk, pods, status};
use crate::desk::{POLICY, assert_statuses, kubectl, wait, wait_for};
use crate::events::events;
use crate::foreseen::diff;
use crate::plane::{OPERATOR, case, plane};

/// A canary of two steps, with an interval.
fn rollout(interval: &str) -> String {
    format!(
        "  rollout: {{stepDeadline: 30s, canary: {{initialWeight: \"0.1\", step: \"0.45\", interval: {interval}}}}}\n"
    )
}

/// Changes the agent's own spec.
async fn change(case: &Case<'_>, period: u32) {
    let patch =
        format!(r#"{{"spec":{{"strategy":{{"trendMomentum":{{"trendPeriod":{period}}}}}}}}}"#);
    kubectl(case, &["patch", "tradingagent", "one", "--type=merge", "-p", &patch]).await;
}

/// The weight that is published, as a trader reads it.
async fn weight(case: &Case<'_>) -> Option<String> {
    let agent = case.api::<TradingAgent>().get("one").await.unwrap();
    agent.status?.canary.map(|canary| canary.weight.to_string())
}

/// Waits until the desk is ready and says so with these words.
async fn told_as_ready(case: &Case<'_>, words: &str) {
    until(&format!("a ready desk that says `{words}`"), || async {
        let system = case.api::<TradingSystem>().get("desk").await.unwrap();
        let ready = system.status?.conditions.get(ConditionType::Ready)?.clone();
        (ready.status == "True" && ready.message.contains(words)).then_some(())
    })
    .await;
}

async fn has_weight(case: &Case<'_>, wanted: &str) {
    until(&format!("a weight of {wanted}"), || async {
        (weight(case).await.as_deref() == Some(wanted)).then_some(())
    })
    .await;
}

/// The manifests that the agent's Deployment mounts.
async fn mounted(case: &Case<'_>) -> String {
    let deployment = case.api::<Deployment>().get("desk-one").await.unwrap();
    let volumes = deployment.spec.unwrap().template.spec.unwrap().volumes.unwrap();
    volumes.into_iter().find_map(|volume| volume.config_map).unwrap().name
}

/// The pods, once a changed revision's are all there are.
async fn renewed(
    case: &Case<'_>,
    before: &std::collections::BTreeSet<String>,
) -> std::collections::BTreeSet<String> {
    let after = until("the changed agent's pod", || async {
        let now = pods(case, "one").await;
        (now.len() == 1 && now.is_disjoint(before)).then_some(now)
    })
    .await;
    agent(case, "one", "Ready", "True").await;
    after
}

#[tokio::test]
async fn a_canary_grows_as_the_leader_confirms_it_and_restarts_nothing() {
    let case = case("canary-grows").await;
    let traders = desk(&case, &rollout("1s")).await;
    let before = pods(&case, "one").await;
    traders.conduct(case.namespace(), "desk", |traders| traders.silent = true);
    change(&case, 60).await;
    has_weight(&case, "0.1").await;
    let on_trial = renewed(&case, &before).await;
    // Several intervals pass, and nobody confirms.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(weight(&case).await.as_deref(), Some("0.1"));
    let growing = agent(&case, "one", "Promoted", "False").await;
    assert_eq!(growing.reason, "CanaryGrowing");
    assert!(growing.message.contains("yet to confirm"), "{}", growing.message);
    assert_statuses(&case).await;

    traders.conduct(case.namespace(), "desk", |traders| traders.silent = false);
    has_weight(&case, "0.55").await;
    agent(&case, "one", "Promoted", "True").await;
    let promoted = status(&case, "one").await;
    assert_eq!((promoted.canary, promoted.rollout, promoted.failed), (None, None, None));
    assert_eq!(pods(&case, "one").await, on_trial, "a weight restarts nothing");
    let told = events(&case).await;
    assert!(told.contains("promoted after its last step"), "{told}");
    assert!(told.contains("restarting pods: agent: "), "{told}");
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_person_promotes_a_canary_once() {
    let case = case("canary-promote").await;
    let _traders = desk(&case, &rollout("1h")).await;
    let before = pods(&case, "one").await;
    change(&case, 60).await;
    has_weight(&case, "0.1").await;
    let on_trial = renewed(&case, &before).await;
    kubectl(&case, &["annotate", "tradingagent", "one", "sapphiretrade.xyz/promote=1"]).await;
    agent(&case, "one", "Promoted", "True").await;
    assert_eq!(weight(&case).await, None);
    assert_eq!(pods(&case, "one").await, on_trial);
    // The same annotation does not speak for the next.
    change(&case, 70).await;
    has_weight(&case, "0.1").await;
    renewed(&case, &on_trial).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(weight(&case).await.as_deref(), Some("0.1"));
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_canary_that_a_person_abandons_goes_back_and_stays_so() {
    let case = case("canary-abandon").await;
    let _traders = desk(&case, &rollout("1h")).await;
    let (before, stable) = (pods(&case, "one").await, mounted(&case).await);
    change(&case, 60).await;
    has_weight(&case, "0.1").await;
    let on_trial = renewed(&case, &before).await;
    kubectl(&case, &["annotate", "tradingagent", "one", "sapphiretrade.xyz/abandon=1"]).await;
    let stalled = agent(&case, "one", "Stalled", "True").await;
    assert_eq!(stalled.reason, "CanaryAbandoned");
    assert_eq!(agent(&case, "one", "Promoted", "False").await.reason, "CanaryAbandoned");
    let message = wait_for(&case, "Stalled", "True", "AgentStalled").await;
    assert!(message.contains("TradingAgent one: revision one-"), "{message}");
    assert!(message.contains("Change the spec"), "{message}");
    assert_statuses(&case).await;
    until("the stable pod", || async {
        let now = pods(&case, "one").await;
        let told = status(&case, "one").await;
        (now.len() == 1 && now.is_disjoint(&on_trial) && told.ready_replicas == 1).then_some(())
    })
    .await;
    assert_eq!(mounted(&case).await, stable);
    assert_statuses(&case).await;

    tokio::time::sleep(Duration::from_secs(6)).await;
    let audit = plane().await.audit();
    let mark = audit.mark(&case.client()).await.unwrap();
    kubectl(&case, &["label", "tradingagent", "one", "look=again"]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let requests = audit.since(&case.client(), mark).await.unwrap();
    let written: Vec<_> = requests
        .into_iter()
        .filter(|r| r.is_write() && r.user == OPERATOR && r.namespace == case.namespace())
        .collect();
    assert!(written.is_empty(), "it loops: {written:#?}");

    change(&case, 70).await;
    has_weight(&case, "0.1").await;
    agent(&case, "one", "Ready", "True").await;
    assert_eq!(status(&case, "one").await.failed, None);
    told_as_ready(&case, "canary: one with 10 % of its weight").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_canary_whose_image_is_missing_is_abandoned_and_the_stable_pod_goes_on() {
    let case = case("canary-image").await;
    let _traders = desk(&case, &rollout("1h")).await;
    let before = pods(&case, "one").await;
    case.play(Component::Agent, &Play::ImageMissing).await.unwrap();
    change(&case, 60).await;
    let stalled = agent(&case, "one", "Stalled", "True").await;
    assert_eq!(stalled.reason, "CanaryAbandoned");
    assert!(
        stalled.message.contains("ImagePullBackOff") || stalled.message.contains("ErrImagePull"),
        "{}",
        stalled.message
    );
    until("the stable pod to be the only one", || async {
        (pods(&case, "one").await == before).then_some(())
    })
    .await;
    let told = events(&case).await;
    assert!(told.contains("going back to the former revision: pod "), "{told}");
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_change_that_misses_its_deadline_is_undone_and_tried_again_when_asked() {
    let case = case("agent-deadline").await;
    let _traders = desk(&case, "  rollout: {stepDeadline: 5s}\n").await;
    let before = pods(&case, "one").await;
    case.play(Component::Agent, &Play::Crashes("no such model".into())).await.unwrap();
    change(&case, 60).await;
    let stalled = agent(&case, "one", "Stalled", "True").await;
    assert_eq!(stalled.reason, "DeadlineExceeded");
    assert!(stalled.message.contains("within 5s: pod "), "{}", stalled.message);
    assert!(stalled.message.contains("no such model"), "{}", stalled.message);
    assert_eq!(agent(&case, "one", "Promoted", "True").await.reason, "NoCanary");
    until("the stable pod to be the only one", || async {
        (pods(&case, "one").await == before).then_some(())
    })
    .await;
    let failed = status(&case, "one").await.failed.unwrap();
    assert_statuses(&case).await;

    case.play(Component::Agent, &Play::Runs).await.unwrap();
    kubectl(&case, &["annotate", "tradingagent", "one", "sapphiretrade.xyz/reconcile-now=1"]).await;
    renewed(&case, &before).await;
    let told = status(&case, "one").await;
    assert_eq!((told.revision, told.failed), (Some(failed.revision), None));
    assert_statuses(&case).await;
}

#[tokio::test]
async fn going_back_to_the_stable_spec_ends_a_canary() {
    let case = case("canary-back").await;
    let _traders = desk(&case, &rollout("1h")).await;
    let (before, stable) = (pods(&case, "one").await, status(&case, "one").await.revision);
    change(&case, 60).await;
    has_weight(&case, "0.1").await;
    renewed(&case, &before).await;
    let tried = clustered(&rollout("1h"));
    let tried = tried.replacen("trendMomentum: {}", "trendMomentum: {trendPeriod: 60}", 1);
    let (changes, said) = diff(&case, &format!("{POLICY}---{tried}"), &[]).await.unwrap();
    assert!(!changes, "{said}");
    // As the manifest had it: applied again.
    let remove = r#"[{"op": "remove", "path": "/spec/strategy/trendMomentum/trendPeriod"}]"#;
    kubectl(&case, &["patch", "tradingagent", "one", "--type=json", "-p", remove]).await;
    agent(&case, "one", "Promoted", "True").await;
    agent(&case, "one", "Ready", "True").await;
    let told = status(&case, "one").await;
    assert_eq!((told.revision, told.canary, told.failed), (stable, None, None));
    assert_statuses(&case).await;
}
