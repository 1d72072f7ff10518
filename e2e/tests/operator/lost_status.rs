//! After a restore of a backup, which has no statuses: what runs goes on, and leads.

use kube::api::PostParams;
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::ConditionType;
use sapphire_crds::names::Component;
use sapphire_crds::names::annotations::MIGRATE;
use sapphire_e2e::{Case, Play, Traders, until};
use serde_json::json;

use crate::desk::{
    BACKENDS, POLICY, RECORDINGS, apply, assert_statuses, event, kubectl, ready, rollout, system,
    volumes, wait,
};
use crate::handover::{complete, memory};
use crate::plane::case;

/// The uids of the pods and Deployments that a selector finds.
async fn running(case: &Case<'_>, of: &str) -> Vec<String> {
    let uids = ["get", "pods,deployments", "-l", of, "-o", "jsonpath={.items[*].metadata.uid}"];
    let mut uids: Vec<String> = kubectl(case, &uids).await.split(' ').map(str::to_owned).collect();
    uids.sort();
    uids
}

/// A desk over PostgreSQL with its three agents, once it is Ready.
async fn with_agents(case: &Case<'_>) -> Traders {
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    apply(case, &format!("{RECORDINGS}---{POLICY}---{}", system(BACKENDS))).await;
    volumes(case).await;
    wait(case, "Ready", "True").await;
    traders
}

