//! A change of a RiskPolicy reaches what runs, whatever keeps the rest of its desk from being brought about.

use rstest::rstest;
use sapphire_crds::RiskPolicy;
use sapphire_e2e::Case;

use crate::desk::{POLICY, apply, assert_statuses, kubectl, ready, wait};
use crate::plane::{case, until};

const ANOTHER: &str = r#"{"spec": {"riskPolicyRef": {"name": "bold"}}}"#;
const EDIT: [&str; 5] = ["patch", "tsys", "desk", "--type=merge", "-p"];

/// The limits that the pods of the desk have.
async fn limits(case: &Case<'_>) -> String {
    kubectl(case, &["get", "configmap", "desk-policy", "-o", r"jsonpath={.data.policy\.yaml}"])
        .await
}

async fn halt(case: &Case<'_>) {
    let halted = r#"{"spec": {"tradingState": "Halted"}}"#;
    kubectl(case, &["patch", "rpol", "careful", "--type=merge", "-p", halted]).await;
    until("the halt to reach what runs", || async {
        limits(case).await.contains("Halted").then_some(())
    })
    .await;
}

#[rstest]
#[case::its_agents_are_too_few("agents", "AgentsMissing", &["delete", "tagent", "one"])]
#[case::it_is_suspended("suspended", "Suspended", &[&EDIT[..], &[r#"{"spec": {"suspend": true}}"#]].concat())]
#[case::the_policy_that_it_names_is_missing("typo", "PolicyMissing", &[&EDIT[..], &[ANOTHER]].concat())]
#[tokio::test]
async fn a_halt_reaches_a_desk_that_is_held(
    #[case] name: &str,
    #[case] reason: &str,
    #[case] edit: &[&str],
) {
    let case = case(&format!("limits-{name}")).await;
    ready(&case, "").await;
    kubectl(&case, edit).await;
    until(reason, || async { (wait(&case, "Ready", "False").await.0 == reason).then_some(()) })
        .await;
    halt(&case).await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_policy_counts_the_desk_that_stays_under_it_until_there_is_the_one_that_it_names() {
    let case = case("former-policy").await;
    ready(&case, "").await;
    kubectl(&case, &[&EDIT[..], &[ANOTHER]].concat()).await;
    let message = until("the desk to tell of it", || async {
        let (reason, message) = wait(&case, "Ready", "False").await;
        (reason == "PolicyMissing").then_some(message)
    })
    .await;
    assert!(message.contains("RiskPolicy careful still limits what runs"), "{message}");
    let policies = case.api::<RiskPolicy>();
    let systems = || async {
        let status = policies.get("careful").await.unwrap().status.unwrap_or_default();
        status.systems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(systems().await, ["desk"]);
    kubectl(&case, &["delete", "rpol", "careful", "--wait=false"]).await;
    halt(&case).await;

    apply(&case, &POLICY.replace("careful", "bold")).await;
    until("the former policy to be let go", || async {
        policies.get_opt("careful").await.unwrap().is_none().then_some(())
    })
    .await;
    wait(&case, "Ready", "True").await;
    let limits = limits(&case).await;
    assert!(limits.contains("name: bold") && !limits.contains("careful"), "{limits}");
    assert_statuses(&case).await;
}
