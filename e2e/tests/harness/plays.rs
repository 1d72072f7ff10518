//! What pods do on the played node.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerState, Pod};
use kube::Api;
use kube::api::{Patch, PatchParams};
use sapphire_crds::names::{Component, labels};
use sapphire_e2e::{Case, ControlPlane, Play};
use serde_json::json;
use tokio::time::{Instant, sleep};

async fn case(name: &str) -> Case<'static> {
    Case::new(ControlPlane::shared().await.unwrap().cluster(), name).await.unwrap()
}

async fn create(pods: &Api<Pod>, name: &str, component: Component, image: &str) {
    let pod = json!({
        "metadata": { "name": name, "labels": { labels::COMPONENT: component.as_str() } },
        "spec": {
            "restartPolicy": if component == Component::Migration { "Never" } else { "Always" },
            "containers": [{
                "name": "main",
                "image": image,
                "env": [{
                    "name": "DATABASE_URL",
                    "valueFrom": { "secretKeyRef": { "name": "postgres", "key": "url" } },
                }],
            }],
        },
    });
    let pod = serde_json::from_value(pod).unwrap();
    pods.create(&Default::default(), &pod).await.unwrap();
}

/// Waits until a pod is as it should be, and gives it.
async fn until(pods: &Api<Pod>, name: &str, so: impl Fn(&Pod) -> bool) -> Pod {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let pod = pods.get(name).await.unwrap();
        if so(&pod) {
            return pod;
        }
        assert!(Instant::now() < deadline, "{:#?}", pod.status);
        sleep(Duration::from_millis(50)).await;
    }
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

fn state(pod: &Pod) -> ContainerState {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.and_then(|all| all.first()).and_then(|one| one.state.clone()).unwrap_or_default()
}

fn waits_for(pod: &Pod) -> String {
    let waiting = state(pod).waiting.unwrap_or_default();
    format!("{}: {}", waiting.reason.unwrap_or_default(), waiting.message.unwrap_or_default())
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True")
}

#[tokio::test]
async fn a_pod_runs_and_goes_when_it_is_deleted() {
    let case = case("pod-runs").await;
    let pods = case.api::<Pod>();
    ready_for_pods(&case).await;
    create(&pods, "trader", Component::Trader, "sapphire:1").await;
    let pod = until(&pods, "trader", is_ready).await;
    assert!(pod.status.unwrap().pod_ip.is_some());
    pods.delete("trader", &Default::default()).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while pods.get_opt("trader").await.unwrap().is_some() {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(50)).await;
    }
}

/// The service account, without which no pod is admitted.
async fn ready_for_pods(case: &Case<'_>) {
    case.play(Component::Api, &Play::Runs).await.unwrap();
}

#[tokio::test]
async fn an_image_that_is_missing_is_waited_for_until_it_is_there() {
    let case = case("image-missing").await;
    let pods = case.api::<Pod>();
    ready_for_pods(&case).await;
    create(&pods, "trader", Component::Trader, "sapphire:missing").await;
    let waiting =
        |pod: &Pod| waits_for(pod).starts_with("ImagePullBackOff: Back-off pulling image");
    until(&pods, "trader", waiting).await;
    let runs = json!({ "metadata": { "annotations": { "play.sapphiretrade.xyz/as": "runs" } } });
    pods.patch("trader", &PatchParams::default(), &Patch::Merge(runs)).await.unwrap();
    until(&pods, "trader", is_ready).await;
}

#[tokio::test]
async fn components_play_what_the_test_says() {
    let case = case("plays").await;
    let pods = case.api::<Pod>();
    case.play(Component::Trader, &Play::SecretKeyMissing).await.unwrap();
    create(&pods, "trader", Component::Trader, "sapphire:1").await;
    let message = format!(
        "CreateContainerConfigError: couldn't find key url in Secret {}/postgres",
        case.namespace()
    );
    until(&pods, "trader", |pod| waits_for(pod) == message).await;

    case.play(Component::Agent, &Play::Crashes("no model".into())).await.unwrap();
    create(&pods, "agent", Component::Agent, "sapphire:1").await;
    let pod = until(&pods, "agent", |pod| waits_for(pod).starts_with("CrashLoopBackOff")).await;
    let status = pod.status.unwrap().container_statuses.unwrap().remove(0);
    assert_eq!(status.last_state.unwrap().terminated.unwrap().message.unwrap(), "no model");
    let runs = json!({ "metadata": { "annotations": { "play.sapphiretrade.xyz/as": "runs" } } });
    pods.patch("agent", &PatchParams::default(), &Patch::Merge(runs)).await.unwrap();
    until(&pods, "agent", is_ready).await;
}

#[tokio::test]
async fn migrations_complete_fail_and_are_evicted() {
    let case = case("migrations").await;
    let pods = case.api::<Pod>();
    ready_for_pods(&case).await;
    create(&pods, "by-default", Component::Migration, "sapphire:1").await;
    until(&pods, "by-default", |pod| phase(pod) == "Succeeded").await;

    case.play(Component::Migration, &Play::Fails("relation \"orders\" exists".into()))
        .await
        .unwrap();
    create(&pods, "fails", Component::Migration, "sapphire:1").await;
    let pod = until(&pods, "fails", |pod| phase(pod) == "Failed").await;
    let last = state(&pod).terminated.unwrap();
    assert_eq!((last.exit_code, last.message.unwrap().as_str()), (1, "relation \"orders\" exists"));

    case.play(Component::Migration, &Play::Evicted).await.unwrap();
    create(&pods, "evicted", Component::Migration, "sapphire:1").await;
    let pod = until(&pods, "evicted", |pod| phase(pod) == "Failed").await;
    assert_eq!(pod.status.unwrap().reason.unwrap(), "Evicted");

    case.play(Component::Migration, &Play::Completes(Duration::from_secs(1))).await.unwrap();
    create(&pods, "completes", Component::Migration, "sapphire:1").await;
    until(&pods, "completes", |pod| phase(pod) == "Running").await;
    until(&pods, "completes", |pod| phase(pod) == "Succeeded").await;
}
