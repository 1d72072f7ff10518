//! What trader pods report becomes the desk's status, as far as it can be believed.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams};
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::TradingState;
use sapphire_crds::names::{annotations, labels};
use sapphire_crds::trading_system::DeskReport;
use sapphire_e2e::{Case, Traders, until};
use sapphire_operator::reconcile::kind::Kind;
use serde_json::{Value, json};

use crate::desk::{assert_statuses, kubectl, ready, uid, wait};
use crate::events::told;
use crate::plane::{OPERATOR, case, plane};

/// What the desk's status says of its report, once it is as `so` wants it.
pub(crate) async fn report(
    case: &Case<'_>,
    what: &str,
    so: impl Fn(&DeskReport) -> bool,
) -> DeskReport {
    let systems = case.api::<TradingSystem>();
    until(what, || async {
        systems.get("desk").await.unwrap().status?.report.filter(|report| so(report))
    })
    .await
}

/// The name and uid of the desk's one trader pod.
pub(crate) async fn trader(case: &Case<'_>) -> (String, String) {
    let traders = ListParams::default().labels("app.kubernetes.io/component=trader");
    let pod = until("the trader's pod", || async {
        case.api::<Pod>().list(&traders).await.unwrap().items.pop()
    })
    .await;
    (pod.metadata.name.unwrap(), pod.metadata.uid.unwrap())
}

/// Writes a report by hand, into the Lease of that name.
async fn tell(case: &Case<'_>, lease: &str, owner: (&str, &str), report: &Value) {
    let object = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": lease, "labels": {labels::SYSTEM: "desk"},
            "annotations": {annotations::REPORT: report.to_string()},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": owner.0, "uid": owner.1}],
        },
    });
    let params = PatchParams::apply("test").force();
    case.api::<Lease>().patch(lease, &params, &Patch::Apply(&object)).await.unwrap();
}

fn says(equity: usize, flat: bool) -> Value {
    let exposed: &[&str] = if flat { &[] } else { &["BTCUSD"] };
    json!({"revision": "desk-1", "role": "Leader", "epoch": 9, "reconciled": true,
        "tradingState": "Active", "equity": equity.to_string(), "flat": flat, "exposedSymbols": exposed})
}

/// How often the operator wrote the desk's status since `mark`.
async fn status_writes(case: &Case<'_>, mark: sapphire_e2e::audit::Mark) -> usize {
    let requests = plane().await.audit().since(&case.client(), mark).await.unwrap();
    let ours = requests.iter().filter(|request| {
        request.user == OPERATOR
            && request.namespace == case.namespace()
            && request.resource == "tradingsystems/status"
    });
    ours.count()
}

