//! How many pods an agent has, and who says so.

use k8s_openapi::api::apps::v1::Deployment;
use sapphire_crds::TradingAgent;
use sapphire_e2e::{Case, until};
use sapphire_operator::reconcile::kind::Kind;

use crate::agents::{agent, desk, pods, status};
use crate::desk::{apply, assert_statuses, kubectl, names, wait, wait_for};
use crate::events::told;
use crate::plane::case;

async fn scale(case: &Case<'_>, replicas: i32) {
    kubectl(case, &["scale", "tradingagent/one", &format!("--replicas={replicas}")]).await;
}

/// Waits until the Deployment asks for so many, and the status counts them.
async fn has(case: &Case<'_>, replicas: i32) {
    until(&format!("{replicas} replicas"), || async {
        let deployment = case.api::<Deployment>().get("desk-one").await.unwrap();
        let told = status(case, "one").await;
        let so = deployment.spec?.replicas == Some(replicas)
            && (told.replicas, told.ready_replicas) == (replicas, replicas);
        so.then_some(())
    })
    .await;
    agent(case, "one", "Ready", "True").await;
}

#[tokio::test]
async fn an_agent_is_scaled_by_its_own_resource() {
    let case = case("agents-scale").await;
    let _traders = desk(&case, "  consensus: {minAgents: 2}\n").await;
    let revisions = names(&case, Kind::ControllerRevision).await;
    let first = pods(&case, "one").await;
    scale(&case, 3).await;
    has(&case, 3).await;
    assert!(first.is_subset(&pods(&case, "one").await), "the first goes on");
    // What kubectl reads through the scale subresource is what the operator told.
    let scaled = ["get", "--raw"];
    let path = format!(
        "/apis/sapphiretrade.xyz/v1alpha1/namespaces/{}/tradingagents/one/scale",
        case.namespace()
    );
    let read = case.cluster().kubectl(&[scaled[0], scaled[1], &path]).await.unwrap().ok().unwrap();
    let read: serde_json::Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read["status"]["replicas"], 3);
    assert!(read["status"]["selector"].as_str().unwrap().contains("agent=one"), "{read}");

    scale(&case, 0).await;
    has(&case, 0).await;
    let ready = agent(&case, "one", "Ready", "True").await;
    assert!(ready.message.contains("kubectl scale tagent one --replicas=1"), "{}", ready.message);
    let (_, message) = wait(&case, "Ready", "True").await;
    assert!(message.contains("scaled to zero and without an opinion: one"), "{message}");
    assert_statuses(&case).await;
    // Without those that remain nobody could agree.
    kubectl(&case, &["scale", "tradingagent/two", "--replicas=0"]).await;
    let message = wait_for(&case, "AgentsAvailable", "False", "AgentsMissing").await;
    assert!(message.contains("too few agents vote: 1, and 2 must agree"), "{message}");
    wait(&case, "Ready", "False").await;
    assert_statuses(&case).await;
    kubectl(&case, &["scale", "tradingagent/two", "--replicas=1"]).await;
    wait(&case, "Ready", "True").await;

    scale(&case, 1).await;
    has(&case, 1).await;
    // Its Deployment is not what people scale.
    kubectl(&case, &["scale", "deployment/desk-one", "--replicas=4"]).await;
    told(&case, "spec.replicas was changed by hand").await;
    has(&case, 1).await;
    assert_eq!(names(&case, Kind::ControllerRevision).await, revisions, "replicas are no input");
    assert_statuses(&case).await;
}

#[tokio::test]
async fn an_autoscaler_that_comes_resets_no_replicas_and_is_obeyed() {
    let case = case("agents-autoscale").await;
    let _traders = desk(&case, "").await;
    scale(&case, 2).await;
    has(&case, 2).await;
    let with = |least: u32| {
        format!(
            "
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingAgent
metadata: {{name: one}}
spec:
  systemRef: {{name: desk}}
  strategy: {{trendMomentum: {{}}}}
  authority: {{consensus: {{}}}}
  autoscaling: {{minReplicas: {least}, maxReplicas: 5, targetCpuPercent: 70}}
"
        )
    };
    apply(&case, &with(1)).await;
    until("the autoscaler", || async {
        (names(&case, Kind::HorizontalPodAutoscaler).await == ["desk-one"]).then_some(())
    })
    .await;
    agent(&case, "one", "Ready", "True").await;
    has(&case, 2).await;
    // Kubernetes' own autoscaler asks for its least; the operator follows.
    apply(&case, &with(4)).await;
    until("the autoscaler to scale", || async {
        let spec = case.api::<TradingAgent>().get("one").await.unwrap().spec;
        (spec.replicas == 4).then_some(())
    })
    .await;
    has(&case, 4).await;
    assert_statuses(&case).await;
}
