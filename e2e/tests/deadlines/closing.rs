//! Closing before a deletion has a deadline, after which people are told.

use std::time::Duration;

use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::ConditionType;
use sapphire_e2e::until;
use sapphire_operator::reconcile::kind::Kind;

use crate::desk::{assert_statuses, kubectl, names, ready, wait};
use crate::plane::operated;

#[tokio::test]
async fn a_desk_that_does_not_get_closed_stays_and_says_so() {
    let operated = operated("overdue", &["--flatten-deadline", "3s"]).await;
    let case = &operated.case;
    let traders = operated.traders().await;
    traders.conduct(case.namespace(), "desk", |desk| {
        desk.exposed = vec!["BTCUSD".parse().unwrap()];
        desk.closes_after = Duration::from_secs(3600);
    });
    ready(case, "  deletionPolicy: Flatten").await;
    wait(case, "Flat", "False").await;
    kubectl(case, &["delete", "tsys", "desk", "--wait=false"]).await;
    let (reason, message) = wait(case, "Stalled", "True").await;
    assert_eq!(reason, "DeadlineExceeded");
    assert!(message.contains("within 3 s") && message.contains("BTCUSD"), "{message}");
    assert_eq!(names(case, Kind::Deployment).await, ["desk-trader"], "the desk stays");
    let told = kubectl(case, &["get", "events", "-o", "jsonpath={.items[*].reason}"]).await;
    assert!(told.contains("FlattenOverdue"), "{told}");
    assert_statuses(case).await;

    // Refused meanwhile, and flattened again: the deadline begins anew.
    let policy = |policy: &str| format!("{{\"spec\":{{\"deletionPolicy\":\"{policy}\"}}}}");
    kubectl(case, &["patch", "tsys", "desk", "--type=merge", "-p", &policy("Refuse")]).await;
    let systems = case.api::<TradingSystem>();
    let reason = |wanted: &'static str| {
        let systems = systems.clone();
        async move {
            let system = systems.get("desk").await.unwrap();
            let status = system.status?;
            let ready = status.conditions.get(ConditionType::Ready)?.clone();
            let current = ready.observed_generation == system.metadata.generation;
            (current && ready.reason == wanted).then_some(())
        }
    };
    until("Refuse", || reason("WaitingForFlat")).await;
    kubectl(case, &["patch", "tsys", "desk", "--type=merge", "-p", &policy("Flatten")]).await;
    until("Flatten", || reason("WaitingForFlat")).await;
    until("the deadline", || reason("DeadlineExceeded")).await;

    traders.conduct(case.namespace(), "desk", |desk| desk.closes_after = Duration::ZERO);
    until("the desk to go", || async {
        systems.get_opt("desk").await.unwrap().is_none().then_some(())
    })
    .await;
    let released = "sapphire_operator_systems_released_total{why=\"flat\"} 1";
    assert!(operated.metrics().await.contains(released));
}
