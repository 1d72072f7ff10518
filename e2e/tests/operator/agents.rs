//! Agents with pods of their own.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use sapphire_crds::conditions::{Condition, ConditionType};
use sapphire_crds::names::Component;
use sapphire_crds::trading_agent::TradingAgentStatus;
use sapphire_crds::{TradingAgent, TradingSystem};
use sapphire_e2e::{Case, Play, Traders, until};
use sapphire_operator::reconcile::kind::Kind;
use serde_json::json;

use crate::desk::{
    BACKENDS, POLICY, RECORDINGS, apply, assert_statuses, kubectl, names, staying, system, volumes,
    wait,
};
use crate::events::{events, told};
use crate::plane::{OPERATOR, case, plane};

/// A desk over PostgreSQL and Redis; `more` are lines of the system's spec.
pub(crate) async fn begin(case: &Case<'_>, more: &str) -> Traders {
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    apply(case, &format!("{RECORDINGS}---{POLICY}---{}", clustered(more))).await;
    volumes(case).await;
    traders
}

pub(crate) fn clustered(more: &str) -> String {
    system(&format!("{BACKENDS}{more}"))
}

/// One, once it and its system are ready.
pub(crate) async fn desk(case: &Case<'_>, more: &str) -> Traders {
    let traders = begin(case, more).await;
    wait(case, "Ready", "True").await;
    traders
}

pub(crate) async fn status(case: &Case<'_>, agent: &str) -> TradingAgentStatus {
    case.api::<TradingAgent>().get(agent).await.unwrap().status.unwrap_or_default()
}

/// Waits until an agent's condition is so, of its generation as it is now.
pub(crate) async fn agent(case: &Case<'_>, name: &str, condition: &str, answer: &str) -> Condition {
    let of: ConditionType = condition.parse().unwrap();
    let agents = case.api::<TradingAgent>();
    until(&format!("{name} {condition}={answer}"), || async {
        let agent = agents.get(name).await.unwrap();
        let found = agent.status?.conditions.get(of)?.clone();
        let current = found.observed_generation == agent.metadata.generation;
        (found.status == answer && current).then_some(found)
    })
    .await
}

/// The uids of the pods of an agent that are not on their way out.
pub(crate) async fn pods(case: &Case<'_>, agent: &str) -> BTreeSet<String> {
    staying(case, &format!("sapphiretrade.xyz/agent={agent}")).await
}

fn released(system: &TradingSystem) -> Option<String> {
    let rollout = system.status.as_ref()?.rollout.as_ref()?;
    rollout.agents.as_ref().map(ToString::to_string)
}

/// The image of an agent's Deployment.
async fn image(case: &Case<'_>, name: &str) -> Option<String> {
    let deployment = case.api::<Deployment>().get_opt(name).await.unwrap()?;
    deployment.spec?.template.spec?.containers.remove(0).image
}

#[tokio::test]
async fn agents_come_once_the_core_is_released() {
    let case = case("agents-order").await;
    case.play(Component::Trader, &Play::ImageMissing).await.unwrap();
    let traders = begin(&case, "").await;
    let waits = agent(&case, "one", "Ready", "False").await;
    assert_eq!(waits.reason, "WaitingForSystem", "{}", waits.message);
    until("the trader to be in trouble", || async {
        let system = case.api::<TradingSystem>().get("desk").await.unwrap();
        let core = system.status?.conditions.get(ConditionType::CoreAvailable)?.clone();
        (core.reason == "ImagePullFailed").then_some(())
    })
    .await;
    assert!(pods(&case, "one").await.is_empty(), "the core is not there yet");
    assert_statuses(&case).await;

    case.play(Component::Trader, &Play::Runs).await.unwrap();
    let all = ListParams::default().labels("app.kubernetes.io/component=trader");
    case.api::<Pod>().delete_collection(&DeleteParams::default(), &all).await.unwrap();
    for name in ["one", "two", "three"] {
        agent(&case, name, "Ready", "True").await;
    }
    wait(&case, "Ready", "True").await;
    let system = case.api::<TradingSystem>().get("desk").await.unwrap();
    assert_eq!(system.status.as_ref().unwrap().agents.as_ref().unwrap().summary.as_str(), "3/3");
    let its = status(&case, "one").await;
    assert_eq!(its.system_revision.map(|revision| revision.to_string()), released(&system));
    assert_eq!((its.replicas, its.ready_replicas, its.rollout), (1, 1, None));
    assert_eq!(
        its.selector.unwrap().as_str(),
        "app.kubernetes.io/component=agent,sapphiretrade.xyz/agent=one,sapphiretrade.xyz/system=desk"
    );
    for name in ["desk-one", "desk-two", "desk-three"] {
        assert!(names(&case, Kind::Deployment).await.iter().any(|found| found == name), "{name}");
        assert!(names(&case, Kind::PodDisruptionBudget).await.iter().any(|found| found == name));
    }
    let deployment = case.api::<Deployment>().get("desk-one").await.unwrap();
    let owner = deployment.metadata.owner_references.unwrap().remove(0);
    assert_eq!((owner.kind.as_str(), owner.name.as_str()), ("TradingAgent", "one"));
    // What the leader says of it.
    until("the leader's word of the agent", || async {
        (status(&case, "one").await.scored_opinions == Some(100)).then_some(())
    })
    .await;
    assert_statuses(&case).await;
    drop(traders);
}

