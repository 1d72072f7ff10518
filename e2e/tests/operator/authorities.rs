//! A symbol is voted on or delegated, never both, while agents with pods of their own are edited.

use k8s_openapi::api::apps::v1::Deployment;
use sapphire_crds::names::Component;
use sapphire_e2e::{Case, Play, Traders, until};

use crate::agents::{agent, clustered, pods, status};
use crate::desk::{
    POLICY, RECORDINGS, apply, assert_statuses, kubectl, volumes, wait, wait_for, with_maker,
};
use crate::foreseen::diff;
use crate::plane::case;

fn manifests(more: &str) -> String {
    with_maker(&clustered(&format!("  consensus: {{minAgents: 2}}\n{more}")))
}

/// A desk whose voters list BTCUSD, and whose `maker` trades ETHUSD.
async fn begin(case: &Case<'_>, more: &str) -> Traders {
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    apply(case, &format!("{RECORDINGS}---{POLICY}---{}", manifests(more))).await;
    volumes(case).await;
    wait(case, "Ready", "True").await;
    traders
}

async fn patch(case: &Case<'_>, name: &str, spec: &str) {
    let patch = format!(r#"{{"spec":{spec}}}"#);
    kubectl(case, &["patch", "tagent", name, "--type=merge", "-p", &patch]).await;
}

async fn replicas(case: &Case<'_>, name: &str) -> Option<i32> {
    case.api::<Deployment>().get(&format!("desk-{name}")).await.unwrap().spec?.replicas
}

const ON_ALL: &str = r#"{"authority":{"consensus":{"symbols":null}}}"#;

#[tokio::test]
async fn an_agent_that_takes_in_a_symbol_of_another_is_held_and_the_other_stays_in_hand() {
    let case = case("authorities").await;
    let _traders = begin(&case, "").await;
    let (running, revision) = (pods(&case, "one").await, status(&case, "one").await.revision);
    patch(&case, "one", ON_ALL).await;
    let stalled = agent(&case, "one", "Stalled", "True").await;
    assert_eq!(stalled.reason, "SymbolsConflict");
    let words = "ETHUSD is delegated to TradingAgent maker and also voted on by TradingAgent one";
    assert!(stalled.message.contains(words), "{}", stalled.message);
    let message = wait_for(&case, "Ready", "False", "AgentStalled").await;
    assert!(message.contains(words), "{message}");
    agent(&case, "maker", "Ready", "True").await;
    let on_all = manifests("").replacen("consensus: {symbols: [BTCUSD]}", "consensus: {}", 1);
    let (_, said) = diff(&case, &format!("{POLICY}---{on_all}"), &[]).await.unwrap();
    assert!(said.contains(&format!("would not go on: SymbolsConflict: {words}")), "{said}");

    // Whoever is in place is edited as ever.
    let before = status(&case, "maker").await.revision;
    patch(&case, "maker", r#"{"authority":{"delegated":{"maxNotional":"5"}}}"#).await;
    until("the tightened limit to be taken up", || async {
        let now = status(&case, "maker").await;
        (now.revision != before && now.rollout.is_none()).then_some(())
    })
    .await;
    agent(&case, "maker", "Ready", "True").await;
    assert_eq!(
        (pods(&case, "one").await, status(&case, "one").await.revision),
        (running, revision)
    );
    // The one that is held is scaled as it asks.
    kubectl(&case, &["scale", "tagent", "one", "--replicas=2"]).await;
    until("two pods", || async {
        let told = status(&case, "one").await;
        (replicas(&case, "one").await == Some(2) && told.ready_replicas == 2).then_some(())
    })
    .await;
    agent(&case, "one", "Stalled", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn an_agent_that_is_not_at_work_leaves_its_symbols_to_others() {
    let case = case("authorities-idle").await;
    let _traders = begin(&case, "").await;
    patch(&case, "one", ON_ALL).await;
    agent(&case, "one", "Stalled", "True").await;
    kubectl(&case, &["scale", "tagent", "maker", "--replicas=0"]).await;
    agent(&case, "one", "Ready", "True").await;
    assert!(status(&case, "maker").await.rollout.is_none());
    // It finds the place taken, and none of it comes up.
    kubectl(&case, &["scale", "tagent", "maker", "--replicas=1"]).await;
    let stalled = agent(&case, "maker", "Stalled", "True").await;
    assert_eq!(stalled.reason, "SymbolsConflict", "{}", stalled.message);
    assert_eq!(replicas(&case, "maker").await, Some(0));
    agent(&case, "one", "Ready", "True").await;
    patch(&case, "maker", r#"{"paused":true}"#).await;
    agent(&case, "maker", "Ready", "True").await;
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

/// What is tried may be undone, and its pods are then at work again on what they gave up.
#[tokio::test]
async fn what_a_trial_may_go_back_to_is_not_given_away() {
    let case = case("authorities-trial").await;
    let canary = "  rollout: {canary: {initialWeight: \"0.1\", step: \"0.45\", interval: 1h}}\n";
    let _traders = begin(&case, canary).await;
    let annotate = |annotation: &'static str| {
        let case = &case;
        async move { kubectl(case, &["annotate", "--overwrite", "tagent", "one", annotation]).await }
    };
    let on_trial = |trial: bool| {
        let case = &case;
        move || async move { (status(case, "one").await.rollout.is_some() == trial).then_some(()) }
    };
    kubectl(&case, &["scale", "tagent", "maker", "--replicas=0"]).await;
    patch(&case, "one", ON_ALL).await;
    until("the first trial", on_trial(true)).await;
    annotate("sapphiretrade.xyz/promote=first").await;
    until("it to be proven", on_trial(false)).await;

    patch(&case, "one", r#"{"authority":{"consensus":{"symbols":["BTCUSD"]}}}"#).await;
    until("the second trial", on_trial(true)).await;
    kubectl(&case, &["scale", "tagent", "maker", "--replicas=1"]).await;
    let stalled = agent(&case, "maker", "Stalled", "True").await;
    assert!(
        stalled.message.contains("TradingAgent one goes back to ETHUSD"),
        "{}",
        stalled.message
    );
    annotate("sapphiretrade.xyz/abandon=second").await;
    let undone = agent(&case, "one", "Stalled", "True").await;
    assert_eq!(undone.reason, "CanaryAbandoned", "{}", undone.message);
    until("maker to wait for what runs again", || async {
        let told = agent(&case, "maker", "Stalled", "True").await.message;
        told.contains("one are still at work on ETHUSD").then_some(())
    })
    .await;
    assert_eq!(replicas(&case, "maker").await, Some(0));

    annotate("sapphiretrade.xyz/reconcile-now=again").await;
    until("the third trial", on_trial(true)).await;
    annotate("sapphiretrade.xyz/promote=third").await;
    agent(&case, "maker", "Ready", "True").await;
    assert_eq!(replicas(&case, "maker").await, Some(1));
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

/// Where new pods cannot start those of the trial stay, and are at work on what nobody asks for any more.
#[tokio::test]
async fn what_the_pods_of_a_trial_have_that_was_taken_back_is_given_to_nobody_until_they_are_gone()
{
    let case = case("authorities-back").await;
    let canary = "  rollout: {canary: {initialWeight: \"0.1\", step: \"0.45\", interval: 1h}}\n";
    let _traders = begin(&case, canary).await;
    kubectl(&case, &["scale", "tagent", "maker", "--replicas=0"]).await;
    let stable = pods(&case, "one").await;
    patch(&case, "one", ON_ALL).await;
    until("pods of the trial alone", || async {
        let now = pods(&case, "one").await;
        (now.len() == 1 && now.is_disjoint(&stable)).then_some(())
    })
    .await;
    let trial = pods(&case, "one").await;
    case.play(Component::Agent, &Play::ImageMissing).await.unwrap();
    patch(&case, "one", r#"{"authority":{"consensus":{"symbols":["BTCUSD"]}}}"#).await;
    until("the trial to be taken back", || async {
        status(&case, "one").await.rollout.is_none().then_some(())
    })
    .await;
    kubectl(&case, &["scale", "tagent", "maker", "--replicas=1"]).await;
    let stalled = agent(&case, "maker", "Stalled", "True").await;
    assert!(
        stalled.message.contains("the pods of TradingAgent one are still at work on ETHUSD"),
        "{}",
        stalled.message
    );
    assert!(pods(&case, "one").await.is_superset(&trial), "they are still there");
    assert_eq!(replicas(&case, "maker").await, Some(0));

    case.play(Component::Agent, &Play::Runs).await.unwrap();
    kubectl(&case, &["delete", "pods", "--wait=false", "-l", "sapphiretrade.xyz/agent=one"]).await;
    agent(&case, "maker", "Ready", "True").await;
    assert!(pods(&case, "one").await.is_disjoint(&trial));
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

/// Evicted pods are left lying about.
#[tokio::test]
async fn pods_that_have_ended_are_at_work_on_nothing() {
    let case = case("authorities-ended").await;
    let _traders = begin(&case, "").await;
    let evicted = r#"{"status": {"phase": "Failed", "reason": "Evicted"}}"#;
    let its = ["get", "pods", "-l", "sapphiretrade.xyz/agent=maker", "-o", "name"];
    let pod = kubectl(&case, &its).await.trim().to_owned();
    let evict = ["patch", &pod, "--subresource=status", "--type=merge", "-p", evicted];
    kubectl(&case, &evict).await;
    patch(&case, "maker", r#"{"authority":{"delegated":{"symbols":["BTCUSD"]}}}"#).await;
    agent(&case, "maker", "Stalled", "True").await;
    for voter in ["one", "two", "three"] {
        patch(&case, voter, r#"{"authority":{"consensus":{"symbols":["ETHUSD"]}}}"#).await;
    }
    for name in ["maker", "one", "two", "three"] {
        agent(&case, name, "Ready", "True").await;
    }
    assert!(kubectl(&case, &its).await.contains(&pod), "it lies there still");
    assert_statuses(&case).await;
}

async fn revision(case: &Case<'_>, name: &str) -> Option<String> {
    let deployment = case.api::<Deployment>().get(&format!("desk-{name}")).await.unwrap();
    deployment.metadata.labels?.remove("sapphiretrade.xyz/revision")
}

/// A backup that is brought back has no statuses; what runs says who is in place.
#[tokio::test]
async fn who_is_in_place_stays_in_place_though_statuses_are_lost() {
    let case = case("authorities-lost").await;
    let _traders = begin(&case, "").await;
    // Of two that are nowhere in place the older one would be first.
    kubectl(&case, &["delete", "tagent", "maker"]).await;
    until("its Deployment to go", || async {
        let deployments = case.api::<Deployment>();
        deployments.get_opt("desk-maker").await.unwrap().is_none().then_some(())
    })
    .await;
    apply(&case, &manifests("")).await;
    agent(&case, "maker", "Ready", "True").await;
    wait(&case, "Ready", "True").await;
    patch(&case, "one", ON_ALL).await;
    agent(&case, "one", "Stalled", "True").await;
    let running = (pods(&case, "one").await, pods(&case, "maker").await);
    let before = (revision(&case, "one").await, revision(&case, "maker").await);
    for name in ["one", "maker"] {
        let none = r#"{"status": null}"#;
        let lose = ["patch", "tagent", name, "--subresource=status", "--type=merge", "-p", none];
        kubectl(&case, &lose).await;
    }
    agent(&case, "maker", "Ready", "True").await;
    assert_eq!(agent(&case, "one", "Stalled", "True").await.reason, "SymbolsConflict");
    wait_for(&case, "Ready", "False", "AgentStalled").await;
    assert_eq!((revision(&case, "one").await, revision(&case, "maker").await), before);
    assert_eq!((pods(&case, "one").await, pods(&case, "maker").await), running);
    assert_statuses(&case).await;
}

/// Who change places by the operator's own advice, one edit after the other, do not meet for as long as a canary takes:
/// the delegate, which has none, goes first.
#[tokio::test]
async fn those_who_change_places_go_one_after_the_other() {
    let case = case("authorities-places").await;
    let canary = "  rollout: {canary: {initialWeight: \"0.1\", step: \"0.45\", interval: 1h}}\n";
    let _traders = begin(&case, canary).await;
    patch(&case, "maker", r#"{"authority":{"delegated":{"symbols":["BTCUSD"]}}}"#).await;
    let stalled = agent(&case, "maker", "Stalled", "True").await;
    assert!(stalled.message.contains("without BTCUSD"), "{}", stalled.message);
    for voter in ["one", "two", "three"] {
        patch(&case, voter, r#"{"authority":{"consensus":{"symbols":["ETHUSD"]}}}"#).await;
    }
    for voter in ["one", "two", "three"] {
        until("the voter's trial", || async {
            let told = status(&case, voter).await;
            told.rollout.is_some().then_some(())
        })
        .await;
        // It is the last one: maker left ETHUSD before, and has proven what it does now.
        let maker = status(&case, "maker").await;
        assert!(maker.rollout.is_none() && maker.failed.is_none(), "{maker:?}");
        let ready = agent(&case, "maker", "Ready", "True").await;
        assert!(!ready.message.contains("both at work"), "{}", ready.message);
        let promote = "sapphiretrade.xyz/promote=now";
        kubectl(&case, &["annotate", "--overwrite", "tagent", voter, promote]).await;
    }
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}
