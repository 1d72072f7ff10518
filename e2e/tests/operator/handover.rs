//! A desk over PostgreSQL and Redis changes hands: never two leaders, never none for good.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::ListParams;
use sapphire_crds::names::{Component, annotations};
use sapphire_crds::report::{Report, Role};
use sapphire_crds::trading_system::{RolloutStatus, RolloutStep};
use sapphire_crds::values::ObjectName;
use sapphire_e2e::{Case, Play, Traders, until};
use sapphire_operator::reconcile::kind::Kind;
use tokio::time::{Instant, sleep};

use crate::desk::{
    BACKENDS, POLICY, RECORDINGS, apply, assert_statuses, kubectl, names, rollout, staying, system,
    volumes, wait, wait_for,
};
use crate::events::events;
use crate::plane::case;

/// A desk over PostgreSQL and Redis without agents; `more` are lines of its spec.
pub(crate) fn desk(more: &str) -> String {
    let whole = system(&format!("{BACKENDS}{more}"));
    whole.split("---").next().unwrap().to_owned()
}

/// A change of the trader's memory, and with it of the revision.
pub(crate) fn memory(amount: &str) -> String {
    format!("  trader: {{resources: {{limits: {{memory: {amount}}}}}}}")
}

/// The rollout once nothing is under way.
pub(crate) async fn complete(case: &Case<'_>) -> RolloutStatus {
    rollout(case, "the rollout to be complete", |r| r.step == RolloutStep::Complete).await
}

/// Applies a desk, plays its traders, and waits until it is rolled out.
pub(crate) async fn installed(case: &Case<'_>, more: &str) -> Traders {
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    apply(case, &format!("{RECORDINGS}---{POLICY}---{}", desk(more))).await;
    volumes(case).await;
    complete(case).await;
    traders
}

/// The names of the traders' Deployments.
pub(crate) async fn traders(case: &Case<'_>) -> Vec<String> {
    let mut deployments = names(case, Kind::Deployment).await;
    deployments.retain(|name| name.starts_with("desk-trader-"));
    deployments
}

/// The pods that report that they lead.
async fn leaders(case: &Case<'_>) -> Vec<Report> {
    let leases = case.api::<Lease>().list(&ListParams::default()).await.unwrap();
    let reports = leases.items.into_iter().filter_map(|lease| {
        Report::read(lease.metadata.annotations?.get(annotations::REPORT)?).ok()
    });
    reports.filter(|report| report.role == Role::Leader).collect()
}

