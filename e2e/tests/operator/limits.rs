//! A change of a RiskPolicy reaches what runs, whatever keeps the rest of its desk from being brought about.

use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use rstest::rstest;
use sapphire_crds::conditions::{ConditionType, Reason};
use sapphire_crds::names::Component;
use sapphire_crds::{RiskPolicy, TradingSystem};
use sapphire_e2e::{Case, Play, until};
use serde_json::json;

use crate::desk::{
    POLICY, apply, assert_statuses, event, halt_by_hand, kubectl, limits, ready, system, wait,
};
use crate::plane::{case, plane};

const ANOTHER: &str = r#"{"spec": {"riskPolicyRef": {"name": "bold"}}}"#;
const EDIT: [&str; 5] = ["patch", "tsys", "desk", "--type=merge", "-p"];

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

/// Whether each of these policies, and no other, halts the desk's pods.
async fn halted(case: &Case<'_>, policies: &[&str]) -> Option<()> {
    let text = limits(case).await;
    let all = policies.iter().all(|name| text.contains(&format!("name: {name}")));
    let halts = text.matches("tradingState: Halted").count() == policies.len();
    (all && halts && text.matches("tradingState:").count() == policies.len()).then_some(())
}

const BY_HAND: &str = "sapphiretrade.xyz/halted-by-hand";

/// Who halts where the pods read it is no less a person than who changes the policy.
#[tokio::test]
async fn a_halt_that_somebody_wrote_into_the_limits_stays_until_a_person_lifts_it() {
    let case = case("by-hand").await;
    ready(&case, "").await;
    halt_by_hand(&case).await;
    let note = event(&case, "HaltedByHand").await;
    assert!(note.contains(&format!("kubectl annotate tsys desk {BY_HAND}-")), "{note}");
    until("the policy to tell of it", || async {
        let status = case.api::<RiskPolicy>().get("careful").await.unwrap().status?;
        let enforced = status.conditions.get(ConditionType::Enforced)?.clone();
        (enforced.reason == Reason::HaltedOtherwise.as_str()).then_some(())
    })
    .await;
    until("the desk to tell of it", || async {
        let (_, words) = wait(&case, "Ready", "True").await;
        words.contains("halted by hand").then_some(())
    })
    .await;
    // A tighter limit comes, and is no word about the halt; nor is the policy's own state.
    for (edit, word) in [
        (r#"{"spec": {"limits": {"maxDrawdown": "0.07"}}}"#, "0.07"),
        (r#"{"spec": {"tradingState": "Reducing", "limits": {"maxDrawdown": "0.06"}}}"#, "0.06"),
    ] {
        kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", edit]).await;
        until("the tighter limit", || async { limits(&case).await.contains(word).then_some(()) })
            .await;
        assert!(halted(&case, &["careful"]).await.is_some(), "{}", limits(&case).await);
    }
    // The ConfigMap that goes, and another policy, come with it.
    kubectl(&case, &["delete", "configmap", "desk-policy"]).await;
    until("the limits", || halted(&case, &["careful"])).await;
    apply(&case, &POLICY.replace("careful", "bold")).await;
    kubectl(&case, &[&EDIT[..], &[ANOTHER]].concat()).await;
    until("the other limits", || halted(&case, &["bold"])).await;
    wait(&case, "Ready", "True").await;

    kubectl(&case, &["annotate", "tsys", "desk", &format!("{BY_HAND}-")]).await;
    until("the halt to be lifted", || async {
        limits(&case).await.contains("tradingState: Active").then_some(())
    })
    .await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn limits_that_somebody_replaced_whole_are_taken_back_with_their_halt() {
    let case = case("replaced").await;
    ready(&case, "").await;
    let halted_text = limits(&case).await.replace("tradingState: Active", "tradingState: Halted");
    let replaced = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "desk-policy"},
        "data": {"policy.yaml": halted_text},
    });
    replace(&case, &replaced).await;
    event(&case, "HaltedByHand").await;
    let tighter = r#"{"spec": {"limits": {"maxDrawdown": "0.07"}}}"#;
    kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", tighter]).await;
    until("the tighter limit", || async { limits(&case).await.contains("0.07").then_some(()) })
        .await;
    assert!(halted(&case, &["careful"]).await.is_some());
    assert_statuses(&case).await;
}

