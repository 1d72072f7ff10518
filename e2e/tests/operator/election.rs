//! One operator works at a time.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams};
use sapphire_e2e::Case;
use sapphire_operator::election::{Election, LEASE, Lost, Terms};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::plane::case;

const TERMS: Terms = Terms {
    duration: Duration::from_secs(4),
    renew_deadline: Duration::from_secs(3),
    retry: Duration::from_millis(500),
};

fn candidate(case: &Case<'_>, name: &str) -> Election {
    Election::new(case.client(), case.namespace(), name.to_owned(), TERMS)
}

#[tokio::test]
async fn a_lease_that_is_given_up_is_taken_at_once() {
    let case = case("given-up").await;
    let (mut first, mut second) = (candidate(&case, "first"), candidate(&case, "second"));
    first.win().await;
    assert!(timeout(Duration::from_secs(1), second.win()).await.is_err(), "it is held");
    first.release().await.unwrap();
    let begun = Instant::now();
    second.win().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_leader_that_is_gone_is_followed_after_the_lease_ran_out() {
    let case = case("gone").await;
    let (mut first, mut second) = (candidate(&case, "first"), candidate(&case, "second"));
    let since = first.win().await;
    // It renews for longer than the lease lasts, and nobody takes it.
    let holding = timeout(Duration::from_secs(6), first.hold(since));
    let (held, taken) = tokio::join!(holding, timeout(Duration::from_secs(5), second.win()));
    assert!(held.is_err() && taken.is_err(), "the leader held it all the time");
    let silent = Instant::now();
    second.win().await;
    let waited = silent.elapsed();
    assert!(waited > TERMS.duration - TERMS.retry * 2, "no earlier than it ran out: {waited:?}");
    assert!(waited < TERMS.duration + Duration::from_secs(4), "{waited:?}");
}

#[tokio::test]
async fn a_leases_own_clock_is_not_believed() {
    let case = case("clock").await;
    let (mut first, mut second) = (candidate(&case, "first"), candidate(&case, "second"));
    first.win().await;
    // As of a leader whose clock is years behind.
    let old = json!({"spec": {"renewTime": "2001-01-01T00:00:00.000000Z"}});
    let leases = case.api::<Lease>();
    leases.patch(LEASE, &PatchParams::default(), &Patch::Merge(old)).await.unwrap();
    assert!(timeout(TERMS.duration / 2, second.win()).await.is_err(), "it waits all the same");
}

#[tokio::test]
async fn a_leader_whose_lease_is_taken_notices() {
    let case = case("taken").await;
    let mut first = candidate(&case, "first");
    let since = first.win().await;
    let other = json!({"spec": {"holderIdentity": "somebody"}});
    let leases = case.api::<Lease>();
    leases.patch(LEASE, &PatchParams::default(), &Patch::Merge(other)).await.unwrap();
    let lost = timeout(Duration::from_secs(5), first.hold(since)).await.unwrap();
    assert_eq!(lost, Lost::Taken);
}

#[tokio::test]
async fn a_lease_that_somebody_deletes_stays_with_its_leader() {
    let case = case("deleted-lease").await;
    let (mut first, mut second) = (candidate(&case, "first"), candidate(&case, "second"));
    let since = first.win().await;
    let candidacy = tokio::spawn(async move {
        second.win().await;
    });
    let leases = case.api::<Lease>();
    let deletions = async {
        for _ in 0..5 {
            tokio::time::sleep(TERMS.retry).await;
            let _ = leases.delete(LEASE, &Default::default()).await;
        }
    };
    let held = timeout(TERMS.duration * 2, async { tokio::join!(first.hold(since), deletions) });
    assert!(held.await.is_err(), "the leader made it anew each time");
    assert!(!candidacy.is_finished(), "nobody else took it");
    candidacy.abort();
}
