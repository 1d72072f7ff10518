//! An operator that begins finds reports of any age.

use std::time::Duration;

use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::ConditionType;
use sapphire_e2e::until;

use crate::desk::{assert_statuses, kubectl, ready, wait};
use crate::plane::operated;

#[tokio::test]
async fn a_restart_withdraws_nothing_at_first_and_proves_nothing() {
    let mut operated = operated("restart", &["--report-silence", "15s"]).await;
    let traders = operated.traders().await;
    let namespace = operated.case.namespace().to_owned();
    ready(&operated.case, "").await;
    wait(&operated.case, "Flat", "True").await;
    operated.stop().await;
    traders.conduct(&namespace, "desk", |desk| desk.silent = true);
    operated.start().await;
    operated.reconciles("after-the-restart").await;
    let systems = operated.case.api::<TradingSystem>();
    let status = systems.get("desk").await.unwrap().status.unwrap();
    assert_eq!(status.report.unwrap().flat, Some(true), "it is not withdrawn yet");
    assert!(status.conditions.holds(ConditionType::Flat));

    // No proof either: a desk that is deleted now stays.
    kubectl(&operated.case, &["delete", "tsys", "desk", "--wait=false"]).await;
    let words = until("the deletion to be held", || async {
        let status = systems.get("desk").await.unwrap().status?;
        let ready = status.conditions.get(ConditionType::Ready)?.clone();
        (ready.reason == "WaitingForFlat").then_some(ready.message)
    })
    .await;
    assert!(words.contains("before this operator began to watch"), "{words}");
    let (reason, _) = wait(&operated.case, "Flat", "Unknown").await;
    assert_eq!(reason, "Stale");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(systems.get_opt("desk").await.unwrap().is_some());
    assert_statuses(&operated.case).await;

    traders.conduct(&namespace, "desk", |desk| desk.silent = false);
    until("the desk to go", || async {
        systems.get_opt("desk").await.unwrap().is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_was_opened_while_no_operator_was_there_is_seen_at_once() {
    let mut operated = operated("opened-meanwhile", &["--report-silence", "60s"]).await;
    let traders = operated.traders().await;
    let namespace = operated.case.namespace().to_owned();
    ready(&operated.case, "").await;
    wait(&operated.case, "Flat", "True").await;
    operated.stop().await;
    let exposed = vec!["BTCUSD".parse().unwrap()];
    traders.conduct(&namespace, "desk", |desk| desk.exposed = exposed);
    tokio::time::sleep(Duration::from_secs(2)).await;
    traders.conduct(&namespace, "desk", |desk| desk.silent = true);
    operated.start().await;
    let (reason, _) = wait(&operated.case, "Flat", "False").await;
    assert_eq!(reason, "Exposed");
    assert_statuses(&operated.case).await;
}
