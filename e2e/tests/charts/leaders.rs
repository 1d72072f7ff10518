//! Two operators, as processes: whatever becomes of the one that leads, no two of them ever write.

use std::collections::BTreeSet;

use rstest::rstest;
use sapphire_e2e::audit::{Mark, Request};
use sapphire_e2e::operators::process_name;
use sapphire_e2e::supervisor::Signal;
use sapphire_e2e::{Case, until};

use crate::desks::kubectl;
use crate::installation::{HOME, Installation};

const DESKS: usize = 30;

/// Desks that wait for one policy, so that there is much to do once it comes.
async fn waiting_desks(case: &Case<'_>) {
    let desk = |number: usize| {
        format!(
            "---
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingSystem
metadata: {{name: desk-{number}}}
spec:
  venue: {{aster: {{network: Testnet, credentials: {{secretName: aster}}}}}}
  symbols: {{list: [BTCUSDT]}}
  barInterval: 1h
  riskPolicyRef: {{name: careful}}
  storage: {{postgres: {{secretRef: {{name: postgres, key: url}}}}}}
  bus: {{redis: {{secretRef: {{name: redis, key: url}}}}}}
"
        )
    };
    case.apply(&(0..DESKS).map(desk).collect::<String>()).await.unwrap().ok().unwrap();
    until("all desks to wait", || async {
        let reasons = "jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].reason}";
        let said = kubectl(case, &["get", "tsys", "-o", reasons]).await;
        (said.matches("PolicyMissing").count() == DESKS).then_some(())
    })
    .await;
}

/// How many of the desks have got something already.
async fn begun(case: &Case<'_>) -> usize {
    let accounts = kubectl(case, &["get", "serviceaccounts", "-o", "name"]).await;
    accounts.lines().filter(|name| name.ends_with("-trader")).count()
}

async fn holder(installation: &Installation) -> String {
    let identity = "jsonpath={.spec.holderIdentity}";
    installation.kubectl(&["-n", HOME, "get", "lease", "sapphire-operator", "-o", identity]).await
}

/// How the API server records a request that was taken back.
const TAKEN_BACK: u16 = 504;
/// How it records that a request made its object.
const CREATED: u16 = 201;

/// What is on its way out of a process that stands still leaves it when that goes on, and is taken back at once. That it
/// was not carried out is seen by who made its object afterwards.
fn came_to_nothing(write: &Request, later: &[&Request]) -> bool {
    let object =
        |r: &Request| (r.group.clone(), r.resource.clone(), r.namespace.clone(), r.name.clone());
    let mut next = later.iter().filter(|next| object(next) == object(write) && next.code < 300);
    write.code == TAKEN_BACK && next.next().is_some_and(|next| next.code == CREATED)
}

#[rstest]
#[case::made_afterwards(TAKEN_BACK, Some(CREATED), true)]
#[case::made_before(TAKEN_BACK, Some(200), false)]
#[case::nobody_knows(TAKEN_BACK, None, false)]
#[case::carried_out(200, Some(CREATED), false)]
fn a_request_came_to_nothing_where_another_made_its_object(
    #[case] code: u16,
    #[case] next: Option<u16>,
    #[case] expected: bool,
) {
    let request = |name: &str, code| Request {
        user: String::new(),
        pod: String::new(),
        received: String::new(),
        agent: String::new(),
        verb: "patch".into(),
        group: String::new(),
        resource: "serviceaccounts".into(),
        namespace: "n".into(),
        name: name.into(),
        code,
    };
    let beside = request("another", CREATED);
    let next = next.map(|code| request("desk", code));
    let later: Vec<&Request> = [&beside].into_iter().chain(&next).collect();
    assert_eq!(came_to_nothing(&request("desk", code), &later), expected);
}

/// Only the holder writes its Lease: to take it, to keep it, to give it up. Whatever else an operator
/// writes, it writes as the last that did.
fn assert_one_writer_at_a_time(requests: &[Request]) {
    let is_ours = |request: &&Request| request.user.ends_with(":sapphire") && request.is_write();
    let mut writes: Vec<&Request> = requests.iter().filter(is_ours).collect();
    writes.sort_by(|a, b| a.received.cmp(&b.received));
    let mut leads = None;
    let mut writers = BTreeSet::new();
    for (place, write) in writes.iter().enumerate() {
        if write.resource == "leases" && write.namespace == HOME {
            if write.code < 300 {
                leads = Some(&write.pod);
            }
            continue;
        }
        if leads != Some(&write.pod) && came_to_nothing(write, &writes[place + 1..]) {
            continue;
        }
        assert_eq!(leads, Some(&write.pod), "does not lead and writes: {write:?}");
        writers.insert(&write.pod);
    }
    assert!(!writers.is_empty());
}

#[rstest]
#[case::killed(&[Signal::Kill])]
#[case::stands_still_and_goes_on(&[Signal::Pause, Signal::Continue])]
#[tokio::test]
async fn no_two_operators_ever_write(#[case] signals: &[Signal]) {
    let installation = Installation::of(&[]).await;
    let case = installation.case("leaders").await;
    waiting_desks(&case).await;
    let leader = holder(&installation).await;
    let policy = "
apiVersion: sapphiretrade.xyz/v1alpha1
kind: RiskPolicy
metadata: {name: careful}
spec: {}
";
    case.apply(policy).await.unwrap().ok().unwrap();
    until("the first of many desks", || async { (begun(&case).await > 0).then_some(()) }).await;
    let plane = installation.plane();
    plane.signal(&process_name(&leader), signals[0]).unwrap();
    assert!(begun(&case).await < DESKS, "it was to be interrupted, and had done it all");
    if let Some(later) = signals.get(1) {
        until("a successor", || async { (holder(&installation).await != leader).then_some(()) })
            .await;
        plane.signal(&process_name(&leader), *later).unwrap();
    }
    until("all of the desks", || async { (begun(&case).await == DESKS).then_some(()) }).await;
    let client = installation.client().await;
    let requests = plane.audit().since(&client, Mark::default()).await.unwrap();
    assert_one_writer_at_a_time(&requests);
}
