//! A halt that somebody writes where a desk's pods read it, while no operator is there.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use sapphire_crds::TradingSystem;
use sapphire_crds::names::annotations::{HALTED_BY_HAND, LAST_READ};
use sapphire_e2e::{Case, Fault, Matching, until};
use sapphire_operator::reconcile::kind::Kind;

use crate::desk::{
    BACKENDS, POLICY, apply, assert_statuses, event, halt_by_hand, kubectl, limits, names, ready,
    system,
};
use crate::foreseen::diff;
use crate::plane::{operated, operated_with};

#[tokio::test]
async fn a_halt_that_no_operator_has_heard_is_foreseen_and_kept() {
    let mut operated = operated("halted").await;
    ready(&operated.case, "").await;
    operated.kill().await;
    halt_by_hand(&operated.case).await;
    let manifests = format!("{POLICY}---{}", system(""));
    let (_, said) = diff(&operated.case, &manifests, &[]).await.unwrap();
    for expected in [
        "halted by hand: somebody wrote Halted into the limits of RiskPolicy careful",
        "kubectl annotate tsys desk sapphiretrade.xyz/halted-by-hand- lifts that",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    assert!(!said.contains("ConfigMap desk-policy\n"), "the halt would stay: {said}");
    let stored = operated.case.api::<TradingSystem>().get("desk").await.unwrap();
    let noted = stored.metadata.annotations.unwrap_or_default();
    assert!(!noted.contains_key(HALTED_BY_HAND), "a diff changes nothing");

    operated.start().await;
    let case = &operated.case;
    event(case, "HaltedByHand").await;
    assert!(limits(case).await.contains("tradingState: Halted"));
    let (_, said) = diff(case, &manifests, &[]).await.unwrap();
    assert!(said.contains("halted by hand: every limit says Halted"), "{said}");

    kubectl(case, &["annotate", "tsys", "desk", &format!("{HALTED_BY_HAND}-")]).await;
    until("the halt to be lifted", || async {
        limits(case).await.contains("tradingState: Active").then_some(())
    })
    .await;
    assert_statuses(case).await;
}

async fn annotate(case: &Case<'_>, what: &str) {
    kubectl(case, &["annotate", "tsys", "desk", what]).await;
}

async fn limits_become(case: &Case<'_>, wanted: &str) {
    until("the limits", || async { (limits(case).await == wanted).then_some(()) }).await;
}

/// Of a policy that was forced away an operator that never read it knows what it noted: whoever halts such a desk by
/// hand lifts that again, and takes none of its limits.
#[tokio::test]
async fn a_halt_by_hand_of_a_desk_without_its_policy_is_lifted_by_hand() {
    let mut operated = operated("forced-away").await;
    ready(&operated.case, "").await;
    let before = limits(&operated.case).await;
    let force = "sapphiretrade.xyz/force-delete=true";
    kubectl(&operated.case, &["annotate", "rpol", "careful", force]).await;
    kubectl(&operated.case, &["delete", "rpol", "careful"]).await;
    annotate(&operated.case, &format!("{HALTED_BY_HAND}=a person")).await;
    let halted = before.replace("tradingState: Active", "tradingState: Halted");
    limits_become(&operated.case, &halted).await;
    operated.kill().await;
    operated.start().await;
    annotate(&operated.case, &format!("{HALTED_BY_HAND}-")).await;
    limits_become(&operated.case, &before).await;

    // Whoever writes in a hurry may misspell what else is there: pods get what they can read.
    operated.kill().await;
    let misspelt = halted.replace("v1alpha1\n", "v1alpha11\n");
    assert_ne!(misspelt, halted);
    let patch = serde_json::json!({"data": {"policy.yaml": misspelt}}).to_string();
    let limits = ["patch", "configmap", "desk-policy", "--type=merge", "-p"];
    kubectl(&operated.case, &[&limits[..], &[&patch]].concat()).await;
    operated.start().await;
    event(&operated.case, "HaltedByHand").await;
    limits_become(&operated.case, &halted).await;
    annotate(&operated.case, &format!("{HALTED_BY_HAND}-")).await;
    limits_become(&operated.case, &before).await;
    assert_statuses(&operated.case).await;
}

/// An earlier release noted nothing beside the limits: the halt of a policy that was forced away since stays all the same.
#[tokio::test]
async fn the_halt_of_a_policy_that_was_taken_away_needs_no_note() {
    let mut operated = operated("no-note").await;
    ready(&operated.case, "").await;
    let halted =
        limits(&operated.case).await.replace("tradingState: Active", "tradingState: Halted");
    let halt = r#"{"spec": {"tradingState": "Halted"}}"#;
    kubectl(&operated.case, &["patch", "rpol", "careful", "--type=merge", "-p", halt]).await;
    limits_become(&operated.case, &halted).await;
    let force = "sapphiretrade.xyz/force-delete=true";
    kubectl(&operated.case, &["annotate", "rpol", "careful", force]).await;
    kubectl(&operated.case, &["delete", "rpol", "careful"]).await;
    operated.kill().await;
    let note = format!("{LAST_READ}-");
    kubectl(&operated.case, &["annotate", "configmap", "desk-policy", &note]).await;
    operated.start().await;
    let case = &operated.case;
    until("a note", || async {
        let limits = case.api::<ConfigMap>().get("desk-policy").await.unwrap();
        limits.metadata.annotations.is_some_and(|all| all.contains_key(LAST_READ)).then_some(())
    })
    .await;
    // What it noted itself is no policy's word for less.
    let active = halted.replace("tradingState: Halted", "tradingState: Active");
    let active = serde_json::json!({"data": {"policy.yaml": active}}).to_string();
    kubectl(case, &["patch", "configmap", "desk-policy", "--type=merge", "-p", &active]).await;
    limits_become(case, &halted).await;
}

/// What a policy said last counts, though it is gone before its desk is looked at again.
#[tokio::test]
async fn a_policys_last_word_holds_though_nobody_looked_while_it_stood() {
    let operated = operated("last-word").await;
    let case = &operated.case;
    ready(case, "").await;
    let halted = limits(case).await.replace("tradingState: Active", "tradingState: Halted");
    let writes = Matching::any().verb("patch").resource("configmaps");
    let slow = operated.proxy.next(1, writes, Fault::Delayed(Duration::from_secs(6)));
    let state = |state: &str| format!(r#"{{"spec": {{"tradingState": "{state}"}}}}"#);
    let patch = ["patch", "rpol", "careful", "--type=merge", "-p"];
    kubectl(case, &[&patch[..], &[&state("Reducing")]].concat()).await;
    until("a look that takes long", || async { (slow.met() == 1).then_some(()) }).await;
    kubectl(case, &[&patch[..], &[&state("Halted")]].concat()).await;
    kubectl(case, &["delete", "rpol", "careful", "--wait=false"]).await;
    let force = r#"{"metadata": {"finalizers": null}}"#;
    kubectl(case, &[&patch[..], &[force]].concat()).await;
    let gone = kubectl(case, &["get", "rpol", "-o", "name"]).await;
    assert_eq!((gone.as_str(), limits(case).await == halted), ("", false), "nobody looked");
    limits_become(case, &halted).await;
    assert_statuses(case).await;
}

/// Where many desks are brought about at once the operator is busy for minutes.
#[tokio::test]
async fn a_halt_comes_before_all_that_wait() {
    const OTHERS: usize = 30;
    const AT_ONCE: usize = 2;
    let operated = operated_with("first", |settings| settings.concurrency = AT_ONCE).await;
    let case = &operated.case;
    ready(case, "").await;
    let active = limits(case).await;
    let halted = active.replace("tradingState: Active", "tradingState: Halted");
    let late = Fault::Delayed(Duration::from_millis(200));
    let _slow = operated.proxy.all(Matching::any().verb("patch"), late);
    let template =
        system(BACKENDS).replace("riskPolicyRef: {name: careful}", "riskPolicyRef: {name: bold}");
    let template = template.split("---").next().unwrap();
    let other = |number| template.replace("{name: desk}", &format!("{{name: other-{number}}}"));
    let others: Vec<String> = (0..OTHERS).map(other).collect();
    let bold = POLICY.replace("careful", "bold");
    apply(case, &format!("{bold}---{}", others.join("---"))).await;
    let is_other = |name: &&String| name.starts_with("other-") && name.ends_with("-trader");
    let begun =
        || async { names(case, Kind::ServiceAccount).await.iter().filter(is_other).count() };
    until("the first of many desks", || async { (begun().await > 0).then_some(()) }).await;

    let patch = ["patch", "rpol", "careful", "--type=merge", "-p"];
    for (state, expected) in [("Halted", &halted), ("Active", &active)] {
        let state = format!(r#"{{"spec": {{"tradingState": "{state}"}}}}"#);
        kubectl(case, &[&patch[..], &[&state]].concat()).await;
        limits_become(case, expected).await;
    }
    annotate(case, &format!("{HALTED_BY_HAND}=a person")).await;
    limits_become(case, &halted).await;
    let begun = begun().await;
    assert!(begun + AT_ONCE < OTHERS, "all {begun} others came first");
}
