//! The proxy that answers as it is told.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client};
use sapphire_e2e::cluster::client_of;
use sapphire_e2e::{Case, ControlPlane, Fault, FaultProxy, Matching};
use serde_json::json;
use tokio::time::{Instant, timeout};

/// A client that may do everything with ConfigMaps, and the proxy that it goes through.
async fn through(case: &Case<'_>) -> (FaultProxy, Api<ConfigMap>, Client) {
    let namespace = ["-n", case.namespace()];
    let account = format!("--serviceaccount={}:writer", case.namespace());
    for command in [
        &["create", "serviceaccount", "writer"][..],
        &["create", "role", "writer", "--verb=*", "--resource=configmaps"],
        &["create", "rolebinding", "writer", "--role=writer", &account],
    ] {
        case.cluster().kubectl(&[command, &namespace].concat()).await.unwrap().ok().unwrap();
    }
    let own = case.cluster().service_account_kubeconfig(case.namespace(), "writer").await.unwrap();
    let proxy = FaultProxy::start(&own).await.unwrap();
    let client = client_of(proxy.kubeconfig()).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), case.namespace());
    // The authorizer learns of a new role by a watch.
    timeout(Duration::from_secs(10), async {
        while maps.get("none").await.unwrap_err().to_string().contains("forbidden") {}
    })
    .await
    .unwrap();
    (proxy, maps, client)
}

async fn case(name: &str) -> Case<'static> {
    Case::new(ControlPlane::shared().await.unwrap().cluster(), name).await.unwrap()
}

fn map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap()
}

fn code<T: std::fmt::Debug>(answer: Result<T, kube::Error>) -> u16 {
    match answer.unwrap_err() {
        kube::Error::Api(status) => status.code,
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_next_requests_that_match_are_refused_and_others_pass() {
    let case = case("refused").await;
    let (proxy, maps, _) = through(&case).await;
    let creates = Matching::any().verb("create").resource("configmaps");
    let fault = proxy.next(2, creates, Fault::Refused { code: 409, retry_after: None });
    assert_eq!(code(maps.create(&Default::default(), &map("one")).await), 409);
    assert_eq!(maps.list(&Default::default()).await.unwrap().items.len(), 1, "kube-root-ca.crt");
    assert_eq!(code(maps.create(&Default::default(), &map("one")).await), 409);
    maps.create(&Default::default(), &map("one")).await.unwrap();
    assert_eq!(fault.met(), 2);
    let asked = proxy.asked();
    assert_eq!(asked.iter().filter(|asked| asked.verb == "create").count(), 3, "{asked:?}");
}

#[tokio::test]
async fn an_answer_can_be_lost_though_the_request_took_effect() {
    let case = case("unanswered").await;
    let (proxy, maps, _) = through(&case).await;
    proxy.next(1, Matching::any().verb("create"), Fault::Unanswered);
    assert!(!matches!(
        maps.create(&Default::default(), &map("one")).await.unwrap_err(),
        kube::Error::Api(_)
    ));
    maps.get("one").await.unwrap();
    proxy.next(1, Matching::any().verb("create"), Fault::Dropped);
    maps.create(&Default::default(), &map("two")).await.unwrap_err();
    assert_eq!(code(maps.get("two").await), 404);
}

#[tokio::test]
async fn a_request_can_be_late() {
    let case = case("late").await;
    let (proxy, maps, _) = through(&case).await;
    proxy.next(1, Matching::any().verb("list"), Fault::Delayed(Duration::from_millis(300)));
    let begun = Instant::now();
    maps.list(&Default::default()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_watch_goes_through_expires_and_is_cut() {
    use futures::StreamExt;
    let case = case("watch").await;
    let (proxy, maps, _) = through(&case).await;
    let mut events = std::pin::pin!(watcher::watcher(maps.clone(), watcher::Config::default()));
    let mut next = async || timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap();
    while !matches!(next().await.unwrap(), Event::InitDone) {}
    case.api::<ConfigMap>().create(&Default::default(), &map("seen")).await.unwrap();
    assert!(
        matches!(next().await.unwrap(), Event::Apply(map) if map.metadata.name.as_deref() == Some("seen"))
    );

    // From here on watches begin too late, until the fault ends: each is answered by a new list.
    let expired = proxy.next(1, Matching::any().verb("watch"), Fault::Expired);
    proxy.cut();
    let lists =
        |proxy: &FaultProxy| proxy.asked().iter().filter(|asked| asked.verb == "list").count();
    let before = lists(&proxy);
    while !matches!(next().await, Ok(Event::InitDone)) {}
    assert_eq!(expired.met(), 1);
    assert_eq!(lists(&proxy), before + 1);

    proxy.go_away();
    assert!(maps.list(&Default::default()).await.is_err());
    proxy.come_back();
    maps.list(&Default::default()).await.unwrap();
}
