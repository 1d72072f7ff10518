//! No position is orphaned by a deletion, unless a person says so.

use std::time::Duration;

use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use sapphire_crds::conditions::ConditionType;
use sapphire_crds::names::Component;
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};
use sapphire_e2e::{Case, Play, Traders, until};
use sapphire_operator::reconcile::kind::Kind;
use serde_json::json;

use crate::desk::{
    POLICY, RECORDINGS, apply, assert_statuses, kubectl, names, ready, system, uid, volumes, wait,
    wait_for,
};
use crate::events::events;
use crate::plane::case;
use crate::reports::trader;

/// kubectl in the case's namespace, which is refused; with which words.
async fn refused(case: &Case<'_>, arguments: &[&str]) -> String {
    let arguments = [&["-n", case.namespace()], arguments].concat();
    let outcome = case.cluster().kubectl(&arguments).await.unwrap();
    outcome.ok().unwrap_err().to_string()
}

/// A desk with a position, and who plays its trader.
async fn exposed(case: &Case<'_>, more: &str) -> Traders {
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    traders.conduct(case.namespace(), "desk", |desk| {
        desk.exposed = vec!["BTCUSD".parse().unwrap()];
        desk.closes_after = Duration::from_secs(3600);
    });
    ready(case, more).await;
    wait(case, "Flat", "False").await;
    traders
}

async fn delete(case: &Case<'_>) {
    kubectl(case, &["delete", "tsys", "desk", "--wait=false"]).await;
}

/// Waits until the desk being deleted says why it stays; the words.
async fn held(case: &Case<'_>, reason: &str) -> String {
    let systems = case.api::<TradingSystem>();
    until(&format!("the deletion to be held: {reason}"), || async {
        let system = systems.get("desk").await.unwrap();
        let conditions = system.status?.conditions;
        let ready = conditions.get(ConditionType::Ready)?;
        system.metadata.deletion_timestamp.as_ref()?;
        let current = ready.observed_generation == system.metadata.generation;
        (current && ready.reason == reason).then(|| ready.message.clone())
    })
    .await
}

async fn gone(case: &Case<'_>) {
    let systems = case.api::<TradingSystem>();
    until("the desk to go", || async {
        systems.get_opt("desk").await.unwrap().is_none().then_some(())
    })
    .await;
}

async fn set_policy(case: &Case<'_>, policy: &str) {
    let patch = format!("{{\"spec\":{{\"deletionPolicy\":\"{policy}\"}}}}");
    kubectl(case, &["patch", "tsys", "desk", "--type=merge", "-p", &patch]).await;
}

