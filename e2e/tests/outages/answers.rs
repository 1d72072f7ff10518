//! Answers that are none: the operator tries again, with pauses, and gets there.

use std::time::Duration;

use rstest::rstest;
use sapphire_crds::TradingSystem;
use sapphire_e2e::{Fault, Matching, until};
use sapphire_operator::reconcile::kind::Kind;
use tokio::time::Instant;

use crate::desk::{
    POLICY, RECORDINGS, apply, assert_statuses, kubectl, names, ready, system, uid, volumes, wait,
    wait_for,
};
use crate::plane::operated;

fn deployments() -> Matching {
    Matching::any().verb("patch").resource("deployments")
}

fn refused(code: u16) -> Fault {
    Fault::Refused { code, retry_after: None }
}

#[rstest]
#[case::conflict("conflict", refused(409))]
#[case::gone("gone", refused(410))]
#[case::busy("busy", refused(429))]
#[case::broken("broken", refused(500))]
#[case::starting("starting", refused(503))]
#[case::cut("cut", Fault::Dropped)]
// It took effect, and nobody said so.
#[case::unanswered("unanswered", Fault::Unanswered)]
#[tokio::test]
async fn a_write_that_fails_is_made_again(#[case] name: &str, #[case] fault: Fault) {
    let operated = operated(name).await;
    let trouble = operated.proxy.next(3, deployments(), fault);
    ready(&operated.case, "").await;
    // What took effect without an answer is mostly seen before it would be made again, which changes nothing.
    let least = if fault == Fault::Unanswered { 1 } else { 3 };
    assert!((least..=3).contains(&trouble.met()), "{}", trouble.met());
    assert_eq!(names(&operated.case, Kind::Deployment).await, ["desk-trader"]);
    let made = ["get", "deployment", "desk-trader", "-o", "jsonpath={.metadata.generation}"];
    assert_eq!(kubectl(&operated.case, &made).await, "1", "it was changed after it was made");
    assert_statuses(&operated.case).await;
}

#[tokio::test]
async fn trouble_that_stays_is_told_and_not_hammered_at() {
    let operated = operated("stays").await;
    let trouble = operated.proxy.all(deployments(), refused(500));
    apply(&operated.case, &format!("{RECORDINGS}---{POLICY}---{}", system(""))).await;
    volumes(&operated.case).await;
    let message = wait_for(&operated.case, "Reconciling", "True", "Retrying").await;
    assert!(message.contains("apply Deployment") && message.contains("500"), "{message}");
    // Everything that is woken tries at once, so what is counted is a while without news.
    let (met, begun) = (trouble.met(), Instant::now());
    tokio::time::sleep(Duration::from_secs(6)).await;
    let tries = trouble.met() - met;
    assert!(tries <= 20, "{tries} in {:?}", begun.elapsed());
    until("another try, after a pause that has grown", || async {
        (trouble.met() > met).then_some(())
    })
    .await;
    assert_statuses(&operated.case).await;
    trouble.end();
    wait(&operated.case, "Ready", "True").await;
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let operated = operated("pause").await;
    let fault = Fault::Refused { code: 429, retry_after: Some(3) };
    let trouble = operated.proxy.next(2, deployments(), fault);
    apply(&operated.case, &format!("{RECORDINGS}---{POLICY}---{}", system(""))).await;
    volumes(&operated.case).await;
    until("the first refusal", || async { (trouble.met() >= 1).then_some(()) }).await;
    let first = Instant::now();
    until("the second refusal", || async { (trouble.met() >= 2).then_some(()) }).await;
    assert!(first.elapsed() > Duration::from_secs(2), "after {:?}", first.elapsed());
    wait(&operated.case, "Ready", "True").await;
}

