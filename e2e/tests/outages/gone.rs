//! An API server that is away for longer than a Lease lasts.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use sapphire_e2e::until;
use sapphire_operator::election::LEASE;
use sapphire_operator::reconcile::kind::Kind;
use tokio::time::Instant;

use crate::desk::{assert_statuses, kubectl, ready, uid, wait};
use crate::plane::operated;

/// Longer than the Lease: the leader has given up by its own clock.
const AWAY: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_was_missed_is_made_up_for() {
    let operated = operated("away").await;
    ready(&operated.case, "").await;
    let case = &operated.case;
    let before = uid(case, Kind::Deployment, "desk-trader").await;
    let renewed = || async {
        let lease = case.api::<Lease>().get(LEASE).await.unwrap();
        lease.spec.and_then(|spec| spec.renew_time).unwrap()
    };
    operated.proxy.go_away();
    // Meanwhile others go on: one breaks a child, one changes the desk.
    kubectl(case, &["delete", "service", "desk-api"]).await;
    kubectl(case, &["delete", "deployment", "desk-trader", "--cascade=orphan"]).await;
    tokio::time::sleep(AWAY).await;
    let last = renewed().await;
    operated.proxy.come_back();
    let back = Instant::now();
    until("the children to be back", || async {
        let service = kubectl(case, &["get", "service", "desk-api", "--ignore-not-found"]).await;
        let deployment =
            kubectl(case, &["get", "deployment", "desk-trader", "--ignore-not-found"]).await;
        (!service.is_empty() && !deployment.is_empty()).then_some(())
    })
    .await;
    assert_ne!(uid(case, Kind::Deployment, "desk-trader").await, before);
    assert!(renewed().await > last, "it leads anew");
    assert!(back.elapsed() < Duration::from_secs(60), "{:?}", back.elapsed());
    wait(case, "Ready", "True").await;
    assert_statuses(case).await;
}