#[tokio::test]
async fn the_old_trader_goes_only_when_the_new_one_leads() {
    let case = case("handover").await;
    let _traders = installed(&case, "").await;
    let before = complete(&case).await;
    let old = traders(&case).await.remove(0);
    apply(&case, &desk(&memory("1Gi"))).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut beside, mut asked) = (false, false);
    loop {
        let deployments = traders(&case).await;
        let leads = leaders(&case).await;
        let now = rollout(&case, "a rollout", |_| true).await;
        let epochs: BTreeSet<i64> = leads.iter().map(|leader| leader.epoch).collect();
        assert_eq!(epochs.len(), leads.len(), "two lead in one epoch: {leads:?}");
        beside |= deployments.len() == 2;
        asked |= now.lead_revision.as_ref() == Some(&now.target) && deployments.len() == 2;
        if !deployments.contains(&old) {
            let newest = leads.iter().max_by_key(|leader| leader.epoch).unwrap();
            assert_eq!(newest.revision, now.target, "the old one went before the new one led");
            break;
        }
        assert!(Instant::now() < deadline, "{now:?}");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(beside && asked, "they stood side by side, and the new one was asked to lead");
    let after = complete(&case).await;
    assert_ne!(after.target, before.target);
    assert_eq!(after.core, Some(after.target.clone()));
    assert_eq!(after.lead_revision, Some(after.target.clone()));
    let events = events(&case).await;
    assert!(events.contains("restarting pods: trader: memory limit from 512Mi to 1Gi"), "{events}");
    let (reason, _) = wait(&case, "CoreAvailable", "True").await;
    assert_eq!(reason, "Available");
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_trader_that_does_not_hand_over_keeps_what_it_has() {
    let case = case("holds-on").await;
    let more = "  rollout: {stepDeadline: 8s}\n";
    let traders_play = installed(&case, more).await;
    let before = complete(&case).await;
    let old = traders(&case).await.remove(0);
    traders_play.conduct(case.namespace(), "desk", |desk| desk.hands_over = false);
    apply(&case, &desk(&format!("{more}{}", memory("1Gi")))).await;
    rollout(&case, "the new trader to be asked to lead", |r| {
        r.lead_revision.as_ref() == Some(&r.target) && r.target != before.target
    })
    .await;
    let failed = rollout(&case, "the core to be undone", |r| r.failed.is_some()).await;
    assert_eq!((&failed.core, &failed.lead_revision), (&before.core, &before.lead_revision));
    let (reason, message) = wait(&case, "Stalled", "True").await;
    assert_eq!(reason, "DeadlineExceeded");
    assert!(message.contains("hand over") && message.contains("reconcile-now"), "{message}");
    until("the new trader to go", || async {
        (traders(&case).await == [old.clone()]).then_some(())
    })
    .await;
    assert_statuses(&case).await;

    // Back to the spec that runs: no pod notices.
    let traders = "app.kubernetes.io/component=trader";
    let pods = staying(&case, traders).await;
    apply(&case, &desk(more)).await;
    complete(&case).await;
    assert_eq!(staying(&case, traders).await, pods);
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_desk_that_was_scaled_to_zero_stays_so_across_revisions() {
    let case = case("zero").await;
    let _traders = installed(&case, "").await;
    let old = traders(&case).await.remove(0);
    kubectl(&case, &["scale", "deployment", &old, "--replicas=0"]).await;
    let (reason, message) = wait(&case, "CoreAvailable", "False").await;
    assert_eq!(reason, "ScaledToZero", "{message}");
    apply(&case, &desk(&memory("1Gi"))).await;
    let new = until("the new trader beside the old", || async {
        traders(&case).await.into_iter().find(|name| *name != old)
    })
    .await;
    wait_for(&case, "Ready", "False", "ScaledToZero").await;
    let idle = rollout(&case, "a rollout", |_| true).await;
    assert_eq!((idle.step, idle.deadline), (RolloutStep::Core, None), "nothing proves it yet");
    let deployment = case.api::<Deployment>().get(&new).await.unwrap();
    assert_eq!(deployment.spec.unwrap().replicas, Some(0));
    let (reason, _) = wait(&case, "CoreAvailable", "False").await;
    assert_eq!(reason, "ScaledToZero");
    assert_statuses(&case).await;
    kubectl(&case, &["scale", "deployment", &new, "--replicas=2"]).await;
    wait(&case, "CoreAvailable", "True").await;
    complete(&case).await;
    until("the old trader to go", || async {
        (traders(&case).await == [new.clone()]).then_some(())
    })
    .await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn the_core_is_available_while_the_former_revision_serves() {
    let case = case("serves").await;
    let _traders = installed(&case, "").await;
    wait(&case, "CoreAvailable", "True").await;
    let before = complete(&case).await;
    case.play(Component::Trader, &Play::Crashes("no such symbol".into())).await.unwrap();
    apply(&case, &desk(&memory("1Gi"))).await;
    let now = rollout(&case, "the change to be released", |r| {
        r.target != before.target && r.core == Some(r.target.clone())
    })
    .await;
    let former = format!("revision {} leads and serves", before.target);
    until("the new trader's trouble", || async {
        let (_, message) = wait(&case, "CoreAvailable", "True").await;
        (message.contains(&former) && message.contains("no such symbol")).then_some(())
    })
    .await;
    wait(&case, "Ready", "False").await;
    assert_statuses(&case).await;

    let new = until("the new trader", || async {
        traders(&case).await.into_iter().find(|name| name.ends_with(hash(&now.target)))
    })
    .await;
    kubectl(&case, &["scale", "deployment", &new, "--replicas=0"]).await;
    for condition in [("Ready", "False"), ("CoreAvailable", "True")] {
        until("the new trader's stop to be told", || async {
            let (_, message) = wait(&case, condition.0, condition.1).await;
            let words = format!("Deployment {new} was scaled to zero");
            assert!(!message.contains("nothing trades"), "{message}");
            message.contains(&words).then_some(())
        })
        .await;
    }
    assert_statuses(&case).await;
}

/// What follows the desk's name in that of a revision.
fn hash(revision: &ObjectName) -> &str {
    revision.as_str().trim_start_matches("desk-")
}
