use super::*;
use crate::reconcile::child::Controller;
use crate::reconcile::children;
use rstest::rstest;
use serde_json::{Value, json};

const FRESH: Duration = Duration::from_secs(90);

fn report(role: &str, epoch: i64, flat: bool) -> Value {
    json!({"revision": "desk-1", "role": role, "epoch": epoch, "reconciled": true,
        "tradingState": "Active", "flat": flat})
}

fn lease(pod: &str, uid: &str, version: u64, report: &str) -> DynamicObject {
    serde_json::from_value(json!({"metadata": {
        "name": pod, "namespace": "n", "resourceVersion": version.to_string(),
        "labels": {labels::SYSTEM: "desk"},
        "annotations": {annotations::REPORT: report},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}]}}))
    .unwrap()
}

fn pods(names: &[(&str, &str)]) -> Children {
    let children = Children::default();
    let mut intake = children::Intake::new(Kind::Pod, None);
    for (name, uid) in names {
        let mut labels = labels::of_component("desk", Component::Trader);
        labels.insert(labels::REVISION.into(), "1".into());
        let pod = json!({"metadata": {"name": name, "namespace": "n", "uid": uid,
            "labels": labels, "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet",
                "name": "desk-trader-1-5d4", "uid": "r", "controller": true}]}});
        intake.take(&children, Event::Apply(serde_json::from_value(pod).unwrap()));
    }
    children
}

/// Nothing is known of ReplicaSets.
fn none() -> Makers {
    Makers::default()
}

fn desk() -> Key {
    Key::new("n", "desk")
}

fn take(reports: &Reports, event: Event<DynamicObject>) -> Vec<Change> {
    Intake::new(None).take(reports, event)
}

#[tokio::test(start_paused = true)]
async fn a_report_is_fresh_for_as_long_as_it_was_seen_to_change() {
    let (reports, children) = (Reports::new(FRESH), pods(&[("a", "1")]));
    take(&reports, Event::Apply(lease("a", "1", 1, &report("Leader", 1, true).to_string())));
    let age = || reports.of_desk(&children, &none(), &desk(), None)[0].age;
    assert_eq!(age(), Age::Fresh);
    tokio::time::advance(FRESH).await;
    assert_eq!(age(), Age::Stale);
    // The same state, listed again, is no sign of life.
    take(&reports, Event::Apply(lease("a", "1", 1, &report("Leader", 1, true).to_string())));
    assert_eq!(age(), Age::Stale);
    take(&reports, Event::Apply(lease("a", "1", 2, &report("Leader", 1, true).to_string())));
    assert_eq!(age(), Age::Fresh);
}

#[tokio::test(start_paused = true)]
async fn what_was_found_proves_nothing() {
    let (reports, children) = (Reports::new(FRESH), pods(&[("a", "1")]));
    let mut intake = Intake::new(None);
    intake.take(&reports, Event::Init);
    intake.take(
        &reports,
        Event::InitApply(lease("a", "1", 1, &report("Leader", 1, true).to_string())),
    );
    intake.take(&reports, Event::InitDone);
    assert_eq!(reports.of_desk(&children, &none(), &desk(), None)[0].age, Age::Unproven);
    intake.take(&reports, Event::Init);
    assert_eq!(intake.take(&reports, Event::InitDone).len(), 1);
    assert!(reports.of_desk(&children, &none(), &desk(), None).is_empty());
}

#[rstest]
#[case::another_pod("b", "2")]
#[case::a_former_pod_of_the_name("a", "0")]
fn a_lease_counts_for_the_pod_that_owns_it(#[case] name: &str, #[case] uid: &str) {
    let (reports, children) = (Reports::new(FRESH), pods(&[("a", "1")]));
    take(&reports, Event::Apply(lease(name, uid, 1, &report("Leader", 1, true).to_string())));
    assert!(reports.of_desk(&children, &none(), &desk(), None).is_empty());
}

#[rstest]
#[case::made_after_the_pod("2026-01-01T00:00:01Z", 0)]
#[case::made_before_it("2025-12-31T23:59:59Z", 1)]
#[case::made_in_its_second("2026-01-01T00:00:00Z", 1)]
fn a_desk_has_no_pods_of_a_former_one(#[case] made: &str, #[case] known: usize) {
    let (reports, children) = (Reports::new(FRESH), pods(&[("a", "1")]));
    take(&reports, Event::Apply(lease("a", "1", 1, &report("Leader", 1, true).to_string())));
    let made = Made { uid: "u".into(), at: made.parse().unwrap() };
    assert_eq!(reports.of_desk(&children, &none(), &desk(), Some(&made)).len(), known);
    assert_eq!(trader_pods(&children, &none(), &desk(), Some(&made)).own.len(), known);
}

/// A pod, and a Deployment of its ReplicaSet's name.
fn deployed(owner: &str, made: &str) -> Children {
    let children = pods(&[("a", "1")]);
    let owners = json!([{"apiVersion": "sapphiretrade.xyz/v1alpha1", "kind": "TradingSystem",
        "name": "desk", "uid": owner, "controller": true}]);
    let deployment = json!({"metadata": {"name": "desk-trader-1", "namespace": "n", "uid": "d",
        "labels": labels::of_component("desk", Component::Trader),
        "creationTimestamp": made,
        "ownerReferences": if owner.is_empty() { json!([]) } else { owners }}});
    let deployment = Event::Apply(serde_json::from_value(deployment).unwrap());
    children::Intake::new(Kind::Deployment, None).take(&children, deployment);
    children
}