#[tokio::test]
async fn what_the_leader_reports_is_the_desks_status() {
    let case = case("reported").await;
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    ready(&case, "").await;
    let (reason, message) = wait(&case, "Flat", "True").await;
    let (pod, _) = trader(&case).await;
    assert_eq!(reason, "Flat");
    assert!(message.contains(&pod), "{message}");
    let (reason, message) = wait(&case, "Enforced", "True").await;
    assert_eq!(reason, "Enforced", "{message}");
    let said = report(&case, "a flat report", |report| report.flat == Some(true)).await;
    assert_eq!((said.leader.as_str(), said.trading_state), (pod.as_str(), TradingState::Active));

    let namespace = case.namespace();
    traders.conduct(namespace, "desk", |desk| {
        desk.exposed = vec!["BTCUSD".parse().unwrap()];
        desk.open_orders = 2;
        desk.equity = "99000.5".parse().ok();
        desk.drawdown = "0.01".parse().ok();
        desk.trading_state = TradingState::Reducing;
    });
    let (reason, message) = wait(&case, "Flat", "False").await;
    assert_eq!(reason, "Exposed");
    assert!(message.contains("BTCUSD") && message.contains(&pod), "{message}");
    let said = report(&case, "the exposure", |report| report.open_orders == 2).await;
    assert_eq!(said.flat, Some(false));
    assert_eq!(said.exposed_symbols[0].as_str(), "BTCUSD");
    told(&case, "reports Reducing, it was Active before").await;
    assert_eq!(said.equity, "99000.5".parse().ok());
    let shown = kubectl(&case, &["get", "tsys", "desk"]).await;
    assert!(shown.contains("Reducing") && shown.contains("99000.5"), "{shown}");
    assert_statuses(&case).await;

    // What cannot be read counts as exposed.
    traders.conduct(namespace, "desk", |desk| desk.nonsense = Some("{\"role\":\"King\"}".into()));
    let (reason, message) = wait(&case, "Flat", "Unknown").await;
    assert_eq!(reason, "NoReport");
    assert!(message.contains("cannot be read"), "{message}");
    let kept = report(&case, "a report without proof", |report| report.flat.is_none()).await;
    assert_eq!(kept.equity, said.equity, "what was known stays");
    assert_statuses(&case).await;
    traders.conduct(namespace, "desk", |desk| {
        desk.nonsense = None;
        desk.exposed.clear();
    });
    wait(&case, "Flat", "True").await;

    // Without its leader nothing is proven.
    kubectl(&case, &["scale", "deployment/desk-trader", "--replicas=0"]).await;
    let (reason, _) = wait(&case, "Flat", "Unknown").await;
    assert_eq!(reason, "NoReport");
    let kept = report(&case, "a report without proof", |report| report.flat.is_none()).await;
    assert_eq!(kept.leader.as_str(), pod);
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_pods_clock_changes_nothing() {
    let case = case("clocks").await;
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    ready(&case, "").await;
    wait(&case, "Flat", "True").await;
    for (ahead, equity) in [(3600, "1"), (-3600, "2")] {
        let equity = equity.parse().ok();
        traders.conduct(case.namespace(), "desk", |desk| {
            desk.clock_ahead = ahead;
            desk.equity = equity;
        });
        let said = report(&case, "the equity", |report| report.equity == equity).await;
        assert_eq!(said.flat, Some(true));
        let age = Timestamp::now().duration_since(said.observed_at.0).as_secs();
        assert!((0..60).contains(&age), "{age} s old by the operator's clock");
    }
    traders
        .conduct(case.namespace(), "desk", |desk| desk.exposed = vec!["BTCUSD".parse().unwrap()]);
    wait(&case, "Flat", "False").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_pod_that_reports_all_the_time_is_not_followed_all_the_time() {
    let case = case("storm").await;
    ready(&case, "").await;
    let (pod, uid) = trader(&case).await;
    let owner = (pod.as_str(), uid.as_str());
    tell(&case, &pod, owner, &says(0, true)).await;
    wait(&case, "Flat", "True").await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    // Equity, as fast as it can be written.
    let mark = plane().await.audit().mark(&case.client()).await.unwrap();
    let begun = std::time::Instant::now();
    let mut told = 0;
    while begun.elapsed() < Duration::from_secs(11) {
        told += 1;
        tell(&case, &pod, owner, &says(told, true)).await;
    }
    let last =
        report(&case, "the last equity", |report| report.equity == told.to_string().parse().ok())
            .await;
    assert_eq!(last.flat, Some(true));
    let written = status_writes(&case, mark).await;
    assert!(told > 60, "only {told} reports in {:?}", begun.elapsed());
    assert!((2..=6).contains(&written), "{written} writes for {told} reports");

    // Now open, now not.
    let mark = plane().await.audit().mark(&case.client()).await.unwrap();
    let begun = std::time::Instant::now();
    let mut told = 0;
    while begun.elapsed() < Duration::from_secs(6) {
        told += 1;
        tell(&case, &pod, owner, &says(told, told % 2 == 0)).await;
    }
    tell(&case, &pod, owner, &says(0, false)).await;
    wait(&case, "Flat", "False").await;
    let written = status_writes(&case, mark).await;
    assert!(told > 50, "only {told} reports");
    assert!(written <= 30, "{written} writes for {told} reports");
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_lease_speaks_for_the_trader_pod_that_owns_it_and_for_no_other() {
    let case = case("imposters").await;
    let _traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    ready(&case, "").await;
    wait(&case, "Flat", "True").await;
    let (pod, uid) = trader(&case).await;
    let stranger = json!({"metadata": {"name": "stranger"},
        "spec": {"containers": [{"name": "c", "image": "x:1"}]}});
    let stranger: Pod = serde_json::from_value(stranger).unwrap();
    let stranger = case.api::<Pod>().create(&Default::default(), &stranger).await.unwrap();
    let stranger = stranger.metadata.uid.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mark = plane().await.audit().mark(&case.client()).await.unwrap();
    // No trader; a pod that does not exist; another pod under the trader's name or uid.
    tell(&case, "stranger", ("stranger", &stranger), &says(1, false)).await;
    tell(&case, "nobody", ("nobody", "0000"), &says(1, false)).await;
    tell(&case, "thief", ("thief", &uid), &says(1, false)).await;
    tell(&case, "thief-too", (&pod, &uid), &says(1, false)).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(status_writes(&case, mark).await, 0);
    wait(&case, "Flat", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_pod_that_is_older_than_the_deployment_that_took_it_over_is_believed() {
    let case = case("adopted").await;
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    ready(&case, "").await;
    wait(&case, "Flat", "True").await;
    let (_, pod) = trader(&case).await;
    // The clock of an API server counts whole seconds.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = uid(&case, Kind::Deployment, "desk-trader").await;
    kubectl(&case, &["delete", "deployment", "desk-trader", "--cascade=orphan"]).await;
    let deployments = case.api::<Deployment>();
    until("another Deployment, which has the pod", || async {
        let found = deployments.get_opt("desk-trader").await.unwrap()?;
        let has_pod = found.status?.available_replicas == Some(1);
        (found.metadata.uid != Some(before.clone()) && has_pod).then_some(())
    })
    .await;
    traders.conduct(case.namespace(), "desk", |desk| desk.equity = "99000".parse().ok());
    report(&case, "what the pod says since then", |report| {
        report.equity == "99000".parse().ok() && report.flat == Some(true)
    })
    .await;
    wait(&case, "Ready", "True").await;
    assert_eq!(trader(&case).await.1, pod);
    assert_statuses(&case).await;
}
