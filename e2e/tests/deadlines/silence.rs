//! A pod that is silent for too long is not believed any more.

use sapphire_crds::conditions::ConditionType;
use sapphire_crds::{RiskPolicy, TradingSystem};
use sapphire_e2e::until;

use crate::desk::{assert_statuses, kubectl, ready, wait};
use crate::plane::operated;

#[tokio::test]
async fn silence_withdraws_what_a_pod_proved() {
    let operated = operated("silence", &["--report-silence", "4s"]).await;
    let case = &operated.case;
    let traders = operated.traders().await;
    ready(case, "").await;
    wait(case, "Flat", "True").await;
    wait(case, "Enforced", "True").await;
    traders.conduct(case.namespace(), "desk", |desk| desk.silent = true);
    let (reason, message) = wait(case, "Flat", "Unknown").await;
    assert_eq!(reason, "Stale");
    assert!(message.contains("silent since 20"), "{message}");
    let (reason, message) = wait(case, "Enforced", "False").await;
    assert_eq!(reason, "Stale", "{message}");
    let systems = case.api::<TradingSystem>();
    let report = systems.get("desk").await.unwrap().status.unwrap().report.unwrap();
    assert_eq!(report.flat, None);
    assert_eq!(report.equity, "100000".parse().ok(), "what was known stays");
    let policies = case.api::<RiskPolicy>();
    let enforced = |answer: &'static str| {
        let policies = policies.clone();
        async move {
            let status = policies.get("careful").await.unwrap().status?;
            let found = status.conditions.get(ConditionType::Enforced)?.clone();
            (found.status == answer).then_some((found.reason, status.confirmed_pods))
        }
    };
    let said = until("the policy to notice", || enforced("False")).await;
    assert_eq!(said, ("Stale".to_owned(), 0));
    assert_statuses(case).await;

    traders.conduct(case.namespace(), "desk", |desk| desk.silent = false);
    wait(case, "Flat", "True").await;
    wait(case, "Enforced", "True").await;
    let said = until("the policy to notice", || enforced("True")).await;
    assert_eq!(said, ("Enforced".to_owned(), 1));
    assert_statuses(case).await;
}

#[tokio::test]
async fn the_time_to_a_pods_confirmation_is_measured() {
    let operated = operated("measured", &[]).await;
    let case = &operated.case;
    let _traders = operated.traders().await;
    ready(case, "").await;
    wait(case, "Enforced", "True").await;
    let count = "sapphire_operator_policy_acknowledgement_seconds_count";
    assert!(operated.metrics().await.contains(&format!("{count} 0")), "the first was only found");
    for (number, drawdown) in ["0.1", "0.2"].iter().enumerate() {
        let patch = format!("{{\"spec\":{{\"limits\":{{\"maxDrawdown\":\"{drawdown}\"}}}}}}");
        kubectl(case, &["patch", "rpol", "careful", "--type=merge", "-p", &patch]).await;
        let expected = format!("{count} {}", number + 1);
        until(&expected, || async { operated.metrics().await.contains(&expected).then_some(()) })
            .await;
    }
    let policies = case.api::<RiskPolicy>();
    until("the slowest pod", || async { policies.get("careful").await.unwrap().status?.slowest })
        .await;
}
