//! A desk over PostgreSQL and Redis: a pod a role.

use sapphire_crds::names::Component;
use sapphire_e2e::{Play, Traders, until};
use sapphire_operator::reconcile::kind::Kind;

use crate::desk::{
    BACKENDS, POLICY, apply, assert_statuses, kubectl, names, ready, system, volumes, wait,
};
use crate::plane::case;

#[tokio::test]
async fn every_role_comes_up_with_what_it_needs() {
    let case = case("roles").await;
    let _traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    // Its agents have children of their own.
    let desk = crate::handover::desk(
        "  api: {autoscaling: {minReplicas: 3, maxReplicas: 5, targetCpuPercent: 70}}",
    );
    apply(&case, &format!("{}---{POLICY}---{desk}", crate::desk::RECORDINGS)).await;
    volumes(&case).await;
    wait(&case, "CoreAvailable", "True").await;
    wait(&case, "SchemaCurrent", "True").await;
    let revision = names(&case, Kind::ControllerRevision).await.remove(0);
    let hash = revision.strip_prefix("desk-").unwrap();
    let trader = format!("desk-trader-{hash}");
    for (kind, expected) in [
        (
            Kind::ServiceAccount,
            vec!["desk-agent", "desk-api", "desk-coordinator", "desk-migration", "desk-trader"],
        ),
        (Kind::Role, vec!["desk-coordinator", "desk-trader"]),
        (Kind::Service, vec!["desk-api", "desk-coordinator", "desk-trader"]),
        (Kind::PodDisruptionBudget, vec!["desk-api", "desk-trader"]),
        (Kind::Deployment, vec!["desk-api", "desk-coordinator", &trader]),
        (Kind::HorizontalPodAutoscaler, vec!["desk-api"]),
        (Kind::PersistentVolumeClaim, vec![]),
    ] {
        assert_eq!(names(&case, kind).await, expected, "{kind:?}");
    }
    let readers = ["get", "deployment", "desk-api", "-o", "jsonpath={.spec.replicas}"];
    assert_eq!(kubectl(&case, &readers).await, "3");
    assert_statuses(&case).await;

    // Whoever scales the readers while an autoscaler has them is the autoscaler.
    kubectl(&case, &["scale", "deployment/desk-api", "--replicas=4"]).await;
    kubectl(&case, &["annotate", "tradingsystem", "desk", "sapphiretrade.xyz/reconcile-now=1"])
        .await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(kubectl(&case, &readers).await, "4");
}

#[tokio::test]
async fn autoscaling_that_comes_resets_no_replicas() {
    let case = case("autoscaling").await;
    let with = |api: &str| system(&format!("{BACKENDS}  api: {api}"));
    apply(&case, &format!("{POLICY}---{}", with("{replicas: 5}"))).await;
    let readers =
        ["get", "deployment", "desk-api", "--ignore-not-found", "-o", "jsonpath={.spec.replicas}"];
    until("five readers", || async { (kubectl(&case, &readers).await == "5").then_some(()) }).await;
    let revisions = names(&case, Kind::ControllerRevision).await;
    apply(&case, &with("{autoscaling: {minReplicas: 2, maxReplicas: 9, targetCpuPercent: 70}}"))
        .await;
    until("the autoscaler", || async {
        (names(&case, Kind::HorizontalPodAutoscaler).await == ["desk-api"]).then_some(())
    })
    .await;
    assert_eq!(kubectl(&case, &readers).await, "5");
    assert_eq!(names(&case, Kind::ControllerRevision).await, revisions, "replicas are no input");
}

#[tokio::test]
async fn a_namespace_that_enforces_the_strictest_standard_takes_every_pod() {
    let case = case("restricted").await;
    let enforce = "pod-security.kubernetes.io/enforce=restricted";
    case.cluster()
        .kubectl(&["label", "namespace", case.namespace(), enforce])
        .await
        .unwrap()
        .ok()
        .unwrap();
    let _traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    let sidecar = "  podOverrides: {nativeSidecars: [{name: proxy, image: \"proxy:1\"}]}";
    ready(&case, &format!("{BACKENDS}{sidecar}")).await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_key_that_a_secret_lacks_is_told_in_the_kubelets_words() {
    let case = case("no-key").await;
    case.play(Component::Trader, &Play::SecretKeyMissing).await.unwrap();
    apply(
        &case,
        &format!("{}---{POLICY}---{}", crate::desk::RECORDINGS, crate::handover::desk("")),
    )
    .await;
    volumes(&case).await;
    let named = format!("couldn't find key url in Secret {}/", case.namespace());
    until("the key to be named", || async {
        let (_, message) = wait(&case, "CoreAvailable", "False").await;
        message.contains(&named).then_some(())
    })
    .await;
    assert_statuses(&case).await;
}
