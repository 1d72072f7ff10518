//! The defaults of another release reach a desk when a person says so, and not before.

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use sapphire_crds::TradingSystem;
use sapphire_crds::names::annotations::ADOPT_DEFAULTS;
use sapphire_crds::trading_system::{RolloutStatus, RolloutStep};
use sapphire_crds::values::ObjectName;
use sapphire_e2e::{Case, until};

use crate::clustered::{installed, pods};
use crate::desk::{assert_statuses, kubectl, rollout, wait};
use crate::plane::operated;

/// The images of all pods that stay.
async fn images(case: &Case<'_>) -> Vec<String> {
    let pods = case.api::<Pod>().list(&ListParams::default()).await.unwrap().items;
    let stays = pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let of = |pod: Pod| pod.spec?.containers.into_iter().next()?.image;
    let mut images: Vec<String> = stays.filter_map(of).collect();
    images.sort();
    images.dedup();
    images
}

/// What is released: core, agents, execution.
fn released(rollout: &RolloutStatus) -> [Option<ObjectName>; 3] {
    [rollout.core.clone(), rollout.agents.clone(), rollout.execution.clone()]
}

async fn adopt(case: &Case<'_>, value: &str) {
    let note = format!("{ADOPT_DEFAULTS}={value}");
    kubectl(case, &["annotate", "--overwrite", "tsys/desk", &note]).await;
}

#[tokio::test]
async fn another_releases_defaults_are_adopted_in_one_ordered_rollout() {
    let mut operated = operated("adoption").await;
    let _traders = installed(&operated.case, "").await;
    let before = rollout(&operated.case, "a rollout", |_| true).await;
    let running = pods(&operated.case, "").await;
    operated.kill().await;
    operated.start_as(|settings| settings.trader_image = "sapphire-trader:next".into()).await;
    let case = &operated.case;
    let (_, words) = wait(case, "DefaultsOutdated", "True").await;
    assert!(words.contains("sapphire-trader:next"), "{words}");
    wait(case, "Ready", "True").await;
    assert_eq!(pods(case, "").await, running, "an upgrade restarts nothing");

    adopt(case, "once").await;
    let seen = std::cell::RefCell::new(vec![released(&before)]);
    let after = rollout(case, "the defaults to be adopted", |rollout| {
        let now = released(rollout);
        let mut seen = seen.borrow_mut();
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        rollout.target != before.target && rollout.step == RolloutStep::Complete
    })
    .await;
    let (old, new) = (Some(before.target), Some(after.target.clone()));
    let order = [[&old, &old, &old], [&new, &old, &old], [&new, &new, &old], [&new, &new, &new]];
    let seen = seen.into_inner();
    // A poll may miss a step that takes no time, and never sees them in another order.
    let mut steps = order.iter();
    let in_order = |now: &[Option<ObjectName>; 3]| steps.any(|step| now.each_ref() == *step);
    assert!(seen.iter().all(in_order), "{seen:?}");
    wait(case, "DefaultsOutdated", "False").await;
    wait(case, "Ready", "True").await;
    until("no pod of the former release", || async {
        (images(case).await == ["sapphire-trader:next"]).then_some(())
    })
    .await;
    assert_statuses(case).await;

    // The same word acts again once it was taken back, under yet another release.
    operated.kill().await;
    operated.start_as(|settings| settings.trader_image = "sapphire-trader:last".into()).await;
    let case = &operated.case;
    wait(case, "DefaultsOutdated", "True").await;
    kubectl(case, &["annotate", "tsys/desk", &format!("{ADOPT_DEFAULTS}-")]).await;
    let systems = case.api::<TradingSystem>();
    until("the annotation to be forgotten", || async {
        let handled = systems.get("desk").await.unwrap().status?.handled;
        handled.is_none_or(|handled| handled.adopt_defaults.is_none()).then_some(())
    })
    .await;
    adopt(case, "once").await;
    rollout(case, "the defaults to be adopted again", |rollout| {
        rollout.target != after.target && rollout.step == RolloutStep::Complete
    })
    .await;
    wait(case, "DefaultsOutdated", "False").await;
    assert_statuses(case).await;
}
