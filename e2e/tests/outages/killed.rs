//! An operator that is killed is followed by one that goes on from what is written.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use sapphire_crds::TradingAgent;
use sapphire_crds::conditions::ConditionType;
use sapphire_crds::trading_agent::TradingAgentStatus;
use sapphire_e2e::{Case, Traders, until};

use crate::desk::{
    BACKENDS, POLICY, RECORDINGS, apply, assert_statuses, kubectl, system, volumes, wait,
};
use crate::plane::operated;

const CANARY: &str = "  rollout: {canary: {initialWeight: \"0.1\", step: \"0.45\", interval: 2s}}";

async fn status(case: &Case<'_>) -> TradingAgentStatus {
    case.api::<TradingAgent>().get("one").await.unwrap().status.unwrap_or_default()
}

async fn weight(case: &Case<'_>) -> Option<String> {
    status(case).await.canary.map(|canary| canary.weight.to_string())
}

async fn pods(case: &Case<'_>) -> BTreeSet<String> {
    let its = ListParams::default().labels("sapphiretrade.xyz/agent=one");
    let pods = case.api::<Pod>().list(&its).await.unwrap().items;
    let stays = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
    pods.into_iter().filter(stays).filter_map(|pod| pod.metadata.uid).collect()
}

#[tokio::test]
async fn a_canary_goes_on_where_a_killed_operator_left_it() {
    let mut operated = operated("canary-killed").await;
    let (client, namespace) = (operated.case.client(), operated.case.namespace().to_owned());
    let traders = Traders::start(&client, Some(&namespace)).await.unwrap();
    apply(
        &operated.case,
        &format!("{RECORDINGS}---{POLICY}---{}", system(&format!("{BACKENDS}{CANARY}"))),
    )
    .await;
    volumes(&operated.case).await;
    wait(&operated.case, "Ready", "True").await;
    let before = pods(&operated.case).await;

    traders.conduct(&namespace, "desk", |traders| traders.silent = true);
    let patch = r#"{"spec":{"strategy":{"trendMomentum":{"trendPeriod":60}}}}"#;
    kubectl(&operated.case, &["patch", "tradingagent", "one", "--type=merge", "-p", patch]).await;
    let on_trial = until("the canary's pod", || async {
        let now = pods(&operated.case).await;
        let told = status(&operated.case).await;
        let answers = told.conditions.holds(ConditionType::Ready) && told.canary.is_some();
        (answers && now.len() == 1 && now.is_disjoint(&before)).then_some(now)
    })
    .await;

    operated.kill().await;
    traders.conduct(&namespace, "desk", |traders| traders.silent = false);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(weight(&operated.case).await.as_deref(), Some("0.1"), "nobody is there");

    operated.start().await;
    let seen = std::cell::RefCell::new(Vec::new());
    until("the canary to be promoted", || async {
        let weight = weight(&operated.case).await;
        let mut seen = seen.borrow_mut();
        if seen.last() != Some(&weight) {
            seen.push(weight.clone());
        }
        weight.is_none().then_some(())
    })
    .await;
    assert_eq!(seen.into_inner(), [Some("0.1".into()), Some("0.55".into()), None]);
    let told = status(&operated.case).await;
    assert_eq!((told.failed, told.rollout), (None, None));
    assert_eq!(pods(&operated.case).await, on_trial, "nothing restarted");
    assert_statuses(&operated.case).await;
}