#[rstest]
#[case::unknown(None, 0, 1)]
#[case::of_it(Some("d"), 1, 0)]
#[case::of_one_that_was_there_before(Some("former"), 0, 1)]
fn a_pod_that_seems_too_old_is_the_desks_where_its_replica_set_is(
    #[case] deployment: Option<&str>,
    #[case] own: usize,
    #[case] doubtful: usize,
) {
    let children = deployed("u", "2026-01-01T00:00:02Z");
    let made = Made { uid: "u".into(), at: "2026-01-01T00:00:01Z".parse().unwrap() };
    let makers = Makers::default();
    if let Some(deployment) = deployment {
        let (kind, name, uid) = ("ReplicaSet".into(), "desk-trader-1-5d4".into(), "r".into());
        makers.learn(&desk(), Controller { kind, name, uid }, deployment.to_owned());
    }
    let found = trader_pods(&children, &makers, &desk(), Some(&made));
    assert_eq!((found.own.len(), found.doubtful.len()), (own, doubtful));
}

#[rstest]
#[case::taken_over("u", "2025-12-31T23:59:00Z", 1)]
#[case::made_anew_under_the_name("u", "2026-01-01T00:00:02Z", 0)]
#[case::nobodys("", "2025-12-31T23:59:00Z", 0)]
fn a_desk_has_the_pods_of_a_deployment_that_it_took_over(
    #[case] owner: &str,
    #[case] deployment_made: &str,
    #[case] known: usize,
) {
    let children = deployed(owner, deployment_made);
    let made = Made { uid: "u".into(), at: "2026-01-01T00:00:01Z".parse().unwrap() };
    assert_eq!(trader_pods(&children, &none(), &desk(), Some(&made)).own.len(), known);
}

#[test]
fn the_greatest_epoch_leads() {
    let (reports, children) = (Reports::new(FRESH), pods(&[("a", "1"), ("b", "2"), ("c", "3")]));
    for (pod, uid, role, epoch) in
        [("a", "1", "Leader", 7), ("b", "2", "Leader", 8), ("c", "3", "Standby", 9)]
    {
        let text = report(role, epoch, false).to_string();
        take(&reports, Event::Apply(lease(pod, uid, 1, &text)));
    }
    let all = reports.of_desk(&children, &none(), &desk(), None);
    assert_eq!(leader(&all).map(|leader| leader.pod.as_str()), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_of_before_leads_no_more_because_its_successor_is_silent() {
    let (reports, children) = (Reports::new(FRESH), pods(&[("a", "1"), ("b", "2")]));
    let leads = |epoch| report("Leader", epoch, true).to_string();
    take(&reports, Event::Apply(lease("b", "2", 1, &leads(8))));
    tokio::time::advance(FRESH).await;
    take(&reports, Event::Apply(lease("a", "1", 2, &leads(7))));
    let all = reports.of_desk(&children, &none(), &desk(), None);
    assert!(leader(&all).is_none());
    assert_eq!(last_leader(&all).map(|leader| leader.pod.as_str()), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_is_as_old_as_it_was_first_seen() {
    let (reports, children) = (Reports::new(FRESH), pods(&[("a", "1")]));
    let says = |generation: i64, equity: &str| {
        let mut report = report("Leader", 1, true);
        report["equity"] = equity.into();
        report["policy"] = json!({"name": "careful", "generation": generation,
            "hash": "0".repeat(64), "acknowledgedAt": "2026-01-01T00:00:00Z"});
        report.to_string()
    };
    let first = || reports.of_desk(&children, &none(), &desk(), None)[0].acknowledged;
    take(&reports, Event::Apply(lease("a", "1", 1, &says(1, "1"))));
    let seen = first();
    assert!(seen.is_some());
    tokio::time::advance(Duration::from_secs(1)).await;
    take(&reports, Event::Apply(lease("a", "1", 2, &says(1, "2"))));
    assert_eq!(first(), seen);
    take(&reports, Event::Apply(lease("a", "1", 3, &says(2, "2"))));
    assert_eq!(first(), seen.map(|seen| seen + Duration::from_secs(1)));
}

#[rstest]
#[case::the_same(report("Leader", 1, true), false)]
#[case::another_epoch(report("Leader", 2, true), true)]
#[case::exposed(report("Leader", 1, false), true)]
#[case::nonsense(json!("?"), true)]
fn what_cannot_wait_is_urgent(#[case] next: Value, #[case] urgent: bool) {
    let reports = Reports::new(FRESH);
    take(&reports, Event::Apply(lease("a", "1", 1, &report("Leader", 1, true).to_string())));
    let changes = take(&reports, Event::Apply(lease("a", "1", 2, &next.to_string())));
    assert_eq!(changes, [Change { system: desk(), urgent }]);
}

#[test]
fn what_cannot_be_read_says_why() {
    let (reports, children) = (Reports::new(FRESH), pods(&[("a", "1")]));
    take(&reports, Event::Apply(lease("a", "1", 1, "{")));
    let words = reports.of_desk(&children, &none(), &desk(), None)[0].report.clone().unwrap_err();
    assert!(words.contains("cannot be read"), "{words}");
}
