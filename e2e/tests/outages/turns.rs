//! No more systems roll a change out at once than the operator allows.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::{ConditionType, Reason};
use sapphire_crds::names::Component;
use sapphire_crds::trading_system::RolloutStep;
use sapphire_e2e::{Case, Play, until};
use tokio::time::{Instant, sleep};

use crate::desk::{POLICY, RECORDINGS, apply, assert_statuses, bind, kubectl, system};
use crate::plane::operated_with;

const DESKS: [&str; 3] = ["red", "green", "blue"];

/// An embedded desk of that name.
fn desk(name: &str, more: &str) -> String {
    system(more)
        .replace("name: desk}", &format!("name: {name}}}"))
        .replace("{name: one}", &format!("{{name: {name}-one}}"))
        .replace("{name: two}", &format!("{{name: {name}-two}}"))
        .replace("{name: three}", &format!("{{name: {name}-three}}"))
}

fn desks(more: &str) -> String {
    DESKS.map(|name| desk(name, more)).join("---")
}

/// Applies the desks, and waits until they run.
async fn installed(case: &Case<'_>, more: &str) {
    apply(case, &format!("{RECORDINGS}---{POLICY}---{}", desks(more))).await;
    bind(case, &["recordings", "red-data", "green-data", "blue-data"]).await;
    until("three desks that come up side by side", || async {
        let all = systems(case).await;
        let done = all.iter().filter(|s| step(s) == Some(RolloutStep::Complete)).count();
        (done == DESKS.len()).then_some(())
    })
    .await;
}

async fn systems(case: &Case<'_>) -> Vec<TradingSystem> {
    case.api::<TradingSystem>().list(&Default::default()).await.unwrap().items
}

fn step(system: &TradingSystem) -> Option<RolloutStep> {
    Some(system.status.as_ref()?.rollout.as_ref()?.step)
}

fn rolls(system: &TradingSystem) -> bool {
    let rollout = system.status.as_ref().and_then(|status| status.rollout.as_ref());
    rollout.is_some_and(|rollout| {
        rollout.step != RolloutStep::Complete
            && rollout.started_at.is_some()
            && rollout.fallback.is_some()
    })
}

fn waits(system: &TradingSystem) -> bool {
    let conditions = system.status.as_ref().map(|status| &status.conditions);
    let reconciling = conditions.and_then(|all| all.get(ConditionType::Reconciling));
    reconciling.is_some_and(|condition| condition.reason == Reason::WaitingForTurn.as_str())
}

#[tokio::test]
async fn one_turn_is_taken_by_one_system_after_the_other() {
    let mut operated =
        operated_with("turns", |settings| settings.max_concurrent_rollouts = 1).await;
    let case = &operated.case;
    installed(case, "").await;

    // The pods take their time, so that the first one holds its turn while the others ask.
    case.play(Component::Trader, &Play::SecretKeyMissing).await.unwrap();
    apply(case, &desks("  trader: {resources: {limits: {memory: 1Gi}}}")).await;
    let first = until("one to roll and two to wait", || async {
        let all = systems(case).await;
        let rolling: Vec<String> =
            all.iter().filter(|s| rolls(s)).map(ResourceExt::name_any).collect();
        assert!(rolling.len() <= 1, "{rolling:?}");
        (all.iter().filter(|s| waits(s)).count() == 2).then_some(rolling)
    })
    .await;
    assert_statuses(case).await;

    // A successor of the operator knows who has the turn.
    operated.kill().await;
    operated.start().await;
    let case = &operated.case;
    sleep(Duration::from_secs(3)).await;
    let rolling: Vec<String> =
        systems(case).await.iter().filter(|s| rolls(s)).map(ResourceExt::name_any).collect();
    assert_eq!(rolling, first);

    case.play(Component::Trader, &Play::Runs).await.unwrap();
    kubectl(case, &["delete", "pods", "-l", "app.kubernetes.io/component=trader", "--wait=false"])
        .await;
    let mut rolled = BTreeSet::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let all = systems(case).await;
        let rolling: Vec<String> =
            all.iter().filter(|s| rolls(s)).map(ResourceExt::name_any).collect();
        assert!(rolling.len() <= 1, "two at once: {rolling:?}");
        rolled.extend(rolling);
        if all.iter().all(|s| step(s) == Some(RolloutStep::Complete)) {
            break;
        }
        assert!(Instant::now() < deadline, "{rolled:?}");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(rolled.contains(&first[0]));
    assert_statuses(case).await;
}

#[tokio::test]
async fn a_desk_that_cannot_even_be_undone_keeps_no_other_waiting() {
    let operated =
        operated_with("turns-back", |settings| settings.max_concurrent_rollouts = 1).await;
    let case = &operated.case;
    let hurried = "  rollout: {stepDeadline: 20s}\n";
    installed(case, hurried).await;
    case.play(Component::Trader, &Play::SecretKeyMissing).await.unwrap();
    let change = format!("{hurried}  trader: {{resources: {{limits: {{memory: 1Gi}}}}}}\n");
    apply(case, &desk("red", &change)).await;
    let named = async |name: &str| case.api::<TradingSystem>().get(name).await.unwrap();
    until("red to roll", || async { rolls(&named("red").await).then_some(()) }).await;
    // From here on nothing is decided for it: it waits for a policy that is not there.
    kubectl(
        case,
        &[
            "patch",
            "tsys/red",
            "--type=merge",
            "-p",
            r#"{"spec":{"riskPolicyRef":{"name":"none"}}}"#,
        ],
    )
    .await;
    apply(case, &desk("green", &change)).await;
    until("green to wait", || async { waits(&named("green").await).then_some(()) }).await;
    let rollout = named("red").await.status.unwrap().rollout.unwrap();
    let deadline = rollout.deadline.unwrap().0;
    until("red's time to be up", || async { (Timestamp::now() > deadline).then_some(()) }).await;
    // It asks every minute; somebody is in a hurry.
    kubectl(case, &["annotate", "tsys/green", "sapphiretrade.xyz/reconcile-now=1"]).await;
    until("green to roll", || async { rolls(&named("green").await).then_some(()) }).await;
    let red = named("red").await;
    assert!(rolls(&red), "nobody undid it");
    assert_statuses(case).await;
}