#[tokio::test]
async fn what_concerns_the_trader_alone_restarts_no_agent() {
    let case = case("agents-stay").await;
    let _traders = desk(&case, "").await;
    let (before, first) = (pods(&case, "one").await, status(&case, "one").await);
    apply(&case, &clustered("  trader: {resources: {limits: {memory: 1Gi}}}")).await;
    until("the agent to run against the next release", || async {
        let next = status(&case, "one").await;
        let system = case.api::<TradingSystem>().get("desk").await.unwrap();
        let current = next.system_revision.as_ref().map(ToString::to_string) == released(&system);
        (next.system_revision != first.system_revision && current).then_some(())
    })
    .await;
    wait(&case, "Ready", "True").await;
    assert_eq!(pods(&case, "one").await, before);
    assert_eq!(status(&case, "one").await.revision, first.revision);
    assert_statuses(&case).await;
}

#[tokio::test]
async fn another_image_restarts_agents_without_a_canary() {
    let case = case("agents-image").await;
    let rollout = "  rollout: {canary: {initialWeight: \"0.1\", step: \"0.1\", interval: 1h}}\n";
    let _traders = desk(&case, rollout).await;
    let before = pods(&case, "one").await;
    apply(&case, &clustered(&format!("{rollout}  image: {{reference: \"sapphire-trader:next\"}}")))
        .await;
    until("the image", || async {
        (image(&case, "desk-one").await.as_deref() == Some("sapphire-trader:next")).then_some(())
    })
    .await;
    wait(&case, "Ready", "True").await;
    let promoted = agent(&case, "one", "Promoted", "True").await;
    assert_eq!(promoted.reason, "NoCanary");
    assert!(pods(&case, "one").await.is_disjoint(&before));
    let told = events(&case).await;
    assert!(
        told.contains("agent: image from sapphire-trader:test to sapphire-trader:next"),
        "{told}"
    );
    assert_statuses(&case).await;
}

