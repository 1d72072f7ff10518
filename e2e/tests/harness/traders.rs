//! Those who play the traders.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use sapphire_crds::names::{Component, annotations, labels};
use sapphire_crds::report::{Report, Role};
use sapphire_e2e::plays::OPEN;
use sapphire_e2e::{Case, ControlPlane, Play, Traders, definitions};
use serde_json::json;
use tokio::time::{Instant, sleep};

async fn until(leases: &Api<Lease>, name: &str, so: impl Fn(&Result<Report, String>) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let lease = leases.get_opt(name).await.unwrap();
        let text = lease.and_then(|lease| lease.metadata.annotations?.remove(annotations::REPORT));
        let report = text.ok_or("none".to_owned());
        let report = report.and_then(|text| Report::read(&text).map_err(|error| error.to_string()));
        if so(&report) {
            return;
        }
        assert!(Instant::now() < deadline, "{name}: {report:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A trader's pod.
fn trader(name: &str) -> Pod {
    let pod = json!({
        "metadata": {
            "name": name,
            "labels": {
                labels::COMPONENT: Component::Trader.as_str(),
                labels::SYSTEM: "desk",
                labels::REVISION: "abc",
            },
        },
        "spec": { "containers": [{ "name": "trader", "image": "sapphire:1" }] },
    });
    serde_json::from_value(pod).unwrap()
}

#[tokio::test]
async fn trader_pods_report_in_leases_of_their_own_that_go_with_them() {
    let plane = ControlPlane::shared().await.unwrap();
    definitions::install(plane.cluster()).await.unwrap();
    let case = Case::new(plane.cluster(), "traders").await.unwrap();
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    case.play(Component::Trader, &Play::Runs).await.unwrap();
    for name in ["desk-0", "desk-1"] {
        case.api().create(&Default::default(), &trader(name)).await.unwrap();
    }
    let leases = case.api::<Lease>();
    let role_is = |role| {
        move |report: &Result<Report, String>| {
            report.as_ref().is_ok_and(|report| report.role == role && report.flat)
        }
    };
    until(&leases, "desk-0", role_is(Role::Leader)).await;
    until(&leases, "desk-1", role_is(Role::Standby)).await;

    let exposed: Vec<_> = vec!["BTCUSDT".parse().unwrap()];
    traders.conduct(case.namespace(), "desk", |desk| desk.exposed.clone_from(&exposed));
    let is_exposed = |report: &Result<Report, String>| {
        report.as_ref().is_ok_and(|report| !report.flat && report.exposed_symbols == exposed)
    };
    until(&leases, "desk-0", is_exposed).await;
    traders.conduct(case.namespace(), "desk", |desk| desk.nonsense = Some("{".into()));
    until(&leases, "desk-0", |report| report.as_ref().is_err_and(|e| e.contains("cannot be read")))
        .await;

    traders.conduct(case.namespace(), "desk", |desk| desk.nonsense = None);
    case.api::<Pod>().delete("desk-0", &Default::default()).await.unwrap();
    until(&leases, "desk-1", |report| report.as_ref().is_ok_and(|r| r.role == Role::Leader)).await;
    until(&leases, "desk-0", |report| *report == Err("none".into())).await;
}

#[tokio::test]
async fn who_plays_with_a_desk_gives_it_positions_by_an_annotation() {
    let plane = ControlPlane::shared().await.unwrap();
    definitions::install(plane.cluster()).await.unwrap();
    let case = Case::new(plane.cluster(), "open").await.unwrap();
    let desk = "
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingSystem
metadata: {name: desk}
spec:
  venue: {aster: {network: Testnet, credentials: {secretName: keys}}}
  symbols: {all: {}}
  barInterval: 1h
  riskPolicyRef: {name: careful}
";
    case.apply(desk).await.unwrap().ok().unwrap();
    case.play(Component::Trader, &Play::Runs).await.unwrap();
    case.api().create(&Default::default(), &trader("desk-0")).await.unwrap();
    let _traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    let leases = case.api::<Lease>();
    for (annotation, expected) in [(format!("{OPEN}=BTCUSDT, ETHUSDT"), 2), (format!("{OPEN}-"), 0)]
    {
        let annotate = ["-n", case.namespace(), "annotate", "tsys", "desk", &annotation];
        plane.cluster().kubectl(&annotate).await.unwrap().ok().unwrap();
        until(&leases, "desk-0", |report| {
            report.as_ref().is_ok_and(|report| report.exposed_symbols.len() == expected)
        })
        .await;
    }
}

#[tokio::test]
async fn a_pods_token_says_which_pod_asks() {
    let plane = ControlPlane::shared().await.unwrap();
    let case = Case::new(plane.cluster(), "tokens").await.unwrap();
    case.play(Component::Trader, &Play::Runs).await.unwrap();
    let pod = json!({
        "metadata": { "name": "desk-0" },
        "spec": { "containers": [{ "name": "trader", "image": "sapphire:1" }] },
    });
    let pod: Pod = serde_json::from_value(pod).unwrap();
    case.api().create(&Default::default(), &pod).await.unwrap();
    let file = plane.cluster().pod_kubeconfig(case.namespace(), "desk-0").await.unwrap();
    let file = file.to_str().unwrap();
    let who = ["auth", "whoami", "--kubeconfig", file, "-o", "jsonpath={.status.userInfo.extra}"];
    let said = plane.cluster().kubectl(&who).await.unwrap().ok().unwrap();
    assert!(said.contains(r#""authentication.kubernetes.io/pod-name":["desk-0"]"#), "{said}");
}
