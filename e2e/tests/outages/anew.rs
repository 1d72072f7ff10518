//! A hundred desks, and an operator that reads everything anew again and again: nothing is written.

use std::time::Duration;

use kube::api::ListParams;
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::ConditionType;
use sapphire_e2e::audit::Request;
use sapphire_e2e::{Fault, Matching, until, volumes};
use sapphire_operator::reconcile::kind::Kind;

use crate::desk::{POLICY, RECORDINGS, apply, assert_statuses, system};
use crate::plane::{operated, plane};

const DESKS: usize = 100;
const RESYNCS: usize = 10;

/// A desk and its agents under names of their own.
fn numbered(number: usize) -> String {
    let mut manifests = system("").replace("name: desk}", &format!("name: desk-{number}}}"));
    for agent in ["one", "two", "three"] {
        manifests = manifests
            .replace(&format!("{{name: {agent}}}"), &format!("{{name: {agent}-{number}}}"));
    }
    manifests
}

#[tokio::test]
async fn ten_resyncs_over_a_hundred_desks_write_nothing() {
    let operated = operated("resync").await;
    let case = &operated.case;
    let provided = tokio::spawn(volumes::provide(case.client()));
    let desks: Vec<String> = (0..DESKS).map(numbered).collect();
    apply(case, &format!("{RECORDINGS}---{POLICY}---{}", desks.join("---"))).await;
    let systems = case.api::<TradingSystem>();
    let ready = until("all desks to be ready", || async {
        let all = systems.list(&ListParams::default()).await.unwrap();
        let is_ready = |system: &&TradingSystem| {
            let status = system.status.as_ref();
            status.is_some_and(|status| status.conditions.holds(ConditionType::Ready))
        };
        (all.items.iter().filter(is_ready).count() == DESKS).then_some(all.items.len())
    });
    assert_eq!(ready.await, DESKS);
    // Agents follow their system's status.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let audit = plane().await.audit();
    let mark = audit.mark(&case.client()).await.unwrap();
    for _ in 0..RESYNCS {
        // A watch whose version is too old is begun with a list of everything.
        let ours = ["tradingsystems", "tradingagents", "riskpolicies"].map(str::to_owned);
        let children = Kind::ALL.into_iter().filter(|kind| kind.is_built_in());
        let expired: Vec<_> = ours
            .into_iter()
            .chain(children.map(|kind| kind.resource().plural))
            .map(|resource| {
                let watches = Matching::any().verb("watch").resource(&resource);
                operated.proxy.next(1, watches, Fault::Expired)
            })
            .collect();
        operated.proxy.cut();
        until("every watch to begin anew", || async {
            expired.iter().all(|expired| expired.met() == 1).then_some(())
        })
        .await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let requests = audit.since(&case.client(), mark).await.unwrap();
    let ours = |request: &&Request| {
        request.namespace == case.namespace()
            && request.user.starts_with("system:serviceaccount:")
            && request.user.ends_with(":operator")
    };
    let written: Vec<&Request> =
        requests.iter().filter(ours).filter(|r| r.is_write() && r.resource != "leases").collect();
    assert!(written.is_empty(), "{written:#?}");
    let listed = |resource: &str| {
        let lists = requests.iter().filter(ours);
        lists.filter(|r| r.verb == "list" && r.resource == resource).count()
    };
    for resource in ["tradingsystems", "deployments"] {
        assert!(listed(resource) >= RESYNCS, "{resource}: {}", listed(resource));
    }
    assert_statuses(case).await;
    provided.abort();
}