#[rstest]
#[case::immutable("immutable", r#"{"immutable": true}"#)]
#[case::in_binary(
    "in-binary",
    r#"{"data": {"policy.yaml": null}, "binaryData": {"policy.yaml": "b29wcw=="}}"#
)]
#[tokio::test]
async fn limits_that_cannot_be_set_back_are_made_anew(#[case] name: &str, #[case] edit: &str) {
    let case = case(name).await;
    ready(&case, "").await;
    kubectl(&case, &["patch", "configmap", "desk-policy", "--type=merge", "-p", edit]).await;
    let note = event(&case, "LimitsMadeAnew").await;
    assert!(note.contains("rollout restart"), "{note}");
    halt(&case).await;
    assert_statuses(&case).await;
}

/// Writes it whole, as `kubectl replace` does.
async fn replace(case: &Case<'_>, config_map: &serde_json::Value) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config_map.to_string()).unwrap();
    kubectl(case, &["replace", "-f", &file.path().display().to_string()]).await;
}

#[tokio::test]
async fn limits_that_somebody_wrote_over_are_taken_back() {
    let case = case("written-over").await;
    ready(&case, "").await;
    let garbage = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "desk-policy"},
        "data": {"policy.yaml": "oops"},
    });
    replace(&case, &garbage).await;
    halt(&case).await;
    // The same again: it is the policy's halt all the same, and no person's.
    let same = kubectl(&case, &["get", "configmap", "desk-policy", "-o", "json"]).await;
    let mut same: serde_json::Value = serde_json::from_str(&same).unwrap();
    for of_the_server in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] {
        same["metadata"].as_object_mut().unwrap().remove(of_the_server);
    }
    replace(&case, &same).await;
    until("the operator to write it too", || async {
        let get = ["get", "configmap", "desk-policy", "--show-managed-fields", "-o", "json"];
        let there: serde_json::Value = serde_json::from_str(&kubectl(&case, &get).await).unwrap();
        let mut managers = there["metadata"]["managedFields"].as_array().unwrap().iter();
        let owns = |m: &&serde_json::Value| m["fieldsV1"]["f:data"]["f:policy.yaml"].is_object();
        managers.find(|m| m["manager"] == "sapphire-operator" && owns(m)).map(drop)
    })
    .await;
    let active = r#"{"spec": {"tradingState": "Active"}}"#;
    kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", active]).await;
    until("the halt to be lifted", || async {
        limits(&case).await.contains("tradingState: Active").then_some(())
    })
    .await;
    assert_statuses(&case).await;
}

/// Pods read it until it is gone.
#[tokio::test]
async fn a_halt_reaches_limits_that_are_being_deleted() {
    let case = case("deleting").await;
    ready(&case, "").await;
    let held = r#"{"metadata": {"finalizers": ["example.com/held"]}}"#;
    kubectl(&case, &["patch", "configmap", "desk-policy", "--type=merge", "-p", held]).await;
    kubectl(&case, &["delete", "configmap", "desk-policy", "--wait=false"]).await;
    halt(&case).await;
    let free = r#"{"metadata": {"finalizers": null}}"#;
    kubectl(&case, &["patch", "configmap", "desk-policy", "--type=merge", "-p", free]).await;
    until("the limits to be made anew", || halted(&case, &["careful"])).await;
    assert_statuses(&case).await;
}

/// As a script does that puts back what it knows.
#[tokio::test]
async fn who_goes_on_loosening_the_limits_does_not_win() {
    let case = case("loosened").await;
    ready(&case, "").await;
    let active = json!({"data": {"policy.yaml": limits(&case).await}}).to_string();
    halt(&case).await;
    let mut set_back = 0;
    for _ in 0..12 {
        kubectl(&case, &["patch", "configmap", "desk-policy", "--type=merge", "-p", &active]).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        set_back += usize::from(halted(&case, &["careful"]).await.is_some());
    }
    assert!(set_back > 8, "{set_back} of 12 were set back at once");
    let force = ["apply", "--server-side", "--force-conflicts", "--field-manager=script", "-f"];
    let declared = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "desk-policy", "namespace": case.namespace()},
        "data": serde_json::from_str::<serde_json::Value>(&active).unwrap()["data"],
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), declared.to_string()).unwrap();
    kubectl(&case, &[&force[..], &[&file.path().display().to_string()]].concat()).await;
    until("the halt", || halted(&case, &["careful"])).await;
    assert_statuses(&case).await;
}

