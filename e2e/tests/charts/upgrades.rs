//! Another release of the operator, with other defaults and another builder, restarts no trading pod,
//! upward or downward, until somebody adopts it.

use sapphire_e2e::{Case, executables};

use crate::desks::{
    clustered_desk, condition, example, kubectl, paper_desk, reconciles, trading_pods,
};
use crate::installation::Installation;

/// The operator that renders desks otherwise.
const OTHER: &str = "sapphire-operator-other-builder";

async fn events(case: &Case<'_>, reason: &str) -> Vec<String> {
    let select = format!("reason={reason}");
    let messages = r#"jsonpath={range .items[*]}{.message}{"\n"}{end}"#;
    let said = kubectl(case, &["get", "events", "--field-selector", &select, "-o", messages]).await;
    said.lines().map(str::to_owned).collect()
}

async fn adopt(case: &Case<'_>, value: &str) {
    let note = format!("sapphiretrade.xyz/adopt-defaults={value}");
    kubectl(case, &["annotate", "--overwrite", "tsys/paper-desk", &note]).await;
    condition(case, "tsys/paper-desk", "DefaultsOutdated", "False").await;
    condition(case, "tsys/paper-desk", "Ready", "True").await;
}

#[tokio::test]
async fn another_release_restarts_nothing_until_its_defaults_are_adopted() {
    executables::find(OTHER, "scripts/operator-builds.sh").unwrap();
    let installation = Installation::of(&["--set", "traderImage.tag=1.0.0"]).await;
    let case = installation.case("upgrades").await;
    paper_desk(&case).await;
    let pods = trading_pods(&case).await;
    condition(&case, "tsys/paper-desk", "DefaultsOutdated", "False").await;

    // Another builder, then other defaults too.
    let other = ["--set", "image.tag=other-builder,traderImage.tag=1.0.0"];
    installation.operator(&other).await.ok().unwrap();
    let (_, message) = condition(&case, "tsys/paper-desk", "DefaultsOutdated", "True").await;
    assert!(message.contains("scratch") && message.contains("128Mi"), "{message}");
    assert!(message.contains("adopt-defaults"), "{message}");
    let other = ["--set", "image.tag=other-builder,traderImage.tag=2.0.0"];
    installation.operator(&other).await.ok().unwrap();
    reconciles(&case, "paper-desk", "upgraded").await;
    let (_, message) = condition(&case, "tsys/paper-desk", "DefaultsOutdated", "True").await;
    assert!(message.contains("1.0.0") && message.contains("2.0.0"), "{message}");
    assert_eq!(trading_pods(&case).await, pods);
    assert_eq!(events(&case, "RollingOut").await, [""; 0]);

    // Adopted: one rollout, of both.
    adopt(&case, "one").await;
    let adopted = trading_pods(&case).await;
    assert_eq!(adopted.len(), 1);
    assert_ne!(adopted, pods);
    let container = "jsonpath={.spec.template.spec.containers[0].image} \
        {.spec.template.spec.volumes[?(@.name=='scratch')].emptyDir.sizeLimit} {.metadata.generation}";
    let deployment = ["get", "deployment", "paper-desk-trader", "-o", container];
    assert_eq!(kubectl(&case, &deployment).await, "sapphire-trader:2.0.0 128Mi 2");
    assert_eq!(events(&case, "RollingOut").await.len(), 1);
    // The same value is no new wish, even of another operator.
    reconciles(&case, "paper-desk", "adopted").await;
    assert_eq!(trading_pods(&case).await, adopted);

    // An older operator meets what a newer one rendered.
    installation.operator(&["--set", "traderImage.tag=1.0.0"]).await.ok().unwrap();
    reconciles(&case, "paper-desk", "downgraded").await;
    let (_, message) = condition(&case, "tsys/paper-desk", "DefaultsOutdated", "True").await;
    assert!(message.contains("2.0.0") && message.contains("1.0.0"), "{message}");
    assert_eq!(trading_pods(&case).await, adopted);

    // It can change the desk, and then renders as it does.
    let change = r#"{"spec": {"trader": {"resources": {"limits": {"memory": "1Gi"}}}}}"#;
    kubectl(&case, &["patch", "tsys/paper-desk", "--type=merge", "-p", change]).await;
    condition(&case, "tsys/paper-desk", "Ready", "True").await;
    let changed = trading_pods(&case).await;
    assert_ne!(changed, adopted);
    let said = kubectl(&case, &deployment).await;
    assert!(
        said.starts_with("sapphire-trader:2.0.0 64Mi"),
        "the image stays as it was pinned: {said}"
    );
    assert_eq!(events(&case, "RollingOut").await.len(), 2);
}

/// Panics where a pod of `before` is gone. Others may have come: agents come up after the core.
async fn assert_all_live(case: &Case<'_>, before: &[String]) {
    let now = trading_pods(case).await;
    let gone: Vec<&String> = before.iter().filter(|pod| !now.contains(pod)).collect();
    assert!(gone.is_empty(), "restarted: {gone:#?}\nnow: {now:#?}");
}

#[tokio::test]
async fn another_release_restarts_no_pod_of_a_desk_that_has_many() {
    executables::find(OTHER, "scripts/operator-builds.sh").unwrap();
    let installation = Installation::of(&["--set", "traderImage.tag=1.0.0"]).await;
    let case = installation.case("upgrades-many").await;
    case.apply(&example("policies/cautious.yaml")).await.unwrap().ok().unwrap();
    clustered_desk(&case).await;
    let pods = trading_pods(&case).await;
    for component in ["trader", "coordinator", "api"] {
        let name = format!("live-desk-{component}-");
        assert!(pods.iter().any(|pod| pod.starts_with(&name)), "{component}: {pods:?}");
    }

    let other = ["--set", "image.tag=other-builder,traderImage.tag=2.0.0"];
    installation.operator(&other).await.ok().unwrap();
    reconciles(&case, "live-desk", "upgraded").await;
    let (_, message) = condition(&case, "tsys/live-desk", "DefaultsOutdated", "True").await;
    assert!(message.contains("2.0.0"), "{message}");
    assert_all_live(&case, &pods).await;

    installation.operator(&["--set", "traderImage.tag=1.0.0"]).await.ok().unwrap();
    reconciles(&case, "live-desk", "downgraded").await;
    condition(&case, "tsys/live-desk", "DefaultsOutdated", "False").await;
    assert_all_live(&case, &pods).await;
    assert_eq!(events(&case, "RollingOut").await, [""; 0]);
}
