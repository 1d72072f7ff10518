//! A namespace that is deleted goes, whatever is in it.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use sapphire_e2e::{Traders, until};

use crate::desk::{kubectl, ready, wait};
use crate::plane::case;

#[tokio::test]
async fn a_namespace_with_an_exposed_desk_goes_when_nobody_is_left_to_close() {
    let case = case("namespace-goes").await;
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    let exposed = vec!["BTCUSD".parse().unwrap()];
    traders.conduct(case.namespace(), "desk", |desk| desk.exposed = exposed);
    ready(&case, "").await;
    wait(&case, "Flat", "False").await;
    kubectl(&case, &["delete", "namespace", case.namespace(), "--wait=false"]).await;
    let namespaces: Api<Namespace> = Api::all(case.client());
    until("the namespace to go", || async {
        namespaces.get_opt(case.namespace()).await.unwrap().is_none().then_some(())
    })
    .await;
    let of = format!("regarding.name={}", case.namespace());
    let told = [
        "get",
        "events.events.k8s.io",
        "-n",
        "default",
        "--field-selector",
        &of,
        "-o",
        "jsonpath={.items[*].note}",
    ];
    let told = case.cluster().kubectl(&told).await.unwrap().ok().unwrap();
    assert!(told.contains("TradingSystem desk") && told.contains("no trader is left"), "{told}");
}
