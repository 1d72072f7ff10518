//! A halt that somebody writes where a desk's pods read it, while no operator is there.

use sapphire_crds::TradingSystem;
use sapphire_crds::names::annotations::HALTED_BY_HAND;
use sapphire_e2e::{Case, until};

use crate::desk::{POLICY, assert_statuses, event, halt_by_hand, kubectl, limits, ready, system};
use crate::foreseen::diff;
use crate::plane::operated;

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

    operated.kill().await;
    halt_by_hand(&operated.case).await;
    operated.start().await;
    event(&operated.case, "HaltedByHand").await;
    limits_become(&operated.case, &halted).await;
    annotate(&operated.case, &format!("{HALTED_BY_HAND}-")).await;
    limits_become(&operated.case, &before).await;
    assert_statuses(&operated.case).await;
}
