//! The migration is the gate of the core: nothing of a revision is there before its database is.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use sapphire_crds::names::Component;
use sapphire_crds::trading_system::{RolloutFailure, RolloutStep};
use sapphire_e2e::{Case, Play, until};
use sapphire_operator::reconcile::kind::Kind;

use crate::desk::{apply, assert_statuses, kubectl, names, rollout, wait, wait_for};
use crate::events::told;
use crate::handover::{complete, desk, installed, memory, traders};
use crate::plane::case;

async fn migrations(case: &Case<'_>) -> Vec<String> {
    names(case, Kind::Pod)
        .await
        .into_iter()
        .filter(|name| name.starts_with("desk-migrate-"))
        .collect()
}

async fn none_runs(case: &Case<'_>) {
    let gone = || async { migrations(case).await.is_empty().then_some(()) };
    until("the migration's pod to go", gone).await;
}

#[tokio::test]
async fn nothing_of_a_revision_is_there_before_its_migration_succeeded() {
    let case = case("gate").await;
    let _traders = installed(&case, "").await;
    none_runs(&case).await;
    let (old, maps) = (traders(&case).await, names(&case, Kind::ConfigMap).await);
    case.play(Component::Migration, &Play::Completes(Duration::from_secs(4))).await.unwrap();
    // A sidecar that runs for ever must not keep the pod from ending.
    let sidecar = "  podOverrides: {nativeSidecars: [{name: proxy, image: \"proxy:1\"}]}\n";
    apply(&case, &desk(sidecar)).await;
    let pod = until("the migration's pod", || async { migrations(&case).await.pop() }).await;
    let object = case.api::<Pod>().get(&pod).await.unwrap();
    let spec = object.spec.unwrap();
    assert_eq!(spec.restart_policy.as_deref(), Some("Never"));
    assert_eq!(spec.init_containers.unwrap()[0].restart_policy.as_deref(), Some("Always"));
    let (reason, _) = wait(&case, "SchemaCurrent", "False").await;
    assert_eq!(reason, "Migrating");
    assert_eq!((traders(&case).await, names(&case, Kind::ConfigMap).await), (old, maps));
    let done = complete(&case).await;
    assert_eq!(done.core, Some(done.target));
    none_runs(&case).await;
    wait(&case, "SchemaCurrent", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_migration_that_fails_is_kept_with_its_last_words_and_tried_again_when_asked() {
    let case = case("migration-fails").await;
    let _traders = installed(&case, "").await;
    let (before, old) = (complete(&case).await, traders(&case).await);
    case.play(Component::Migration, &Play::Fails("relation \"orders\" exists".into()))
        .await
        .unwrap();
    apply(&case, &desk(&memory("1Gi"))).await;
    let (reason, message) = wait(&case, "Stalled", "True").await;
    assert_eq!(reason, "MigrationFailed");
    assert!(message.contains("relation \"orders\" exists"), "{message}");
    let now = rollout(&case, "a rollout", |_| true).await;
    assert_eq!((now.core, traders(&case).await), (before.core, old));
    let failed = now.failed.unwrap();
    assert_eq!((failed.step, failed.reason), (RolloutStep::Core, RolloutFailure::MigrationFailed));
    let pods = migrations(&case).await;
    assert_eq!(pods.len(), 1, "it is kept: {pods:?}");
    let (reason, _) = wait(&case, "SchemaCurrent", "False").await;
    assert_eq!(reason, "MigrationFailed");
    assert_statuses(&case).await;

    case.play(Component::Migration, &Play::Completes(Duration::ZERO)).await.unwrap();
    kubectl(&case, &["annotate", "tradingsystem", "desk", "sapphiretrade.xyz/reconcile-now=again"])
        .await;
    let done = complete(&case).await;
    assert_eq!(done.core, Some(done.target));
    assert_statuses(&case).await;
}

#[tokio::test]
async fn that_nothing_trades_is_told_while_a_migration_runs() {
    let case = case("migration-at-zero").await;
    let _traders = installed(&case, "").await;
    let old = traders(&case).await.remove(0);
    case.play(Component::Migration, &Play::Completes(Duration::from_secs(600))).await.unwrap();
    apply(&case, &desk(&memory("1Gi"))).await;
    wait_for(&case, "Ready", "False", "Migrating").await;
    kubectl(&case, &["scale", "deployment", &old, "--replicas=0"]).await;
    until("the stop to be told", || async {
        let message = wait_for(&case, "Ready", "False", "Migrating").await;
        let words = format!("Deployment {old} was scaled to zero");
        (message.contains(&words) && message.contains("nothing trades until then")).then_some(())
    })
    .await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_migration_that_is_evicted_is_made_anew() {
    let case = case("migration-evicted").await;
    let _traders = installed(&case, "").await;
    case.play(Component::Migration, &Play::Evicted).await.unwrap();
    apply(&case, &desk(&memory("1Gi"))).await;
    told(&case, "was taken away: Evicted: The node was low on resource").await;
    let waits = rollout(&case, "a rollout", |_| true).await;
    assert_eq!(waits.failed, None, "that is nobody's fault");
    assert_statuses(&case).await;
    case.play(Component::Migration, &Play::Completes(Duration::ZERO)).await.unwrap();
    let done = complete(&case).await;
    assert_eq!(done.core, Some(done.target));
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_migration_waits_for_a_person_where_the_spec_says_so() {
    let case = case("migration-manual").await;
    let _traders = installed(&case, "").await;
    let before = complete(&case).await;
    let manual = |amount| desk(&format!("  migrations: Manual\n{}", memory(amount)));
    apply(&case, &manual("1Gi")).await;
    let (reason, message) = wait(&case, "Reconciling", "True").await;
    assert_eq!(reason, "WaitingForApproval");
    let waits = rollout(&case, "a rollout", |r| r.target != before.target).await;
    let command = format!("sapphiretrade.xyz/migrate={}", waits.target);
    assert!(message.contains(&command), "{message}");
    assert!(migrations(&case).await.is_empty());
    assert_statuses(&case).await;
    kubectl(&case, &["annotate", "tradingsystem", "desk", &command]).await;
    complete(&case).await;

    // It was for that revision; and a `true` is for one only.
    apply(&case, &manual("2Gi")).await;
    let (reason, _) = wait(&case, "Reconciling", "True").await;
    assert_eq!(reason, "WaitingForApproval");
    let allow =
        ["annotate", "--overwrite", "tradingsystem", "desk", "sapphiretrade.xyz/migrate=true"];
    kubectl(&case, &allow).await;
    complete(&case).await;
    apply(&case, &manual("3Gi")).await;
    let (reason, _) = wait(&case, "Reconciling", "True").await;
    assert_eq!(reason, "WaitingForApproval");
    assert_statuses(&case).await;
}

#[tokio::test]
async fn an_edit_while_a_migration_runs_waits_for_that_one_to_be_gone() {
    let case = case("two-edits").await;
    let _traders = installed(&case, "").await;
    none_runs(&case).await;
    // It works for longer than the test lasts, and takes its time to go when it is asked to.
    case.play(Component::Migration, &Play::Completes(Duration::from_secs(600))).await.unwrap();
    apply(&case, &desk(&memory("1Gi"))).await;
    let first = until("the migration's pod", || async { migrations(&case).await.pop() }).await;
    let leave = format!("{}=4s", sapphire_e2e::plays::LEAVES_AFTER);
    kubectl(&case, &["annotate", "pod", &first, &leave]).await;
    case.play(Component::Migration, &Play::Completes(Duration::ZERO)).await.unwrap();
    apply(&case, &desk(&memory("2Gi"))).await;
    let mut most = 0;
    // Looked at all the time, for two at once would be there for a moment only.
    let looks = async {
        loop {
            most = most.max(migrations(&case).await.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::select! {
        done = complete(&case) => done,
        () = looks => unreachable!("it looks for ever"),
    };
    assert_eq!(done.core, Some(done.target));
    assert_eq!(most, 1, "never two migrations of one database at a time");
    assert!(!migrations(&case).await.contains(&first));
    assert_statuses(&case).await;
}
