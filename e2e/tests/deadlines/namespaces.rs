//! Namespaces that hold a desk: let go in the end, or protected from the start.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::ListParams;
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::ConditionType;
use sapphire_crds::names::labels;
use sapphire_e2e::{Case, until};

use crate::desk::{kubectl, ready, wait};
use crate::plane::operated;

/// What is told of the case's namespace in `default`.
async fn told_beside(case: &Case<'_>) -> String {
    let of = format!("regarding.name={}", case.namespace());
    let notes = "jsonpath={.items[*].note}";
    let told =
        ["get", "events.events.k8s.io", "-n", "default", "--field-selector", &of, "-o", notes];
    case.cluster().kubectl(&told).await.unwrap().ok().unwrap()
}

/// Whatever lets it go, what it leaves behind is told where events can still be written.
#[tokio::test]
async fn what_an_orphaned_desk_leaves_behind_is_told_beside_its_namespace() {
    let operated = operated("orphans", &[]).await;
    let case = &operated.case;
    let traders = operated.traders().await;
    traders
        .conduct(case.namespace(), "desk", |desk| desk.exposed = vec!["BTCUSD".parse().unwrap()]);
    ready(case, "  deletionPolicy: Orphan").await;
    wait(case, "Flat", "False").await;
    kubectl(case, &["delete", "namespace", case.namespace(), "--wait=false"]).await;
    let told = until("it to be told", || async {
        Some(told_beside(case).await).filter(|told| told.contains("goes by deletionPolicy: Orphan"))
    })
    .await;
    assert!(told.contains("TradingSystem desk") && told.contains("BTCUSD"), "{told}");
}

#[tokio::test]
async fn a_namespace_waits_for_a_desk_until_its_deadline_and_not_longer() {
    let operated = operated("hangs", &["--namespace-deletion-deadline", "5s"]).await;
    let case = &operated.case;
    let traders = operated.traders().await;
    traders
        .conduct(case.namespace(), "desk", |desk| desk.exposed = vec!["BTCUSD".parse().unwrap()]);
    ready(case, "").await;
    wait(case, "Flat", "False").await;
    let ours = "app.kubernetes.io/component=trader";
    let leaves = "play.sapphiretrade.xyz/leaves-after=60s";
    kubectl(case, &["annotate", "pod", "-l", ours, leaves]).await;
    // Kubernetes deletes a namespace's pods before all else, so that only a desk whose deletion waits
    // already has a trader by then.
    kubectl(case, &["delete", "tsys", "desk", "--wait=false"]).await;
    let begun = std::time::Instant::now();
    kubectl(case, &["delete", "namespace", case.namespace(), "--wait=false"]).await;
    let systems = case.api::<TradingSystem>();
    let words = until("the desk to say why it stays", || async {
        let status = systems.get_opt("desk").await.unwrap()?.status?;
        let ready = status.conditions.get(ConditionType::Ready)?.clone();
        (ready.reason == "NamespaceTerminating").then_some(ready.message)
    })
    .await;
    assert!(words.contains("after 5 s at the latest"), "{words}");
    until("the desk to go", || async {
        systems.get_opt("desk").await.unwrap().is_none().then_some(())
    })
    .await;
    assert!(begun.elapsed().as_secs() >= 5, "{:?}", begun.elapsed());
    let pods = case.api::<Pod>().list(&ListParams::default().labels(ours)).await.unwrap();
    assert_eq!(pods.items.len(), 1, "its trader was still there");
    let told = told_beside(case).await;
    assert!(told.contains("TradingSystem desk") && told.contains("5 s have passed"), "{told}");
    let released = "sapphire_operator_systems_released_total{why=\"namespace\"} 1";
    assert!(operated.metrics().await.contains(released));
}

#[tokio::test]
async fn where_it_is_switched_on_an_exposed_namespace_is_not_deleted() {
    let operated = operated("protected", &["--namespace-protection"]).await;
    let case = &operated.case;
    let traders = operated.traders().await;
    traders
        .conduct(case.namespace(), "desk", |desk| desk.exposed = vec!["BTCUSD".parse().unwrap()]);
    ready(case, "").await;
    let namespaces: Api<Namespace> = Api::all(case.client());
    let labelled = |wanted: bool| {
        let namespaces = namespaces.clone();
        async move {
            let all = namespaces.get(case.namespace()).await.unwrap().metadata.labels;
            let is = all.is_some_and(|all| all.contains_key(labels::EXPOSED));
            (is == wanted).then_some(())
        }
    };
    until("the label", || labelled(true)).await;
    // Not yet in force it would delete the namespace: tried without doing it.
    let dry = ["delete", "namespace", case.namespace(), "--dry-run=server"];
    let said = until("a refusal", || async {
        case.cluster().kubectl(&dry).await.unwrap().ok().err().map(|error| error.to_string())
    })
    .await;
    assert!(said.contains("not proven flat") && said.contains("get tsys"), "{said}");
    let for_real = ["delete", "namespace", case.namespace(), "--wait=false"];
    assert!(case.cluster().kubectl(&for_real).await.unwrap().ok().is_err());

    traders.conduct(case.namespace(), "desk", |desk| desk.exposed.clear());
    wait(case, "Flat", "True").await;
    until("the label to go", || labelled(false)).await;
    kubectl(case, &["delete", "namespace", case.namespace(), "--wait=false"]).await;
    until("the namespace to go", || async {
        namespaces.get_opt(case.namespace()).await.unwrap().is_none().then_some(())
    })
    .await;
}