/// Who halts the policy that a desk names need not know which one its pods are still under.
#[tokio::test]
async fn the_policy_that_a_desk_names_halts_what_runs_under_another() {
    let case = case("named").await;
    ready(&case, "").await;
    apply(&case, &POLICY.replace("careful", "bold")).await;
    let edit = r#"{"spec": {"suspend": true, "riskPolicyRef": {"name": "bold"}}}"#;
    kubectl(&case, &[&EDIT[..], &[edit]].concat()).await;
    until("both limits", || async {
        let text = limits(&case).await;
        (text.contains("name: careful") && text.contains("name: bold")).then_some(())
    })
    .await;
    let word = r#"{"spec": {"tradingState": "Halted"}}"#;
    kubectl(&case, &["patch", "rpol", "bold", "--type=merge", "-p", word]).await;
    until("both to halt", || halted(&case, &["bold", "careful"])).await;
    let enforced = until("the former to tell of it", || async {
        let status = case.api::<RiskPolicy>().get("careful").await.unwrap().status?;
        let enforced = status.conditions.get(ConditionType::Enforced)?.clone();
        (enforced.reason == Reason::HaltedOtherwise.as_str()).then_some(enforced.message)
    })
    .await;
    assert!(enforced.contains("as RiskPolicy bold says"), "{enforced}");
    assert_statuses(&case).await;
}

/// Of pods that have gone for a rollout that is about to be undone only the revision knows.
#[tokio::test]
async fn a_policy_is_kept_for_what_an_undone_rollout_brings_back() {
    let case = case("brought-back").await;
    ready(&case, "").await;
    case.play(Component::Trader, &Play::ImageMissing).await.unwrap();
    apply(&case, &POLICY.replace("careful", "bold")).await;
    kubectl(&case, &[&EDIT[..], &[ANOTHER]].concat()).await;
    let note = r"jsonpath={.metadata.annotations.sapphiretrade\.xyz/risk-policies}";
    until("the rollout", || async {
        let of = ["get", "deployment", "desk-trader", "-o", note];
        (kubectl(&case, &of).await == "bold").then_some(())
    })
    .await;
    kubectl(&case, &["delete", "configmap", "desk-policy"]).await;
    kubectl(&case, &["delete", "rpol", "careful", "--wait=false"]).await;
    in_use(&case).await;
    until("its limits", || async { limits(&case).await.contains("careful").then_some(()) }).await;
    assert_statuses(&case).await;
}

/// It is kept while it is in use; who forces it away takes nothing of what it limits.
#[tokio::test]
async fn what_runs_under_a_policy_that_was_taken_away_keeps_its_limits() {
    let case = case("taken-away").await;
    ready(&case, "").await;
    let policies = case.api::<RiskPolicy>();
    kubectl(&case, &["annotate", "rpol", "careful", "sapphiretrade.xyz/force-delete=true"]).await;
    kubectl(&case, &["delete", "rpol", "careful"]).await;
    until("the policy to be gone", || async {
        policies.get_opt("careful").await.unwrap().is_none().then_some(())
    })
    .await;
    let (_, words) = wait(&case, "Ready", "False").await;
    assert!(words.contains("what runs keeps its limits"), "{words}");
    let before = limits(&case).await;
    let loose = before.replace("maxDrawdown: \"0.25\"", "maxDrawdown: \"0.99\"");
    assert_ne!(before, loose, "{before}");
    let loose = json!({"data": {"policy.yaml": loose}}).to_string();
    let config_map = ["patch", "configmap", "desk-policy", "--type=merge", "-p"];
    kubectl(&case, &[&config_map[..], &[&loose]].concat()).await;
    until("what was loosened to be set back", || async {
        (limits(&case).await == before).then_some(())
    })
    .await;
    kubectl(&case, &["annotate", "tsys", "desk", &format!("{BY_HAND}=a person")]).await;
    until("the halt", || halted(&case, &["careful"])).await;
    kubectl(&case, &["delete", "configmap", "desk-policy"]).await;
    until("the halt to come back", || halted(&case, &["careful"])).await;
    kubectl(&case, &["annotate", "tsys", "desk", &format!("{BY_HAND}-")]).await;
    until("the halt to be lifted", || async { (limits(&case).await == before).then_some(()) })
        .await;
    apply(&case, POLICY).await;
    wait(&case, "Ready", "True").await;
    halt(&case).await;
    assert_statuses(&case).await;
}

