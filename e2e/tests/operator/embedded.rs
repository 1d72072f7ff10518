//! A desk in one pod.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ServiceAccount;
use sapphire_crds::conditions::ConditionType;
use sapphire_crds::{TradingAgent, TradingSystem};
use sapphire_e2e::until;
use sapphire_operator::reconcile::kind::Kind;

use crate::agents::agent;
use crate::desk::{POLICY, apply, assert_statuses, kubectl, names, ready, system, uid, wait};
use crate::events::{events, told};
use crate::plane::case;

#[tokio::test]
async fn a_desk_comes_up_with_all_that_it_needs() {
    let case = case("comes-up").await;
    ready(&case, "").await;
    for (kind, expected) in [
        (Kind::ServiceAccount, vec!["desk-trader"]),
        (Kind::Role, vec!["desk-trader"]),
        (Kind::RoleBinding, vec!["desk-trader"]),
        (Kind::PersistentVolumeClaim, vec!["desk-data"]),
        (Kind::Service, vec!["desk-api"]),
        (Kind::NetworkPolicy, vec!["desk-trader"]),
        (Kind::PodDisruptionBudget, vec!["desk-trader"]),
        (Kind::Deployment, vec!["desk-trader"]),
    ] {
        assert_eq!(names(&case, kind).await, expected, "{kind:?}");
    }
    let system = case.api::<TradingSystem>().get("desk").await.unwrap();
    let rollout = system.status.unwrap().rollout.unwrap();
    assert_eq!(names(&case, Kind::ControllerRevision).await, [rollout.target.as_str()]);
    let hash = rollout.target.as_str().strip_prefix("desk-").unwrap();
    let maps = names(&case, Kind::ConfigMap).await;
    assert_eq!(maps, [format!("desk-desk-{hash}"), "desk-policy".to_owned()]);
    let account = case.api::<ServiceAccount>().get("desk-trader").await.unwrap();
    let owner = account.metadata.owner_references.unwrap().remove(0);
    assert_eq!((owner.kind.as_str(), Some(owner.uid)), ("TradingSystem", system.metadata.uid));
    let agents = case.api::<TradingAgent>();
    until("the agents to be ready", || async {
        let agents = agents.list(&Default::default()).await.unwrap();
        let is_ready = |agent: &TradingAgent| {
            let status = agent.status.as_ref();
            status.is_some_and(|status| {
                status.conditions.holds(sapphire_crds::conditions::ConditionType::Ready)
            })
        };
        agents.items.iter().all(is_ready).then_some(())
    })
    .await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_stray_agent_says_so_itself_and_the_others_trade_on() {
    let case = case("stray").await;
    ready(&case, "").await;
    agent(&case, "one", "Ready", "True").await;
    let stray = |symbols: &str| {
        let like_one = system("").split("---").nth(1).unwrap().replace("one", "doge");
        like_one.replace("consensus: {}", &format!("consensus: {{symbols: [{symbols}]}}"))
    };
    apply(&case, &stray("DOGEUSD")).await;
    let (reason, message) = wait(&case, "Stalled", "True").await;
    assert!(reason == "SymbolsConflict" && message.contains("doge names DOGEUSD"), "{message}");
    let said = agent(&case, "doge", "Stalled", "True").await;
    assert_eq!(said.reason, "SymbolsConflict");
    assert!(said.message.contains("DOGEUSD, which TradingSystem desk"), "{}", said.message);
    for name in ["one", "two", "three"] {
        let noted = format!("sapphiretrade.xyz/reconcile-now={name}");
        kubectl(&case, &["annotate", &format!("tagent/{name}"), &noted]).await;
        let agents = case.api::<TradingAgent>();
        until("the agent to be looked at again", || async {
            let handled = agents.get(name).await.unwrap().status?.handled?.reconcile_now?;
            (handled.as_str() == name).then_some(())
        })
        .await;
        agent(&case, name, "Ready", "True").await;
    }
    wait(&case, "CoreAvailable", "True").await;
    assert_statuses(&case).await;
    // What it says ends with its cause.
    apply(&case, &stray("BTCUSD")).await;
    wait(&case, "Ready", "True").await;
    agent(&case, "doge", "Ready", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn an_agent_that_is_deleted_and_needed_is_counted_for_as_long_as_it_runs_on() {
    let case = case("needed").await;
    ready(&case, "").await;
    let systems = case.api::<TradingSystem>();
    let counted = |wanted: &'static str| {
        let systems = &systems;
        until(wanted, move || async move {
            let status = systems.get("desk").await.unwrap().status?;
            let said = status.conditions.get(ConditionType::AgentsAvailable)?.clone();
            (status.agents?.summary.as_str() == wanted).then_some(said)
        })
    };
    counted("3/3").await;
    kubectl(&case, &["delete", "tagent", "three"]).await;
    let said = counted("2/2 + 1 deleted").await;
    let runs_on = "deleted, and at work in it until it can change: three";
    assert!(said.status == "True" && said.message.ends_with(runs_on), "{}", said.message);
    let (reason, message) = wait(&case, "Reconciling", "True").await;
    assert_eq!(reason, "AgentsMissing");
    assert!(message.ends_with("; meanwhile what runs goes on as it was"), "{message}");
    assert_statuses(&case).await;
    // It is gone from the pod once the desk can do without it.
    apply(&case, system("  consensus: {minAgents: 2}").split("---").next().unwrap()).await;
    wait(&case, "Ready", "True").await;
    let said = counted("2/2").await;
    assert!(!said.message.contains("three"), "{}", said.message);
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_policy_that_appears_wakes_its_desk() {
    let case = case("policy-appears").await;
    apply(&case, &system("")).await;
    let (reason, message) = wait(&case, "Reconciling", "True").await;
    assert_eq!(reason, "PolicyMissing", "{message}");
    assert!(message.contains("careful"), "{message}");
    assert_statuses(&case).await;
    apply(&case, POLICY).await;
    until("the desk's Deployment", || async {
        (names(&case, Kind::Deployment).await == ["desk-trader"]).then_some(())
    })
    .await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn what_is_changed_or_deleted_by_hand_is_restored() {
    let case = case("drift").await;
    ready(&case, "").await;
    let deployments = case.api::<Deployment>();
    kubectl(&case, &["set", "image", "deployment/desk-trader", "trader=evil:1"]).await;
    until("the image to be set back", || async {
        let deployment = deployments.get("desk-trader").await.unwrap();
        let image = deployment.spec?.template.spec?.containers.remove(0).image;
        (image.as_deref() == Some("sapphire-trader:test")).then_some(())
    })
    .await;
    told(&case, "image was changed by hand and is set back").await;

    let before = uid(&case, Kind::Service, "desk-api").await;
    kubectl(&case, &["delete", "service", "desk-api"]).await;
    until("the Service to come back", || async {
        (names(&case, Kind::Service).await == ["desk-api"]).then_some(())
    })
    .await;
    assert_ne!(uid(&case, Kind::Service, "desk-api").await, before);

    kubectl(&case, &["label", "service", "desk-api", "sapphiretrade.xyz/system-"]).await;
    until("the label to be set back", || async {
        let labels = kubectl(&case, &["get", "service", "desk-api", "--show-labels"]).await;
        labels.contains("sapphiretrade.xyz/system=desk").then_some(())
    })
    .await;
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_change_makes_a_revision_and_what_only_the_old_one_had_goes() {
    let case = case("revision").await;
    ready(&case, "").await;
    let before = names(&case, Kind::ConfigMap).await;
    let more = "  trader: {resources: {limits: {memory: 1Gi}}}";
    apply(&case, &system(more)).await;
    until("the former ConfigMap to go", || async {
        let maps = names(&case, Kind::ConfigMap).await;
        (maps.len() == 2 && maps[0] != before[0]).then_some(())
    })
    .await;
    wait(&case, "Ready", "True").await;
    assert_eq!(names(&case, Kind::ControllerRevision).await.len(), 2);
    let told = events(&case).await;
    assert!(told.contains("restarting pods: trader: memory limit from 512Mi to 1Gi"), "{told}");

    // Back to the former spec is back to the former revision.
    apply(&case, &system("")).await;
    until("the former ConfigMap to be back", || async {
        (names(&case, Kind::ConfigMap).await == before).then_some(())
    })
    .await;
    assert_eq!(names(&case, Kind::ControllerRevision).await.len(), 2);
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;

    // And forth again: each of the restarts was told, however soon after the same.
    apply(&case, &system(more)).await;
    until("the restarts there and back and there", || async {
        let told = events(&case).await;
        let restarts = || told.lines().filter(|line| line.starts_with("RollingOut: "));
        let times = |words: &str| restarts().filter(|line| line.contains(words)).count();
        let all =
            (times("memory limit from 512Mi to 1Gi"), times("memory limit from 1Gi to 512Mi"));
        (all == (2, 1)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn scaling_to_zero_is_honoured_across_revisions_and_shown() {
    let case = case("scale-zero").await;
    ready(&case, "").await;
    kubectl(&case, &["scale", "deployment/desk-trader", "--replicas=0"]).await;
    let (reason, _) = wait(&case, "CoreAvailable", "False").await;
    assert_eq!(reason, "ScaledToZero");
    assert_statuses(&case).await;
    apply(&case, &system("  trader: {resources: {limits: {memory: 1Gi}}}")).await;
    until("the change to be applied", || async {
        let said = kubectl(&case, &["get", "deployment", "desk-trader", "-o",
            "jsonpath={.spec.replicas} {.spec.template.spec.containers[0].resources.limits.memory}"]).await;
        (said == "0 1Gi").then_some(())
    })
    .await;
    // Two would open one journal.
    kubectl(&case, &["scale", "deployment/desk-trader", "--replicas=3"]).await;
    until("one trader", || async {
        let replicas = ["get", "deployment", "desk-trader", "-o", "jsonpath={.spec.replicas}"];
        (kubectl(&case, &replicas).await == "1").then_some(())
    })
    .await;
    wait(&case, "Ready", "True").await;
    for words in ["was scaled to zero by hand", "spec.replicas was changed by hand"] {
        told(&case, words).await;
    }
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_suspended_desk_is_left_alone() {
    let case = case("suspend").await;
    ready(&case, "").await;
    apply(&case, &system("  suspend: true")).await;
    let (reason, _) = wait(&case, "Stalled", "True").await;
    assert_eq!(reason, "Suspended");
    kubectl(&case, &["delete", "service", "desk-api"]).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(names(&case, Kind::Service).await.is_empty());
    assert_statuses(&case).await;
    apply(&case, &system("  suspend: false")).await;
    wait(&case, "Ready", "True").await;
    assert_eq!(names(&case, Kind::Service).await, ["desk-api"]);
}