#[tokio::test]
async fn a_status_that_cannot_be_written_keeps_no_child_from_being_repaired() {
    let operated = operated("no-status").await;
    let case = &operated.case;
    ready(case, "").await;
    let statuses = Matching::any().verb("patch").resource("tradingsystems/status");
    let trouble = operated.proxy.all(statuses, refused(500));
    // A change that the status would tell, and a child that is gone.
    kubectl(case, &["annotate", "tsys", "desk", "sapphiretrade.xyz/reconcile-now=1"]).await;
    kubectl(case, &["delete", "service", "desk-api"]).await;
    until("the Service to be back", || async {
        let names = names(case, Kind::Service).await;
        (names == ["desk-api"]).then_some(())
    })
    .await;
    until("a status that is refused", || async { (trouble.met() > 0).then_some(()) }).await;
    trouble.end();
    until("the status to tell what was acted upon", || async {
        let system = case.api::<TradingSystem>().get("desk").await.unwrap();
        system.status?.handled?.reconcile_now
    })
    .await;
    wait(case, "Ready", "True").await;
    assert_statuses(case).await;
}

#[tokio::test]
async fn a_watch_that_expired_is_begun_anew() {
    let operated = operated("expired").await;
    ready(&operated.case, "").await;
    let systems = Matching::any().verb("watch").resource("tradingsystems");
    let expired = operated.proxy.next(3, systems, Fault::Expired);
    operated.proxy.cut();
    until("the watches to expire", || async { (expired.met() == 3).then_some(()) }).await;
    apply(&operated.case, &system("  suspend: true")).await;
    let (reason, _) = wait(&operated.case, "Stalled", "True").await;
    assert_eq!(reason, "Suspended");
    assert_statuses(&operated.case).await;
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let operated = operated("slow").await;
    let slow = operated.proxy.all(Matching::any(), Fault::Delayed(Duration::from_millis(400)));
    ready(&operated.case, "").await;
    assert!(slow.met() > 20, "{}", slow.met());
    assert_statuses(&operated.case).await;
}

#[tokio::test]
async fn a_change_that_is_refused_for_too_long_is_undone() {
    let operated = operated("refused-change").await;
    let case = &operated.case;
    let hurried = "  rollout: {stepDeadline: 5s}\n";
    ready(case, hurried).await;
    let before = uid(case, Kind::Deployment, "desk-trader").await;
    let trouble = operated.proxy.all(deployments(), refused(403));
    let change = format!("{hurried}  trader: {{resources: {{limits: {{memory: 1Gi}}}}}}\n");
    apply(case, &system(&change)).await;
    let message = wait_for(case, "Stalled", "True", "DeadlineExceeded").await;
    assert!(message.contains("403") && message.contains("desk-trader"), "its words: {message}");
    wait(case, "CoreAvailable", "True").await;
    assert_eq!(uid(case, Kind::Deployment, "desk-trader").await, before);
    assert_statuses(case).await;

    trouble.end();
    // Now it has all the time that it needs.
    apply(case, &system("  trader: {resources: {limits: {memory: 1Gi}}}\n")).await;
    wait(case, "Ready", "True").await;
    let memory = "jsonpath={.spec.template.spec.containers[0].resources.limits.memory}";
    assert_eq!(kubectl(case, &["get", "deployment", "desk-trader", "-o", memory]).await, "1Gi");
    assert_statuses(case).await;
}

#[tokio::test]
async fn a_first_install_that_is_refused_for_too_long_says_so_and_goes_on_by_itself() {
    let operated = operated("refused-install").await;
    let case = &operated.case;
    let trouble = operated.proxy.all(deployments(), refused(403));
    let hurried = system("  rollout: {stepDeadline: 3s}\n");
    apply(case, &format!("{RECORDINGS}---{POLICY}---{hurried}")).await;
    volumes(case).await;
    let message = wait_for(case, "Stalled", "True", "DeadlineExceeded").await;
    assert!(message.contains("403") && message.contains("desk-trader"), "its words: {message}");
    assert_statuses(case).await;
    trouble.end();
    wait(case, "Ready", "True").await;
    assert_statuses(case).await;
}