async fn lose(case: &Case<'_>) {
    for object in ["tagent/one", "tagent/two", "tagent/three", "tsys/desk"] {
        let empty = ["--subresource=status", "--type=merge", "-p", r#"{"status":null}"#];
        kubectl(case, &[&["patch", object][..], &empty].concat()).await;
    }
}

#[tokio::test]
async fn a_status_that_is_lost_restarts_nothing() {
    let case = case("lost-status").await;
    let _traders = with_agents(&case).await;
    let before = complete(&case).await;
    let all = "app.kubernetes.io/component!=migration";
    let run = running(&case, all).await;
    assert!(run.len() > 12, "traders, coordinator, readers and agents: {run:?}");
    // What runs needs no migration, were the database away.
    case.play(Component::Migration, &Play::SecretKeyMissing).await.unwrap();
    lose(&case).await;
    let after = complete(&case).await;
    assert_eq!((after.target, after.core), (before.target.clone(), before.core));
    assert_eq!(after.lead_revision, Some(before.target));
    wait(&case, "Ready", "True").await;
    assert_eq!(running(&case, all).await, run);
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_status_that_is_lost_beside_a_change_that_fails_leaves_the_lead_where_it_is() {
    let case = case("lost-change").await;
    let hurried = "  rollout: {stepDeadline: 8s}\n  migrations: Manual\n";
    let _traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    let whole = |more: &str| system(&format!("{BACKENDS}{hurried}{more}"));
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{}", whole(""))).await;
    let once = format!("{MIGRATE}=true");
    kubectl(&case, &["annotate", "tsys/desk", &once]).await;
    volumes(&case).await;
    wait(&case, "Ready", "True").await;
    let before = complete(&case).await;
    let hash = before.target.as_str().strip_prefix("desk-").unwrap();
    let of_former = format!("sapphiretrade.xyz/revision={hash},app.kubernetes.io/component=trader");
    let agents = "app.kubernetes.io/component=agent";
    let run = (running(&case, &of_former).await, running(&case, agents).await);
    case.play(Component::Trader, &Play::Crashes("no such symbol".into())).await.unwrap();
    apply(&case, &whole(&memory("1Gi"))).await;
    let target = rollout(&case, "the change", |r| r.target != before.target).await.target;
    kubectl(&case, &["annotate", "tsys/desk", "--overwrite", &format!("{MIGRATE}={target}")]).await;
    rollout(&case, "the core to be undone", |r| r.failed.is_some()).await;
    kubectl(&case, &["annotate", "tsys/desk", "--overwrite", &once]).await;

    lose(&case).await;
    // The word that let one revision migrate lets no other one.
    until("the desk to wait for a word", || async {
        let (reason, _) = wait(&case, "Ready", "False").await;
        if reason == "DeadlineExceeded" {
            // What was about to be written when it was lost has brought it back.
            lose(&case).await;
        }
        (reason == "WaitingForApproval").then_some(())
    })
    .await;
    let found = rollout(&case, "a rollout", |_| true).await;
    assert_eq!((&found.target, &found.fallback), (&target, &Some(before.target.clone())));
    assert_eq!((&found.core, &found.lead_revision), (&before.core, &before.lead_revision));
    kubectl(&case, &["annotate", "tsys/desk", "--overwrite", &format!("{MIGRATE}={target}")]).await;
    let tried = rollout(&case, "another try", |r| r.core.as_ref() == Some(&target)).await;
    assert_eq!(tried.lead_revision, before.lead_revision, "it does not stand by yet");
    let failed = rollout(&case, "the core to be undone again", |r| r.failed.is_some()).await;
    assert_eq!((&failed.core, &failed.lead_revision), (&before.core, &before.lead_revision));
    wait(&case, "CoreAvailable", "True").await;
    let now = (running(&case, &of_former).await, running(&case, agents).await);
    assert_eq!(now, run, "nobody noticed");
    assert_statuses(&case).await;
}

/// Pods may outlive their desk for as long as they take to end, and a desk of the same name may come meanwhile.
#[tokio::test]
async fn a_desk_that_is_made_again_believes_nothing_of_what_the_pods_of_the_former_one_say() {
    let case = case("made-again").await;
    let traders = with_agents(&case).await;
    let pods = "app.kubernetes.io/component=trader";
    let held = r#"{"metadata": {"finalizers": ["example.com/held"]}}"#;
    let names = ["get", "pods", "-l", pods, "-o", "name"];
    for pod in kubectl(&case, &names).await.split_whitespace() {
        kubectl(&case, &["patch", pod, "--type=merge", "-p", held]).await;
    }
    let former = kubectl(&case, &names).await;
    kubectl(&case, &["annotate", "tsys/desk", "sapphiretrade.xyz/force-delete=true"]).await;
    kubectl(&case, &["delete", "tsys/desk", "--timeout=60s"]).await;
    assert_eq!(kubectl(&case, &names).await, former, "they take their time");

    // The database is another one, for all that is known, and cannot be reached yet.
    case.play(Component::Migration, &Play::SecretKeyMissing).await.unwrap();
    // Times at the API server are whole seconds.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    apply(&case, &system(BACKENDS)).await;
    until("the migration to be waited for", || async {
        let (reason, message) = wait(&case, "Ready", "False").await;
        (reason == "ContainerConfigInvalid" && message.contains("migrates the database: pod"))
            .then_some(())
    })
    .await;
    let said = ["get", "tsys/desk", "-o", "jsonpath={.status.report}{.status.rollout.core}"];
    assert_eq!(kubectl(&case, &said).await, "");
    drop(traders);
    for pod in former.split_whitespace() {
        kubectl(
            &case,
            &["patch", pod, "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#],
        )
        .await;
    }
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_desk_that_is_made_again_over_pods_that_were_left_running_takes_them_over() {
    let case = case("taken-over").await;
    let _traders = with_agents(&case).await;
    let pods = "app.kubernetes.io/component=trader";
    let run = running(&case, pods).await;
    let orphan = ["delete", "tsys/desk", "--cascade=orphan", "--timeout=60s"];
    kubectl(&case, &orphan).await;
    // A pod that is not older than the desk would be believed without the Deployment.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    apply(&case, &system(BACKENDS)).await;
    let (reason, message) = wait(&case, "Stalled", "True").await;
    assert!(reason == "NotOurs" && message.contains("ControllerRevision"), "{message}");
    event(&case, "LeftBehind").await;
    kubectl(&case, &["delete", "controllerrevisions", "-l", "sapphiretrade.xyz/system=desk"]).await;
    wait(&case, "Ready", "True").await;
    wait(&case, "Enforced", "True").await;
    assert_eq!(running(&case, pods).await, run, "nobody noticed");
    assert_statuses(&case).await;
}

/// As a tool does that restores statuses: the fields are its own then.
#[tokio::test]
async fn a_status_that_somebody_else_wrote_is_put_right() {
    let case = case("foreign-status").await;
    ready(&case, "").await;
    let api = case.api::<TradingSystem>();
    let healthy = api.get("desk").await.unwrap();
    let mut foreign = healthy.clone();
    let rollout = foreign.status.as_mut().and_then(|status| status.rollout.as_mut()).unwrap();
    rollout.failed = serde_json::from_value(json!({"revision": "desk-0123456789", "step": "Core",
        "reason": "DeadlineExceeded", "message": "an old failure", "at": "2026-01-01T00:00:00Z"}))
    .unwrap();
    let params = PostParams { field_manager: Some("velero".into()), ..PostParams::default() };
    api.replace_status("desk", &params, &foreign).await.unwrap();
    until("the failure to go", || async {
        let status = api.get("desk").await.unwrap().status.unwrap();
        let good = status.conditions.holds(ConditionType::Ready);
        (good && status.rollout.unwrap().failed.is_none()).then_some(())
    })
    .await;
    assert_statuses(&case).await;
}