/// Deletes although the admission policy would refuse it: by a status that is true for a moment only.
async fn slip_through<K>(case: &Case<'_>, name: &str, status: serde_json::Value)
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let api: Api<K> = case.api();
    until("a deletion to slip through", || async {
        let patch = Patch::Merge(json!({"status": status}));
        api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
        api.delete(name, &DeleteParams::default()).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_desk_whose_release_is_not_known_any_more_is_not_deleted_while_it_is_exposed() {
    let case = case("refuse-lost").await;
    let _traders = exposed(&case, "").await;
    // Nothing is reconciled, so that nothing finds it again.
    let patch = |patch: &'static str| ["patch", "tsys", "desk", "--type=merge", "-p", patch];
    kubectl(&case, &patch(r#"{"spec":{"suspend":true}}"#)).await;
    wait(&case, "Stalled", "True").await;
    let lost = patch(r#"{"status":{"rollout":null}}"#);
    kubectl(&case, &[&lost[..], &["--subresource=status"]].concat()).await;
    let status = case.api::<TradingSystem>().get("desk").await.unwrap().status.unwrap();
    assert!(status.rollout.is_none() && status.report.is_some());
    let said = refused(&case, &["delete", "tsys", "desk", "--wait=false"]).await;
    assert!(said.contains("BTCUSD") && said.contains("deletionPolicy"), "{said}");
}

#[tokio::test]
async fn a_desk_that_is_exposed_is_not_deleted_and_one_that_is_flat_goes_with_its_children() {
    let case = case("refuse").await;
    let traders = exposed(&case, "").await;
    let said = refused(&case, &["delete", "tsys", "desk"]).await;
    assert!(said.contains("BTCUSD") && said.contains("deletionPolicy"), "{said}");

    // Nonsense proves nothing.
    traders.conduct(case.namespace(), "desk", |desk| desk.nonsense = Some("{".into()));
    wait(&case, "Flat", "Unknown").await;
    refused(&case, &["delete", "tsys", "desk"]).await;
    assert_statuses(&case).await;

    traders.conduct(case.namespace(), "desk", |desk| {
        desk.nonsense = None;
        desk.exposed.clear();
    });
    wait(&case, "Flat", "True").await;
    delete(&case).await;
    gone(&case).await;
    let told = events(&case).await;
    assert!(told.contains("ProvenFlat: goes as it is flat: "), "{told}");
    for kind in [Kind::Deployment, Kind::ConfigMap, Kind::Role, Kind::ControllerRevision] {
        until(&format!("every {} to go", kind.name()), || async {
            names(&case, kind).await.is_empty().then_some(())
        })
        .await;
    }
    // The agents are people's; they wait for a system of that name.
    let agents = case.api::<TradingAgent>();
    until("the agents to miss their system", || async {
        let status = agents.get("one").await.unwrap().status?;
        let ready = status.conditions.get(ConditionType::Ready)?.clone();
        (ready.reason == "SystemMissing").then_some(())
    })
    .await;
    assert_statuses(&case).await;
    kubectl(&case, &["delete", "rpol", "careful"]).await;
}

#[tokio::test]
async fn the_finalizer_asks_again_and_the_desk_trades_on() {
    let case = case("finalizer").await;
    let traders = exposed(&case, "").await;
    let deployment = uid(&case, Kind::Deployment, "desk-trader").await;
    let (_, pod) = trader(&case).await;
    slip_through::<TradingSystem>(&case, "desk", json!({"report": {"flat": true}})).await;
    let words = held(&case, "WaitingForFlat").await;
    for way in ["BTCUSD", "\"Flatten\"", "\"Orphan\"", "force-delete=true", "patch rpol careful"] {
        assert!(words.contains(way), "{way} is not in: {words}");
    }
    // Nothing is repaired, and nothing is taken away.
    kubectl(&case, &["delete", "service", "desk-api"]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(names(&case, Kind::Service).await.is_empty());
    assert_eq!(uid(&case, Kind::Deployment, "desk-trader").await, deployment);
    assert_eq!(trader(&case).await.1, pod);
    assert_statuses(&case).await;

    traders.conduct(case.namespace(), "desk", |desk| desk.exposed.clear());
    gone(&case).await;
}

#[tokio::test]
async fn a_flat_desk_that_has_not_seen_its_deletion_may_still_enter_and_stays() {
    let case = case("unaware").await;
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    traders.conduct(case.namespace(), "desk", |desk| desk.sees_its_end = false);
    ready(&case, "").await;
    wait(&case, "Flat", "True").await;
    delete(&case).await;
    let words = held(&case, "WaitingForFlat").await;
    assert!(words.contains("not yet that it has seen the deletion"), "{words}");
    // Whatever arrives after the deletion may have been written before it.
    traders.conduct(case.namespace(), "desk", |desk| desk.equity = "99000".parse().ok());
    let systems = case.api::<TradingSystem>();
    until("the later report to be taken in", || async {
        let report = systems.get("desk").await.unwrap().status?.report?;
        (report.equity == "99000".parse().ok()).then_some(())
    })
    .await;
    assert_statuses(&case).await;
    traders.conduct(case.namespace(), "desk", |desk| desk.sees_its_end = true);
    gone(&case).await;
}

#[tokio::test]
async fn flatten_closes_and_goes_with_the_proof() {
    let case = case("flatten").await;
    let traders = exposed(&case, "  deletionPolicy: Flatten").await;
    delete(&case).await;
    let words = held(&case, "WaitingForFlat").await;
    assert!(words.contains("BTCUSD") && words.contains("closes"), "{words}");
    let (_, pod) = trader(&case).await;
    assert_statuses(&case).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(trader(&case).await.1, pod, "who closes is there until it has");
    traders.conduct(case.namespace(), "desk", |desk| desk.closes_after = Duration::ZERO);
    gone(&case).await;
}

#[tokio::test]
async fn the_policy_can_be_changed_while_the_deletion_waits() {
    let case = case("change-mind").await;
    let _traders = exposed(&case, "  deletionPolicy: Flatten").await;
    delete(&case).await;
    held(&case, "WaitingForFlat").await;
    set_policy(&case, "Refuse").await;
    let systems = case.api::<TradingSystem>();
    until("the other policy's words", || async {
        let status = systems.get("desk").await.unwrap().status?;
        let ready = status.conditions.get(ConditionType::Ready)?.clone();
        ready.message.contains("deletionPolicy is Refuse").then_some(())
    })
    .await;
    assert_statuses(&case).await;
    set_policy(&case, "Orphan").await;
    gone(&case).await;
    let told = events(&case).await;
    assert!(told.contains("Orphaned: ") && told.contains("BTCUSD"), "{told}");
    assert_eq!(told.matches("Orphaned: ").count(), 1, "{told}");
}

#[tokio::test]
async fn a_person_can_force_it_before_and_after() {
    let case = case("force").await;
    let _traders = exposed(&case, "").await;
    let force = ["annotate", "tsys", "desk", "sapphiretrade.xyz/force-delete=true"];
    refused(&case, &["delete", "tsys", "desk"]).await;
    kubectl(&case, &force).await;
    delete(&case).await;
    gone(&case).await;
    let told = events(&case).await;
    assert!(told.contains("ForceDeleted: ") && told.contains("BTCUSD"), "{told}");

    let other = crate::plane::case("force-later").await;
    let _traders = exposed(&other, "  deletionPolicy: Flatten").await;
    delete(&other).await;
    held(&other, "WaitingForFlat").await;
    kubectl(&other, &["annotate", "tsys", "desk", "sapphiretrade.xyz/force-delete=yes"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    held(&other, "WaitingForFlat").await;
    kubectl(&other, &[&force[..], &["--overwrite"]].concat()).await;
    gone(&other).await;
}

#[tokio::test]
async fn a_desk_that_never_traded_goes_at_once() {
    let case = case("never").await;
    apply(&case, &system("")).await;
    let (reason, _) = wait(&case, "Reconciling", "True").await;
    assert_eq!(reason, "PolicyMissing");
    let finalizers = ["get", "tsys", "desk", "-o", "jsonpath={.metadata.finalizers}"];
    assert!(kubectl(&case, &finalizers).await.contains("sapphiretrade.xyz/exposure"));
    delete(&case).await;
    gone(&case).await;
}

/// Has a desk deleted by somebody who wrote into its status that it is flat; why it stays all the same.
async fn held_though_said_to_be_flat(case: &Case<'_>) -> String {
    let flat = json!({"report": {"flat": true, "leader": "nobody",
        "observedAt": "2026-01-01T00:00:00Z", "tradingState": "Active"}});
    slip_through::<TradingSystem>(case, "desk", flat).await;
    held(case, "WaitingForFlat").await
}

#[tokio::test]
async fn a_desk_whose_trader_never_reported_counts_as_exposed() {
    let case = case("mute").await;
    ready(&case, "").await;
    let said = refused(&case, &["delete", "tsys", "desk"]).await;
    assert!(said.contains("no recent report"), "{said}");
    let words = held_though_said_to_be_flat(&case).await;
    assert!(words.contains("no trader pod reports"), "{words}");
    assert_statuses(&case).await;
    // It begins to speak.
    let _traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    gone(&case).await;
}

#[tokio::test]
async fn a_trader_that_crashes_is_not_said_to_close() {
    let case = case("crash-flatten").await;
    case.play(Component::Trader, &Play::Crashes("no such table".into())).await.unwrap();
    let manifests = system("  deletionPolicy: Flatten");
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{manifests}")).await;
    volumes(&case).await;
    let reason = wait_for(&case, "CoreAvailable", "False", "CrashLooping").await;
    assert!(reason.contains("no such table"), "{reason}");
    let words = held_though_said_to_be_flat(&case).await;
    assert!(words.contains("No trader answers that could close it (pod desk-trader-"), "{words}");
    assert!(words.contains("no such table") && words.contains("describe pods"), "{words}");
    assert_statuses(&case).await;
    set_policy(&case, "Orphan").await;
    gone(&case).await;
}

#[tokio::test]
async fn at_zero_nobody_can_close_which_is_said_at_once() {
    let case = case("zero-flatten").await;
    let traders = exposed(&case, "  deletionPolicy: Flatten").await;
    kubectl(&case, &["scale", "deployment/desk-trader", "--replicas=0"]).await;
    wait(&case, "Flat", "Unknown").await;
    delete(&case).await;
    let words = held(&case, "ScaledToZero").await;
    assert!(words.contains("scale deployment desk-trader --replicas=1"), "{words}");
    assert_statuses(&case).await;
    traders.conduct(case.namespace(), "desk", |desk| desk.closes_after = Duration::ZERO);
    kubectl(&case, &["scale", "deployment/desk-trader", "--replicas=1"]).await;
    gone(&case).await;
}

#[tokio::test]
async fn a_suspended_desk_is_deleted_by_the_same_rules() {
    let case = case("suspended").await;
    let traders = exposed(&case, "").await;
    apply(&case, &system("  suspend: true")).await;
    wait(&case, "Stalled", "True").await;
    refused(&case, &["delete", "tsys", "desk"]).await;
    traders.conduct(case.namespace(), "desk", |desk| desk.exposed.clear());
    wait(&case, "Flat", "True").await;
    assert_statuses(&case).await;
    delete(&case).await;
    gone(&case).await;
}

#[tokio::test]
async fn a_desk_and_its_policy_go_in_one_command() {
    let case = case("together").await;
    let _traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    ready(&case, "").await;
    wait(&case, "Flat", "True").await;
    kubectl(&case, &["delete", "tsys/desk", "rpol/careful", "--timeout=60s"]).await;
    gone(&case).await;
    let policies = case.api::<RiskPolicy>();
    assert!(policies.get_opt("careful").await.unwrap().is_none());
}

#[tokio::test]
async fn a_policy_stays_while_a_system_names_it() {
    let case = case("in-use").await;
    ready(&case, "").await;
    apply(&case, &POLICY.replace("careful", "bold")).await;
    // One that nobody names goes without more ado.
    kubectl(&case, &["delete", "rpol", "bold"]).await;
    let delete = ["-n", case.namespace(), "delete", "rpol", "careful", "--wait=false"];
    let deleted = case.cluster().kubectl(&delete).await.unwrap();
    assert!(deleted.status.success(), "{}", deleted.err);
    for words in ["limits 1 TradingSystem(s), desk first", "It stays", "force-delete"] {
        assert!(deleted.err.contains(words), "no `{words}` in: {}", deleted.err);
    }
    let policies = case.api::<RiskPolicy>();
    let words = until("the policy to say why it stays", || async {
        let status = policies.get("careful").await.unwrap().status?;
        let ready = status.conditions.get(ConditionType::Ready)?.clone();
        (ready.reason == "InUse").then_some(ready.message)
    })
    .await;
    assert!(words.contains("desk") && words.contains("force-delete"), "{words}");
    assert_statuses(&case).await;
    apply(&case, &POLICY.replace("careful", "bold")).await;
    let patch = "{\"spec\":{\"riskPolicyRef\":{\"name\":\"bold\"}}}";
    kubectl(&case, &["patch", "tsys", "desk", "--type=merge", "-p", patch]).await;
    until("the policy to go", || async {
        policies.get_opt("careful").await.unwrap().is_none().then_some(())
    })
    .await;
}
