//! A halt that somebody writes where a desk's pods read it, while no operator is there.

use sapphire_crds::TradingSystem;
use sapphire_crds::names::annotations::HALTED_BY_HAND;

use crate::desk::{POLICY, assert_statuses, event, halt_by_hand, kubectl, limits, ready, system};
use crate::foreseen::diff;
use crate::plane::{operated, until};

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
