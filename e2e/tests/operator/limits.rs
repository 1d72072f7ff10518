//! A change of a RiskPolicy reaches what runs, whatever keeps the rest of its desk from being brought about.

use k8s_openapi::api::events::v1::Event;
use rstest::rstest;
use sapphire_crds::conditions::{ConditionType, Reason};
use sapphire_crds::{RiskPolicy, TradingSystem};
use sapphire_e2e::Case;

use crate::desk::{POLICY, apply, assert_statuses, kubectl, ready, system, wait};
use crate::plane::{case, until};

const ANOTHER: &str = r#"{"spec": {"riskPolicyRef": {"name": "bold"}}}"#;
const EDIT: [&str; 5] = ["patch", "tsys", "desk", "--type=merge", "-p"];

/// The limits that the pods of the desk have.
async fn limits(case: &Case<'_>) -> String {
    let policy = r"jsonpath={.data.policy\.yaml}";
    kubectl(case, &["get", "configmap", "desk-policy", "--ignore-not-found", "-o", policy]).await
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
    held(&case, reason).await;
    halt(&case).await;
    assert_statuses(&case).await;
}

async fn held(case: &Case<'_>, reason: &str) {
    until(reason, || async { (wait(case, "Ready", "False").await.0 == reason).then_some(()) })
        .await;
}

/// Whatever happens to the ConfigMap: what else is known of the pods says under which policy they were started.
#[rstest]
#[case::while_suspended("suspended", "Suspended", r#"{"spec": {"suspend": true}}"#, &["delete", "configmap", "desk-policy"])]
#[case::while_held("held", "PolicyMissing", ANOTHER, &["delete", "configmap", "desk-policy"])]
#[case::by_its_note("note", "PolicyMissing", ANOTHER, &["annotate", "configmap", "desk-policy", "sapphiretrade.xyz/risk-policies-"])]
#[tokio::test]
async fn a_halt_reaches_a_desk_whose_limits_somebody_took_away(
    #[case] name: &str,
    #[case] reason: &str,
    #[case] edit: &str,
    #[case] mischief: &[&str],
) {
    let case = case(&format!("taken-{name}")).await;
    ready(&case, "").await;
    kubectl(&case, &[&EDIT[..], &[edit]].concat()).await;
    held(&case, reason).await;
    kubectl(&case, mischief).await;
    halt(&case).await;
    kubectl(&case, &["delete", "rpol", "careful", "--wait=false"]).await;
    in_use(&case).await;
    assert_statuses(&case).await;
}

/// The policy is being deleted, and waits for those who are under it.
async fn in_use(case: &Case<'_>) {
    let policies = case.api::<RiskPolicy>();
    until("the policy to be in use", || async {
        let status = policies.get("careful").await.unwrap().status?;
        let reconciling = status.conditions.get(ConditionType::Reconciling)?;
        (reconciling.reason == Reason::InUse.as_str()).then_some(())
    })
    .await;
}

/// A webhook whose server is away refuses what the desk needs beside its limits.
#[tokio::test]
async fn a_halt_reaches_a_desk_of_which_nothing_else_can_be_written() {
    let case = case("webhook").await;
    ready(&case, "").await;
    let webhook = format!(
        r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: {name}}}
webhooks:
- name: away.example.com
  failurePolicy: Fail
  sideEffects: None
  timeoutSeconds: 1
  admissionReviewVersions: [v1]
  clientConfig: {{url: "https://127.0.0.1:1/"}}
  namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}
  rules:
  - {{apiGroups: [apps], apiVersions: [v1], resources: [controllerrevisions, deployments], operations: [CREATE, UPDATE]}}
  - {{apiGroups: [""], apiVersions: [v1], resources: [serviceaccounts], operations: [CREATE, UPDATE]}}
