//! A step that does not get done is undone, and stays so until a person does something.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use sapphire_crds::names::Component;
use sapphire_crds::trading_system::{RolloutStatus, RolloutStep};
use sapphire_e2e::{Play, Traders, until};

use crate::agents::agent;
use crate::desk::{
    BACKENDS, POLICY, RECORDINGS, apply, assert_statuses, kubectl, ready, rollout, system, volumes,
    wait, wait_for, with_maker,
};
use crate::events::told;
use crate::foreseen::diff;
use crate::handover::{complete, desk, installed, memory, traders};
use crate::plane::{OPERATOR, case, plane};

const HURRIED: &str = "  rollout: {stepDeadline: 12s}\n";

fn has_failed(rollout: &RolloutStatus) -> bool {
    rollout.failed.is_some()
}

#[tokio::test]
async fn a_desk_whose_change_does_not_come_up_goes_back_and_stays_there() {
    let case = case("undone").await;
    ready(&case, HURRIED).await;
    let before = complete(&case).await;
    let missing = "  image: {reference: \"registry.example/trader:missing\"}\n";
    apply(&case, &system(&format!("{HURRIED}{missing}"))).await;
    rollout(&case, "the change to be released", |r| r.core == Some(r.target.clone())).await;
    let failed = rollout(&case, "the core to be undone", has_failed).await;
    assert_eq!((&failed.core, &failed.agents), (&before.core, &before.agents));
    let (reason, message) = wait(&case, "Stalled", "True").await;
    assert_eq!(reason, "DeadlineExceeded");
    assert!(message.contains("ImagePullBackOff"), "the pod's own words: {message}");
    until("the former image", || async {
        let deployment = case.api::<Deployment>().get("desk-trader").await.unwrap();
        let image = deployment.spec?.template.spec?.containers.remove(0).image;
        (image.as_deref() == Some("sapphire-trader:test")).then_some(())
    })
    .await;
    wait(&case, "CoreAvailable", "True").await;
    assert_statuses(&case).await;

    // It does not try again: longer than a step may take, nothing is written.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let audit = plane().await.audit();
    let mark = audit.mark(&case.client()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(14)).await;
    let mut written = audit.since(&case.client(), mark).await.unwrap();
    written.retain(|r| r.is_write() && r.user == OPERATOR && r.namespace == case.namespace());
    assert!(written.is_empty(), "{written:#?}");
    let same = system(&format!("{HURRIED}{missing}"));
    let (changes, said) = diff(&case, &same, &[]).await.unwrap();
    assert!(!changes && said.contains("was undone"), "{said}");
    let another = same.replace("trader:missing", "trader:another");
    let (changes, said) = diff(&case, &another, &[]).await.unwrap();
    assert!(changes && said.contains("rolls out"), "{said}");

    // A person may have it tried again, and it fails again.
    let first = failed.failed.unwrap();
    kubectl(&case, &["annotate", "tradingsystem", "desk", "sapphiretrade.xyz/reconcile-now=1"])
        .await;
    let again = rollout(&case, "another try to fail", |r| {
        r.failed.as_ref().is_some_and(|failed| failed.at.0 > first.at.0)
    })
    .await;
    assert_eq!(again.core, before.core);

    // Back to the spec that runs.
    apply(&case, &system(HURRIED)).await;
    let back = complete(&case).await;
    assert_eq!((back.core, back.failed), (before.core, None));
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_change_that_never_answered_is_not_proven_by_scaling_it_to_zero() {
    let case = case("zero-unproven").await;
    ready(&case, HURRIED).await;
    let before = complete(&case).await;
    let missing = "  image: {reference: \"registry.example/trader:missing\"}\n";
    apply(&case, &system(&format!("{HURRIED}{missing}"))).await;
    rollout(&case, "the change to be released", |r| {
        r.target != before.target && r.core == Some(r.target.clone())
    })
    .await;
    kubectl(&case, &["scale", "deployment/desk-trader", "--replicas=0"]).await;
    let message = wait_for(&case, "Ready", "False", "ScaledToZero").await;
    assert!(message.contains("the step's time stands still"), "{message}");
    // Longer than a step may take.
    tokio::time::sleep(Duration::from_secs(14)).await;
    let idle = rollout(&case, "a rollout", |_| true).await;
    assert_eq!((idle.step, &idle.failed, &idle.deadline), (RolloutStep::Core, &None, &None));
    assert_eq!((&idle.fallback, &idle.stable), (&before.core, &before.stable));
    assert_statuses(&case).await;

    kubectl(&case, &["scale", "deployment/desk-trader", "--replicas=1"]).await;
    let failed = rollout(&case, "the core to be undone", has_failed).await;
    assert_eq!(failed.core, before.core);
    wait(&case, "CoreAvailable", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_clustered_change_that_does_not_come_up_leaves_the_leader_alone() {
    let case = case("undone-core").await;
    let _traders = installed(&case, HURRIED).await;
    let (before, old) = (complete(&case).await, traders(&case).await);
    case.play(Component::Trader, &Play::Crashes("no such symbol".into())).await.unwrap();
    apply(&case, &desk(&format!("{HURRIED}{}", memory("1Gi")))).await;
    let failed = rollout(&case, "the core to be undone", has_failed).await;
    assert_eq!((&failed.core, &failed.lead_revision), (&before.core, &before.lead_revision));
    let (_, message) = wait(&case, "Stalled", "True").await;
    assert!(message.contains("no such symbol"), "its last words: {message}");
    until("the new trader to go", || async { (traders(&case).await == old).then_some(()) }).await;
    wait(&case, "CoreAvailable", "True").await;
    let (reason, _) = wait(&case, "SchemaCurrent", "True").await;
    assert_eq!(reason, "UpToDate", "a schema is never downgraded");
    assert_statuses(&case).await;

    // Another spec tries again.
    case.play(Component::Trader, &Play::Runs).await.unwrap();
    let patient = "  rollout: {stepDeadline: 60s}\n";
    apply(&case, &desk(&format!("{patient}{}", memory("2Gi")))).await;
    let done = complete(&case).await;
    assert_eq!(done.core, Some(done.target));
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_first_install_that_is_late_says_so_and_goes_on_by_itself() {
    let case = case("late").await;
    case.play(Component::Trader, &Play::SecretKeyMissing).await.unwrap();
    let more = "  rollout: {stepDeadline: 2s}\n";
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{}", system(more))).await;
    volumes(&case).await;
    let (reason, message) = wait(&case, "Stalled", "True").await;
    assert_eq!(reason, "DeadlineExceeded", "{message}");
    let late = rollout(&case, "a rollout", |_| true).await;
    assert_eq!((late.failed, late.step), (None, RolloutStep::Core), "there is nothing to undo");
    assert_statuses(&case).await;
    case.play(Component::Trader, &Play::Runs).await.unwrap();
    kubectl(&case, &["delete", "pods", "-l", "app.kubernetes.io/component=trader"]).await;
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_restart_by_hand_is_left_as_it_is_and_told() {
    let case = case("by-hand").await;
    let _traders = installed(&case, "").await;
    let (before, old) = (complete(&case).await, traders(&case).await);
    let uids = [
        "get",
        "pods",
        "-l",
        "app.kubernetes.io/component in (trader,api)",
        "-o",
        "jsonpath={.items[*].metadata.uid}",
    ];
    let pods: Vec<String> = kubectl(&case, &uids).await.split(' ').map(str::to_owned).collect();
    kubectl(&case, &["rollout", "restart", "deployment", &old[0], "desk-api"]).await;
    until("every pod to be another", || async {
        let now = kubectl(&case, &uids).await;
        pods.iter().all(|pod| !now.contains(pod.as_str())).then_some(())
    })
    .await;
    for name in [old[0].as_str(), "desk-api"] {
        told(&case, &format!("Deployment {name} was restarted by hand")).await;
    }
    let after = complete(&case).await;
    assert_eq!((after.target, traders(&case).await), (before.target, old));
    wait(&case, "CoreAvailable", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn agents_that_do_not_come_up_go_back_and_the_core_stays() {
    let case = case("undone-agents").await;
    let _traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    let whole = |more: &str| system(&format!("{BACKENDS}  rollout: {{stepDeadline: 12s}}\n{more}"));
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{}", whole(""))).await;
    volumes(&case).await;
    let before = complete(&case).await;
    case.play(Component::Agent, &Play::Crashes("no such feature".into())).await.unwrap();
    apply(&case, &whole("  podOverrides: {env: [{name: EXTRA, value: \"1\"}]}\n")).await;
    let released = rollout(&case, "the agents to be released", |r| {
        r.target != before.target && r.agents.as_ref() == Some(&r.target)
    })
    .await;
    // Not before the core is done, and not together with what comes after.
    assert_eq!(released.core.as_ref(), Some(&released.target));
    assert_eq!(released.lead_revision.as_ref(), Some(&released.target));
    assert_eq!((released.step, &released.execution), (RolloutStep::Agents, &before.execution));
    let failed = rollout(&case, "the agents to be undone", has_failed).await;
    assert_eq!((&failed.core, &failed.agents), (&released.core, &before.agents));
    let (reason, message) = wait(&case, "Stalled", "True").await;
    assert_eq!(reason, "DeadlineExceeded");
    assert!(message.contains("no such feature"), "their last words: {message}");
    wait(&case, "AgentsAvailable", "True").await;
    wait(&case, "CoreAvailable", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn an_agent_that_trades_by_itself_goes_back_alone() {
    let case = case("undone-execution").await;
    let _traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    let whole = |more: &str| {
        with_maker(&system(&format!("{BACKENDS}  rollout: {{stepDeadline: 20s}}\n{more}")))
    };
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{}", whole(""))).await;
    volumes(&case).await;
    // Agents without pods run every release, so that only one can fail.
    kubectl(&case, &["scale", "--replicas=0", "tagent/one", "tagent/two", "tagent/three"]).await;
    agent(&case, "maker", "Ready", "True").await;
    let before = complete(&case).await;
    case.play(Component::Agent, &Play::Crashes("no such book".into())).await.unwrap();
    apply(&case, &whole("  podOverrides: {env: [{name: EXTRA, value: \"1\"}]}\n")).await;
    let failed = rollout(&case, "the execution step to be undone", has_failed).await;
    let target = Some(failed.target.clone());
    assert_ne!(target, before.core);
    assert_eq!((&failed.core, &failed.agents), (&target, &target));
    assert_eq!(failed.execution, before.execution);
    assert_eq!(failed.failed.map(|failed| failed.step), Some(RolloutStep::Execution));
    let (reason, message) = wait(&case, "Stalled", "True").await;
    assert_eq!(reason, "DeadlineExceeded");
    assert!(message.contains("maker") && message.contains("no such book"), "{message}");
    assert_statuses(&case).await;
}