#[tokio::test]
async fn each_restart_of_an_agent_is_told_however_soon_after_the_same() {
    let case = case("agents-to-and-fro").await;
    let _traders = desk(&case, "").await;
    for period in [60, 70, 60, 70] {
        let patch =
            format!(r#"{{"spec":{{"strategy":{{"trendMomentum":{{"trendPeriod":{period}}}}}}}}}"#);
        kubectl(&case, &["patch", "tagent", "one", "--type=merge", "-p", &patch]).await;
        agent(&case, "one", "Ready", "True").await;
    }
    until("the restarts to be told", || async {
        let told = events(&case).await;
        let times = |words: &str| told.matches(words).count();
        let all = (times("trendPeriod from 60 to 70"), times("trendPeriod from 70 to 60"));
        (all == (2, 1)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_changed_on_an_agents_deployment_is_set_back() {
    let case = case("agents-drift").await;
    let _traders = desk(&case, "").await;
    kubectl(&case, &["set", "image", "deployment/desk-one", "agent=evil:1"]).await;
    until("the image to be set back", || async {
        (image(&case, "desk-one").await.as_deref() == Some("sapphire-trader:test")).then_some(())
    })
    .await;
    kubectl(&case, &["scale", "deployment/desk-one", "--replicas=4"]).await;
    until("the replicas to be set back", || async {
        let deployment = case.api::<Deployment>().get("desk-one").await.unwrap();
        (deployment.spec?.replicas == Some(1)).then_some(())
    })
    .await;
    kubectl(&case, &["delete", "poddisruptionbudget", "desk-one"]).await;
    until("the budget to come back", || async {
        names(&case, Kind::PodDisruptionBudget).await.iter().find(|n| *n == "desk-one").map(|_| ())
    })
    .await;
    agent(&case, "one", "Ready", "True").await;
    told(&case, "Deployment desk-one: spec.replicas was changed by hand").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn an_agent_takes_its_children_along_and_its_system_notices() {
    let case = case("agents-go").await;
    let _traders = desk(&case, "  consensus: {minAgents: 2}").await;
    kubectl(&case, &["delete", "tradingagent", "three"]).await;
    until("what it had to go", || async {
        let deployments = names(&case, Kind::Deployment).await;
        let revisions = names(&case, Kind::ControllerRevision).await;
        let gone = !deployments.iter().any(|name| name == "desk-three")
            && !revisions.iter().any(|name| name.starts_with("three-"));
        gone.then_some(())
    })
    .await;
    until("the system to count two", || async {
        let system = case.api::<TradingSystem>().get("desk").await.unwrap();
        (system.status?.agents?.summary.as_str() == "2/2").then_some(())
    })
    .await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn an_agent_without_its_system_has_no_pods() {
    let case = case("agents-alone").await;
    let _traders = desk(&case, "  deletionPolicy: Orphan").await;
    kubectl(&case, &["delete", "tradingsystem", "desk"]).await;
    for name in ["one", "two", "three"] {
        until(&format!("{name} to miss its system"), || async {
            let ready = status(&case, name).await.conditions.get(ConditionType::Ready)?.clone();
            (ready.reason == "SystemMissing").then_some(())
        })
        .await;
    }
    until("the agents' children to go", || async {
        let deployments = names(&case, Kind::Deployment).await;
        let budgets = names(&case, Kind::PodDisruptionBudget).await;
        let left = deployments.iter().chain(&budgets).any(|name| name == "desk-one");
        (!left).then_some(())
    })
    .await;
    assert_eq!(status(&case, "one").await.system_revision, None);
    assert_statuses(&case).await;
    // It comes back, and they with it.
    apply(&case, &clustered("")).await;
    wait(&case, "Ready", "True").await;
    assert_eq!(pods(&case, "one").await.len(), 1);
}

#[tokio::test]
async fn a_quiet_desks_agents_are_written_nothing() {
    let case = case("agents-quiet").await;
    let _traders = desk(&case, "").await;
    let audit = plane().await.audit();
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let mark = audit.mark(&case.client()).await.unwrap();
    for number in 0..10 {
        let label = format!("round={number}");
        for object in ["tradingsystem/desk", "tradingagent/one", "tradingagent/two"] {
            kubectl(&case, &["label", "--overwrite", object, &label]).await;
        }
    }
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let written: Vec<_> = audit
        .since(&case.client(), mark)
        .await
        .unwrap()
        .into_iter()
        .filter(|r| r.is_write() && r.user == OPERATOR && r.namespace == case.namespace())
        .collect();
    assert!(written.is_empty(), "{written:#?}");
}

/// A revision as an operator with another builder would have recorded it.
async fn rendered_otherwise(case: &Case<'_>, name: &str) {
    let revisions = case.api::<ControllerRevision>();
    let mut revision = revisions.get(name).await.unwrap();
    revisions.delete(name, &DeleteParams::default()).await.unwrap();
    let data = &mut revision.data.as_mut().unwrap().0;
    for child in data["rendered"].as_array_mut().unwrap() {
        if child["kind"] == "Deployment" {
            let pod = child.pointer_mut("/content/spec/template/spec").unwrap();
            pod["terminationGracePeriodSeconds"] = json!(77);
        }
    }
    let metadata = std::mem::take(&mut revision.metadata);
    revision.metadata = ObjectMeta {
        name: metadata.name,
        labels: metadata.labels,
        annotations: metadata.annotations,
        owner_references: metadata.owner_references,
        ..ObjectMeta::default()
    };
    revisions.create(&PostParams::default(), &revision).await.unwrap();
}

async fn grace(case: &Case<'_>) -> Option<i64> {
    let deployment = case.api::<Deployment>().get("desk-one").await.unwrap();
    deployment.spec?.template.spec?.termination_grace_period_seconds
}

#[tokio::test]
async fn other_defaults_wait_until_they_are_adopted() {
    let case = case("agents-defaults").await;
    let _traders = desk(&case, "").await;
    let revision = status(&case, "one").await.revision.unwrap();
    // While it is suspended nobody puts back what is taken away.
    apply(&case, &clustered("  suspend: true")).await;
    let held = agent(&case, "one", "Reconciling", "True").await;
    assert_eq!(held.reason, "Suspended");
    wait(&case, "Stalled", "True").await;
    let suspended = case.api::<TradingSystem>().get("desk").await.unwrap().status.unwrap();
    assert_eq!(suspended.agents.unwrap().summary.as_str(), "3/3", "they vote on");
    rendered_otherwise(&case, revision.as_str()).await;
    apply(&case, &clustered("")).await;
    until("the stored rendering", || async { (grace(&case).await == Some(77)).then_some(()) })
        .await;
    let outdated = agent(&case, "one", "DefaultsOutdated", "True").await;
    assert!(outdated.message.contains("from 77 to 30"), "{}", outdated.message);
    agent(&case, "one", "Ready", "True").await;
    assert_statuses(&case).await;

    kubectl(&case, &["annotate", "tradingagent", "one", "sapphiretrade.xyz/adopt-defaults=1"])
        .await;
    until("today's rendering", || async { (grace(&case).await == Some(30)).then_some(()) }).await;
    agent(&case, "one", "DefaultsOutdated", "False").await;
    agent(&case, "one", "Ready", "True").await;
    let adopted = status(&case, "one").await;
    assert_ne!(adopted.revision.as_ref(), Some(&revision));
    assert_eq!(adopted.canary, None, "the agent's own spec is the same");
    assert_statuses(&case).await;
}