"#,
        name = case.namespace()
    );
    apply(&case, &webhook).await;
    kubectl(&case, &["delete", "serviceaccount", "desk-trader"]).await;
    kubectl(&case, &[&EDIT[..], &[r#"{"spec": {"barInterval": "5m"}}"#]].concat()).await;
    held(&case, "Retrying").await;
    halt(&case).await;
    kubectl(&case, &["delete", "validatingwebhookconfiguration", case.namespace()]).await;
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_policy_is_not_kept_for_a_desk_that_never_ran_under_it() {
    let case = case("never-ran").await;
    // Nothing to put its recordings in: its pod never starts.
    apply(&case, &format!("{POLICY}---{}---{}", POLICY.replace("careful", "bold"), system("")))
        .await;
    until("its limits", || async { limits(&case).await.contains("careful").then_some(()) }).await;
    kubectl(&case, &[&EDIT[..], &[ANOTHER]].concat()).await;
    until("the other limits", || async { limits(&case).await.contains("bold").then_some(()) })
        .await;
    kubectl(&case, &["delete", "rpol", "careful", "--timeout=30s"]).await;
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

/// So a desk is halted while no operator is there; who writes it is no less a person then.
#[tokio::test]
async fn a_halt_that_somebody_wrote_into_the_limits_stays_until_the_policys_state_changes() {
    let case = case("by-hand").await;
    ready(&case, "").await;
    let written = limits(&case).await;
    let halted = written.replace("tradingState: Active", "tradingState: Halted");
    assert_ne!(written, halted, "{written}");
    let patch = serde_json::json!({"data": {"policy.yaml": halted}}).to_string();
    kubectl(&case, &["patch", "configmap", "desk-policy", "--type=merge", "-p", &patch]).await;
    let note = until("the halt to be told", || async {
        let events = case.api::<Event>().list(&Default::default()).await.unwrap().items;
        let of = |event: &Event| event.reason.as_deref() == Some("HaltedByHand");
        events.into_iter().find(of).and_then(|event| event.note)
    })
    .await;
    assert!(note.contains("kubectl patch rpol careful"), "{note}");
    // Another reason to look at the desk is none to lift it.
    kubectl(&case, &["annotate", "tsys", "desk", "sapphiretrade.xyz/reconcile-now=1"]).await;
    until("the desk to be looked at", || async {
        let status = case.api::<TradingSystem>().get("desk").await.unwrap().status?;
        status.handled?.reconcile_now.map(drop)
    })
    .await;
    assert_eq!(limits(&case).await, halted);
    until("the policy to tell of it", || async {
        let status = case.api::<RiskPolicy>().get("careful").await.unwrap().status?;
        let enforced = status.conditions.get(ConditionType::Enforced)?.clone();
        (enforced.reason == Reason::HaltedByHand.as_str()).then_some(())
    })
    .await;
    // A tighter limit comes, and is no word about the halt. A file beside it is nobody's limit.
    let stray = r#"{"data": {"stray.yaml": "kind: RiskPolicy"}}"#;
    kubectl(&case, &["patch", "configmap", "desk-policy", "--type=merge", "-p", stray]).await;
    let tighter = r#"{"spec": {"limits": {"maxDrawdown": "0.07"}}}"#;
    kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", tighter]).await;
    until("the tighter limit", || async { limits(&case).await.contains("0.07").then_some(()) })
        .await;
    assert!(limits(&case).await.contains("tradingState: Halted"));
    // A person's newer word about it.
    for state in ["Halted", "Active"] {
        let word = serde_json::json!({"spec": {"tradingState": state}}).to_string();
        kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", &word]).await;
        until("the policy's newer word", || async {
            let notes = [
                "get",
                "configmap",
                "desk-policy",
                "-o",
                "jsonpath={.metadata.annotations.sapphiretrade\\.xyz/halts}",
            ];
            let halts = if state == "Halted" { "careful" } else { "" };
            (kubectl(&case, &notes).await == halts
                && limits(&case).await.contains(&format!("tradingState: {state}")))
            .then_some(())
        })
        .await;
    }
    assert_statuses(&case).await;
}
