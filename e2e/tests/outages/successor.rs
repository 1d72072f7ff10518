//! An operator that is killed anywhere in a rollout is followed by one that goes on.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use rstest::rstest;
use sapphire_crds::names::Component;
use sapphire_crds::trading_system::RolloutStep;
use sapphire_e2e::{Case, Play, Traders, until};
use sapphire_operator::reconcile::kind::Kind;
use serde_json::json;

use crate::clustered;
use crate::desk::{
    BACKENDS, POLICY, RECORDINGS, apply, assert_statuses, kubectl, names, rollout, system, volumes,
    wait,
};
use crate::plane::operated;

fn desk(more: &str) -> String {
    let whole = system(&format!("{BACKENDS}{more}"));
    whole.split("---").next().unwrap().to_owned()
}

/// Lets the pods of a component that wait, run.
async fn let_run(case: &Case<'_>, component: Component, word: &str) {
    case.play(component, &Play::Runs).await.unwrap();
    let label = format!("app.kubernetes.io/component={component}");
    let pods = case.api::<Pod>();
    for pod in pods.list(&ListParams::default().labels(&label)).await.unwrap() {
        let runs = json!({"metadata": {"annotations": {"play.sapphiretrade.xyz/as": word}}});
        let name = pod.metadata.name.unwrap();
        pods.patch(&name, &PatchParams::default(), &Patch::Merge(runs)).await.unwrap();
    }
}

#[tokio::test]
async fn a_successor_goes_on_where_an_operator_was_killed() {
    let mut operated = operated("successor").await;
    let client = operated.case.client();
    let namespace = operated.case.namespace().to_owned();
    let traders = Traders::start(&client, Some(&namespace)).await.unwrap();
    apply(&operated.case, &format!("{RECORDINGS}---{POLICY}---{}", desk(""))).await;
    volumes(&operated.case).await;
    let before = rollout(&operated.case, "the desk", |r| r.step == RolloutStep::Complete).await;

    // Killed while the migration runs.
    let case = &operated.case;
    case.play(Component::Migration, &Play::Completes(Duration::from_secs(3))).await.unwrap();
    case.play(Component::Trader, &Play::Crashes("not yet".into())).await.unwrap();
    apply(case, &desk("  trader: {resources: {limits: {memory: 1Gi}}}")).await;
    let begun = rollout(case, "the rollout to begin", |r| {
        r.target != before.target && r.started_at.is_some()
    })
    .await;
    assert_eq!(begun.core, before.core);
    operated.kill().await;
    operated.start().await;

    // Killed while the new trader comes up.
    let case = &operated.case;
    let released =
        rollout(case, "the core to be released", |r| r.core == Some(begun.target.clone())).await;
    assert_eq!(released.lead_revision, before.core, "the old one leads on");
    assert_eq!(released.started_at, begun.started_at, "it is the same step");
    operated.kill().await;
    operated.start().await;

    // Killed between the request to hand over and the hand-over.
    let case = &operated.case;
    traders.conduct(&namespace, "desk", |desk| desk.hands_over = false);
    let_run(case, Component::Trader, "runs").await;
    rollout(case, "the request to hand over", |r| r.lead_revision == Some(begun.target.clone()))
        .await;
    operated.kill().await;
    operated.start().await;
    traders.conduct(&namespace, "desk", |desk| desk.hands_over = true);

    let case = &operated.case;
    let done = rollout(case, "the end", |r| r.step == RolloutStep::Complete).await;
    assert_eq!((&done.core, &done.failed), (&Some(begun.target), &None));
    until("the old trader to go", || async {
        let all = names(case, Kind::Deployment).await;
        (all.iter().filter(|name| name.starts_with("desk-trader-")).count() == 1).then_some(())
    })
    .await;
    wait(case, "CoreAvailable", "True").await;
    assert_statuses(case).await;
}

#[rstest]
#[case::agents("agents-killed", RolloutStep::Agents)]
#[case::execution("execution-killed", RolloutStep::Execution)]
#[tokio::test]
async fn a_release_of_agents_goes_on_where_a_killed_operator_left_it(
    #[case] name: &str,
    #[case] step: RolloutStep,
) {
    let mut operated = operated(name).await;
    let _traders = clustered::installed(&operated.case, "").await;
    if step == RolloutStep::Execution {
        // Agents without pods run every release.
        let voters = ["scale", "--replicas=0", "tagent/one", "tagent/two", "tagent/three"];
        kubectl(&operated.case, &voters).await;
        until("nobody to vote", || async {
            let (reason, _) = wait(&operated.case, "AgentsAvailable", "False").await;
            (reason == "AgentsMissing").then_some(())
        })
        .await;
    }
    operated.case.play(Component::Agent, &Play::Crashes("no feature".into())).await.unwrap();
    let change = "  podOverrides: {env: [{name: EXTRA, value: \"1\"}]}\n";
    let scaled = clustered::desk(change);
    apply(&operated.case, &scaled).await;
    let begun = rollout(&operated.case, "the step to be released", |r| {
        r.step == step && r.core.as_ref() == Some(&r.target)
    })
    .await;
    until("a pod that crashes", || async {
        let (_, message) = wait(&operated.case, "Ready", "False").await;
        message.contains("no feature").then_some(())
    })
    .await;
    operated.kill().await;
    let core = clustered::pods(&operated.case, ",agent").await;

    operated.case.play(Component::Agent, &Play::Runs).await.unwrap();
    let agents = ["delete", "pods", "--wait=false", "-l", "app.kubernetes.io/component=agent"];
    kubectl(&operated.case, &agents).await;
    operated.start().await;
    let case = &operated.case;
    let done =
        rollout(case, "the release to be complete", |r| r.step == RolloutStep::Complete).await;
    let target = Some(begun.target);
    assert_eq!([&done.core, &done.agents, &done.execution], [&target; 3]);
    assert_eq!(done.failed, None);
    kubectl(case, &["scale", "--replicas=1", "tagent/one", "tagent/two", "tagent/three"]).await;
    wait(case, "Ready", "True").await;
    assert_eq!(clustered::pods(case, ",agent").await, core, "the core is not touched again");
    assert_statuses(case).await;
}
