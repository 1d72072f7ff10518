//! What an apply would change is told, and nothing changes.

use sapphire_crds::TradingSystem;
use sapphire_operator::reconcile::kind::Kind;
use serde_json::Value;

use crate::agents;
use crate::desk::{POLICY, RECORDINGS, kubectl, names, ready, system, uid, wait};
use crate::foreseen::diff;
use crate::plane::case;

#[tokio::test]
async fn a_desk_that_is_not_there_is_told_and_not_made() {
    let case = case("diff-new").await;
    let manifests = format!("{RECORDINGS}---{POLICY}---{}", system(""));
    let (changes, said) = diff(&case, &manifests, &[]).await.unwrap();
    assert!(changes, "{said}");
    let new = format!("+ TradingSystem {}/desk", case.namespace());
    for expected in [
        new.as_str(),
        "comes up at desk-",
        "+ Deployment desk-trader",
        "Not looked at: PersistentVolumeClaim",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    assert!(case.api::<TradingSystem>().get_opt("desk").await.unwrap().is_none());
    assert!(names(&case, Kind::Deployment).await.is_empty());
}

#[tokio::test]
async fn a_change_is_told_with_its_reason_and_not_made() {
    let case = case("diff-change").await;
    ready(&case, "").await;
    let before = uid(&case, Kind::Deployment, "desk-trader").await;
    let manifests = |more: &str| format!("{POLICY}---{}", system(more));
    let (changes, said) = diff(&case, &manifests(""), &[]).await.unwrap();
    assert!(!changes, "{said}");
    assert!(said.contains("stays as it is") && said.contains("no pod restarts"), "{said}");

    let more = "  trader: {resources: {limits: {memory: 2Gi}}}";
    let (changes, said) = diff(&case, &manifests(more), &[]).await.unwrap();
    assert!(changes);
    for expected in [
        "+ spec.trader:",
        "restarts pods: trader:",
        "2Gi",
        "~ Deployment desk-trader",
        "resources.limits.memory: 512Mi → 2Gi",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    let (_, json) = diff(&case, &manifests(more), &["-o", "json"]).await.unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(json["desks"][0]["restarts"].as_str().unwrap().contains("memory"), "{json:#}");
    let stored = case.api::<TradingSystem>().get("desk").await.unwrap();
    assert!(stored.spec.trader.is_none());
    assert_eq!(uid(&case, Kind::Deployment, "desk-trader").await, before);
    assert_eq!(names(&case, Kind::ControllerRevision).await.len(), 1);
}

/// What arrives in parts is rolled out in parts, which is said before; a desk that is suspended meanwhile takes it up
/// as one.
#[tokio::test]
async fn several_objects_that_change_are_told_to_arrive_in_parts() {
    let case = case("diff-parts").await;
    ready(&case, "").await;
    let changed = |more: &str| {
        let manifests =
            system(&format!("{more}  trader: {{resources: {{limits: {{memory: 2Gi}}}}}}"));
        let manifests = manifests.replacen("trendMomentum: {}", "trendMomentum: {rsiPeriod: 9}", 1);
        format!("{POLICY}---{manifests}")
    };
    let (_, said) = diff(&case, &changed(""), &[]).await.unwrap();
    assert!(said.contains("in parts: 2 objects change"), "{said}");
    let one = system("  trader: {resources: {limits: {memory: 2Gi}}}");
    let (_, said) = diff(&case, &format!("{POLICY}---{one}"), &[]).await.unwrap();
    assert!(said.contains("restarts pods") && !said.contains("in parts"), "{said}");

    let suspend = |on: bool| {
        let edit = format!(r#"{{"spec": {{"suspend": {on}}}}}"#);
        let case = &case;
        async move { kubectl(case, &["patch", "tsys", "desk", "--type=merge", "-p", &edit]).await }
    };
    suspend(true).await;
    case.apply(&changed("")).await.unwrap();
    suspend(false).await;
    wait(&case, "Ready", "True").await;
    assert_eq!(names(&case, Kind::ControllerRevision).await.len(), 2, "one rollout");
}

#[tokio::test]
async fn what_an_apply_leaves_as_it_is_is_not_told_as_removed() {
    let case = case("diff-patched").await;
    ready(&case, "").await;
    let manifests = |more: &str| format!("{POLICY}---{}", system(more));
    let deadline = "spec: {rollout: {stepDeadline: 20m}}";
    kubectl(&case, &["patch", "tsys", "desk", "--type=merge", "-p", deadline]).await;
    let (changes, said) = diff(&case, &manifests(""), &[]).await.unwrap();
    assert!(!changes, "{said}");
    case.apply(&manifests("")).await.unwrap();
    let stored = case.api::<TradingSystem>().get("desk").await.unwrap();
    assert!(stored.spec.rollout.is_some(), "kubectl apply leaves it too");
    // What the last manifest had goes with it.
    case.apply(&manifests("  suspend: true")).await.unwrap();
    let (changes, said) = diff(&case, &manifests(""), &[]).await.unwrap();
    assert!(changes && said.contains("- spec.suspend: true"), "{said}");
}

#[tokio::test]
async fn what_a_policy_is_missing_for_is_told() {
    let case = case("diff-missing").await;
    let (changes, said) = diff(&case, &system(""), &[]).await.unwrap();
    assert!(changes);
    assert!(said.contains("would not go on: PolicyMissing"), "{said}");
    let named_no_volume =
        system("  suspend: true").replace(", volume: {claimName: recordings}", "");
    let (_, said) = diff(&case, &named_no_volume, &[]).await.unwrap();
    for held in ["suspended", "DataVolumeMissing", "PolicyMissing"] {
        assert!(said.contains(&format!("would not go on: {held}")), "{held} in {said}");
    }
}

#[tokio::test]
async fn what_the_api_server_would_refuse_is_an_error() {
    let case = case("diff-refused").await;
    ready(&case, "").await;
    let venue = "venue: {aster: {network: Testnet, credentials: {secretName: keys}}}";
    let manifests = format!(
        "
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingSystem
metadata: {{name: desk}}
spec:
  {venue}
  symbols: {{list: [BTCUSD]}}
  barInterval: 1h
  riskPolicyRef: {{name: careful}}
"
    );
    let error = diff(&case, &manifests, &[]).await.unwrap_err().to_string();
    assert!(error.contains("would refuse it") && error.contains("venue"), "{error}");
}

#[tokio::test]
async fn agents_in_pods_of_their_own_are_told_of() {
    let case = case("diff-agents").await;
    let _traders = agents::desk(&case, "").await;
    agents::agent(&case, "one", "Ready", "True").await;
    let manifests = |more: &str| format!("{POLICY}---{}", agents::clustered(more));
    let (changes, said) = diff(&case, &manifests(""), &[]).await.unwrap();
    assert!(!changes, "{said}");
    let more = "  podOverrides: {nodeSelector: {disk: fast}}";
    let (changes, said) = diff(&case, &manifests(more), &[]).await.unwrap();
    assert!(changes);
    for expected in ["TradingAgent one", "~ Deployment desk-one", "~ Deployment desk-coordinator"] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    assert_eq!(said.matches("nodeSelector").count(), said.matches("fast").count(), "{said}");

    let more = "  image: {reference: \"sapphire-trader:next\"}";
    let (_, said) = diff(&case, &manifests(more), &[]).await.unwrap();
    let image = "image from sapphire-trader:test to sapphire-trader:next";
    for parts in ["coordinator", "trader", "migration", "agent"] {
        let told = said.lines().find(|line| line.contains(image) && line.contains(parts));
        assert!(told.is_some_and(|line| line.contains("restarts pods: ")), "{parts} in {said}");
    }
    let stray = manifests("").replacen("consensus: {}", "consensus: {symbols: [DOGEUSD]}", 1);
    let (_, said) = diff(&case, &stray, &[]).await.unwrap();
    let held = "TradingAgent one\n  would not go on: SymbolsConflict: it names DOGEUSD";
    assert!(said.contains(held), "{said}");
}

#[tokio::test]
async fn too_few_voters_in_pods_of_their_own_are_foreseen() {
    let case = case("diff-voters").await;
    let manifests = format!("{POLICY}---{}", agents::clustered("  consensus: {minAgents: 4}"));
    let (_, said) = diff(&case, &manifests, &[]).await.unwrap();
    let held = "would not go on: AgentsMissing: too few agents vote: 3, and 4 must agree";
    assert!(said.contains(held), "{said}");
}

#[tokio::test]
async fn a_halt_of_a_desk_that_is_held_is_foreseen() {
    let case = case("diff-held").await;
    ready(&case, "").await;
    let suspended = system("  suspend: true");
    let halted = POLICY.replace("spec: {}", "spec: {tradingState: Halted}");
    let (changes, said) = diff(&case, &format!("{halted}---{suspended}"), &[]).await.unwrap();
    assert!(changes);
    for expected in ["would not go on: suspended", "~ ConfigMap desk-policy", "Halted"] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    let (_, said) = diff(&case, &format!("{POLICY}---{suspended}"), &[]).await.unwrap();
    assert!(!said.contains("ConfigMap"), "{said}");
}