/// What is removed to be made anew may have been written since it was read.
#[tokio::test]
async fn a_halt_is_heard_that_is_written_while_limits_are_made_anew() {
    let case = case("made-anew").await;
    ready(&case, "").await;
    let (config_maps, text) = (case.api::<ConfigMap>(), limits(&case).await);
    let write = |text: String, uid: Option<String>| {
        let binary = json!({"policy.yaml": ByteString(text.into_bytes())});
        let edit = json!({
            "metadata": {"uid": uid}, "data": {"policy.yaml": null}, "binaryData": binary,
        });
        let config_maps = config_maps.clone();
        let params = PatchParams::default();
        async move { config_maps.patch("desk-policy", &params, &Patch::Merge(&edit)).await }
    };
    let mut accepted = 0;
    for pause in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16] {
        let first = write(text.clone() + "# loose\n", None).await.unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let halted = text.replace("tradingState: Active", "tradingState: Halted");
        // Refused where it is made anew already.
        if write(halted, first.metadata.uid).await.is_ok() {
            accepted += 1;
            until(&format!("the halt to be heard that came after {pause} ms"), || async {
                let system = case.api::<TradingSystem>().get("desk").await.unwrap();
                let noted = system.metadata.annotations.unwrap_or_default();
                noted.contains_key(BY_HAND).then_some(())
            })
            .await;
        }
        kubectl(&case, &["annotate", "tsys", "desk", &format!("{BY_HAND}-")]).await;
        until("the limits as they were", || async { (limits(&case).await == text).then_some(()) })
            .await;
    }
    assert!(accepted > 0, "no halt came in between");
    assert_statuses(&case).await;
}

/// A rule of the cluster's that freezes every ConfigMap is no person who can be outlasted.
#[tokio::test]
async fn limits_that_come_back_frozen_are_not_made_anew_for_ever() {
    let case = case("frozen").await;
    ready(&case, "").await;
    let namespace = case.namespace();
    apply(
        &case,
        &format!(
            "
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: {namespace}}}
spec:
  reinvocationPolicy: Never
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}}
  matchConditions:
  - {{name: here, expression: \"request.namespace == '{namespace}' && object.metadata.name == 'desk-policy'\"}}
  mutations:
  - {{patchType: ApplyConfiguration, applyConfiguration: {{expression: 'Object{{immutable: true}}'}}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: {namespace}}}
spec: {{policyName: {namespace}}}
"
        ),
    )
    .await;
    let audit = plane().await.audit();
    let mark = audit.mark(&case.client()).await.unwrap();
    let frozen = || async {
        let map = case.api::<ConfigMap>().get_opt("desk-policy").await.unwrap()?;
        (map.immutable == Some(true)).then_some(())
    };
    until("the rule to be in force", || async {
        let touch = ["annotate", "configmap", "desk-policy", "--overwrite", "touched=yes"];
        // While it is made anew there is none.
        let touch =
            touch.map(str::to_owned).into_iter().chain([format!("--namespace={namespace}")]);
        case.cluster().kubectl(&touch.collect::<Vec<_>>()).await.ok();
        frozen().await
    })
    .await;
    for limit in ["0.07", "0.06"] {
        let edit = json!({"spec": {"limits": {"maxDrawdown": limit}}}).to_string();
        kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", &edit]).await;
        until("the limit", || async { limits(&case).await.contains(limit).then_some(()) }).await;
    }
    halt(&case).await;
    until("the halt to be there", || halted(&case, &["careful"])).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let requests = audit.since(&case.client(), mark).await.unwrap();
    let removed = requests.iter().filter(|request| {
        request.verb == "delete" && request.namespace == namespace && request.name == "desk-policy"
    });
    let removed = removed.count();
    kubectl(
        &case,
        &["delete", "mutatingadmissionpolicybinding,mutatingadmissionpolicy", namespace],
    )
    .await;
    assert!((1..30).contains(&removed), "removed {removed} times");
    assert!(halted(&case, &["careful"]).await.is_some());
}
