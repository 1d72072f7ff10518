//! What a rollout is decided on, gathered from what the watches know.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sapphire_crds::conditions::{ConditionType, Reason};
use sapphire_crds::names::Component;
use sapphire_crds::names::annotations::{MIGRATE, RECONCILE_NOW};
use sapphire_crds::report::Role;
use sapphire_crds::trading_agent::AuthorityChoice;
use sapphire_crds::trading_system::{Migrations, RolloutStatus};
use sapphire_crds::values::ObjectName;
use sapphire_crds::{TradingAgent, TradingSystem};

use super::dereference::Dereferenced;
use super::revise::hash_of;
use super::rollout::{Facts, Leader, Migration};
use crate::context::Context;
use crate::labels;
use crate::reconcile::child::{ChildRef, Live};
use crate::reconcile::health::Health;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::requests::pending;
use crate::reconcile::workload::{self, Answer, of_deployment};
use crate::reports::{self, Age, PodReport};

/// A process that has only begun to lead waits so long before a deadline counts: reports come every 30
/// seconds, and it has to see one change before it believes it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was found out before the facts.
pub(super) struct Known<'a> {
    pub(super) target: &'a ObjectName,
    pub(super) clustered: bool,
    pub(super) migration: Migration,
    pub(super) held: Option<String>,
}

/// Gathers the facts. Whether there is a turn is asked only where one is needed.
pub(super) fn facts(
    context: &Context,
    desk: &Dereferenced,
    rollout: Option<&RolloutStatus>,
    known: Known<'_>,
) -> Facts {
    let children = context.children.of_desk(&desk.key);
    let reports = context.reports_of(&desk.key);
    let step_deadline = step_deadline(context, &desk.system);
    let core = rollout.and_then(|rollout| rollout.core.as_ref());
    let leader = leader(&reports);
    let trader = trader(desk, &children, core, leader.as_ref());
    let running =
        rollout.is_none().then(|| running(desk, &children, &reports, known.target)).flatten();
    let parts = if known.clustered { parts(desk, &children, core) } else { none() };
    let voting = |agent: &TradingAgent| !is_delegated(agent);
    Facts {
        now: Timestamp::now(),
        patient_until: patient_until(context, &desk.system),
        generation: desk.generation(),
        target: known.target.clone(),
        clustered: known.clustered,
        retry: retry(desk),
        approved: desk.system.spec.migrations == Migrations::Automatic
            || approval(desk, known.target, running.is_some()).is_some(),
        turn: false,
        step_deadline,
        running,
        migration: known.migration,
        stands_by: reports.iter().any(|report| {
            stands_by(report, known.target) && is_ready(context, &desk.key.beside(&report.pod))
        }),
        serving: leader.as_ref().and_then(|leader| serving(desk, &children, leader)),
        leader,
        scaled_to_zero: trader.reason == Reason::ScaledToZero
            && rollout.is_none_or(|rollout| is_idle(desk, &children, rollout)),
        trader,
        parts,
        agents: agents(desk, voting, rollout, |rollout| rollout.agents.as_ref()),
        execution: agents(desk, is_delegated, rollout, |rollout| rollout.execution.as_ref()),
        held: known.held,
    }
}

/// How long a step of this desk may take.
fn step_deadline(context: &Context, system: &TradingSystem) -> Duration {
    let own = system.spec.rollout.as_ref().and_then(|rollout| rollout.step_deadline);
    own.map_or(context.settings.bounds.step, sapphire_crds::values::Duration::as_std)
}

/// Until when no deadline of this desk counts.
pub(super) fn patient_until(context: &Context, system: &TradingSystem) -> Timestamp {
    let patience = PATIENCE.min(step_deadline(context, system));
    let patience = SignedDuration::try_from(patience).unwrap_or_default();
    context.leads_since().saturating_add(patience).unwrap_or(Timestamp::MAX)
}

/// Whether a person asked to try again.
fn retry(desk: &Dereferenced) -> bool {
    let handled = desk.status().handled.unwrap_or_default();
    let annotations = desk.system.metadata.annotations.as_ref();
    pending(annotations, RECONCILE_NOW, handled.reconcile_now.as_ref()).is_some()
}

/// The value of the annotation that lets the target migrate the database. `true` does so once; where the
/// status was `lost` it may have done so already.
fn approval<'a>(desk: &'a Dereferenced, target: &ObjectName, lost: bool) -> Option<&'a str> {
    let annotations = desk.system.metadata.annotations.as_ref();
    let value = annotations?.get(MIGRATE)?;
    if value == target.as_str() {
        return Some(value);
    }
    let handled = desk.status().handled.unwrap_or_default();
    let once = pending(annotations, MIGRATE, handled.migrate.as_ref());
    once.filter(|value| *value == "true" && !lost)
}

/// The revision that runs although no status says so: the one that led last by its report, else that of a
/// trader's Deployment. One that is not the target comes first; the target may only have been about to come.
fn running(
    desk: &Dereferenced,
    children: &[(ChildRef, Arc<Live>)],
    reports: &[PodReport],
    target: &ObjectName,
) -> Option<ObjectName> {
    if let Some(said) = reports::last_leader(reports).and_then(PodReport::readable) {
        return Some(said.revision.clone());
    }
    let owner = desk.system.metadata.uid.as_deref().unwrap_or_default();
    let recorded = children.iter().filter(|(child, live)| {
        child.kind == Kind::ControllerRevision
            && live.label(labels::AGENT).is_none()
            && live.is_controlled_by(owner)
    });
    let names = recorded.filter_map(|(child, _)| child.key.name.parse::<ObjectName>().ok());
    let component = Component::Trader;
    let mut run: Vec<ObjectName> =
        names.filter(|name| deployments(children, desk, component, Some(name)).is_some()).collect();
    match run.iter().filter(|name| *name != target).count() {
        // Nobody can say which of several it was.
        0 | 1 => {
            run.sort_by_key(|name| name == target);
            run.into_iter().next()
        }
        _ => None,
    }
}

/// The revisions of all pods that lead by a report that is not stale, and of the one that led last: its
/// silence does not show that nothing is open.
pub(super) fn leaders(context: &Context, desk: &Dereferenced) -> BTreeSet<ObjectName> {
    let reports = context.reports_of(&desk.key);
    let leads = |report: &&PodReport| {
        report.age != Age::Stale && report.readable().is_some_and(|r| r.role == Role::Leader)
    };
    let leaders = reports.iter().filter(leads).chain(reports::last_leader(&reports));
    leaders.filter_map(|report| Some(report.readable()?.revision.clone())).collect()
}

fn leader(reports: &[PodReport]) -> Option<Leader> {
    let leader = reports::leader(reports)?;
    let revision = leader.readable()?.revision.clone();
    Some(Leader { revision, fresh: leader.age == Age::Fresh })
}

fn stands_by(report: &PodReport, target: &ObjectName) -> bool {
    report.age == Age::Fresh
        && report.readable().is_some_and(|said| {
            said.revision == *target && said.reconciled && said.role != Role::Quiesced
        })
}

/// Whether a pod answers now; what it reported it may not have lived to do.
fn is_ready(context: &Context, pod: &Key) -> bool {
    let live = context.children.get(Kind::Pod, pod);
    live.is_some_and(|live| matches!(&live.health, Health::Pod(pod) if pod.ready) && !live.deleting)
}

fn deployments<'a>(
    children: &'a [(ChildRef, Arc<Live>)],
    desk: &Dereferenced,
    component: Component,
    revision: Option<&ObjectName>,
) -> Option<&'a (ChildRef, Arc<Live>)> {
    let owner = desk.system.metadata.uid.as_deref().unwrap_or_default();
    let hash = revision.map(|revision| hash_of(&desk.key.name, revision));
    children.iter().find(|(child, live)| {
        child.kind == Kind::Deployment
            && live.is_controlled_by(owner)
            && live.label(labels::COMPONENT) == Some(component.as_str())
            && live.label(labels::REVISION) == hash
    })
}

/// The leader's revision, where enough of the desk serves, of whichever revision.
fn serving(
    desk: &Dereferenced,
    children: &[(ChildRef, Arc<Live>)],
    leader: &Leader,
) -> Option<ObjectName> {
    let trader = deployments(children, desk, Component::Trader, Some(&leader.revision))?;
    let owner = desk.system.metadata.uid.as_deref().unwrap_or_default();
    let serves = |component: Component| {
        children.iter().any(|(child, live)| {
            let (available, wanted) = workload::serving(live);
            child.kind == Kind::Deployment
                && live.is_controlled_by(owner)
                && live.label(labels::COMPONENT) == Some(component.as_str())
                && available >= wanted
        })
    };
    let all = workload::serving(&trader.1).0 > 0
        && [Component::Coordinator, Component::Api].into_iter().all(serves);
    all.then(|| leader.revision.clone())
}

/// Whether the trader that is to lead is to have no pods. An embedded desk has none beside the core's.
fn is_idle(
    desk: &Dereferenced,
    children: &[(ChildRef, Arc<Live>)],
    rollout: &RolloutStatus,
) -> bool {
    rollout.lead_revision.as_ref().is_none_or(|lead| {
        let trader = deployments(children, desk, Component::Trader, Some(lead));
        trader.is_some_and(|(_, live)| live.replicas == Some(0))
    })
}

/// How the trader of a revision stands. That nothing trades is told where nobody else leads.
fn trader(
    desk: &Dereferenced,
    children: &[(ChildRef, Arc<Live>)],
    revision: Option<&ObjectName>,
    leader: Option<&Leader>,
) -> Answer {
    let component = Component::Trader;
    let other = leader.map(|leader| &leader.revision).filter(|leader| Some(*leader) != revision);
    let other = other.and_then(|other| deployments(children, desk, component, Some(other)));
    let others_trade = other.is_some_and(|(_, live)| live.replicas != Some(0));
    match (revision, deployments(children, desk, component, revision)) {
        (Some(_), Some((child, live))) => {
            let mut answer = of_deployment(&child.key.name, live, component, children.iter());
            if answer.reason == Reason::ScaledToZero && !others_trade {
                answer.message += ", and nothing trades until then";
            }
            answer
        }
        (Some(revision), None) => missing(component, revision),
        (None, _) => waits("no revision of the desk is released yet"),
    }
}

/// How coordinator and readers stand: the first that does not answer, or all of them.
fn parts(
    desk: &Dereferenced,
    children: &[(ChildRef, Arc<Live>)],
    revision: Option<&ObjectName>,
) -> Answer {
    let Some(revision) = revision else { return waits("no revision of the desk is released yet") };
    let mut words = Vec::new();
    for component in [Component::Coordinator, Component::Api] {
        let answer = match deployments(children, desk, component, Some(revision)) {
            Some((child, live)) => of_deployment(&child.key.name, live, component, children.iter()),
            None => missing(component, revision),
        };
        if !answer.available {
            return answer;
        }
        words.push(answer.message);
    }
    Answer { available: true, reason: Reason::Available, message: words.join("; ") }
}

fn missing(component: Component, revision: &ObjectName) -> Answer {
    waits(&format!("the {component} of revision {revision} is not there yet"))
}

fn waits(words: &str) -> Answer {
    Answer { available: false, reason: Reason::Progressing, message: words.to_owned() }
}

fn none() -> Answer {
    Answer { available: true, reason: Reason::Available, message: String::new() }
}

/// Whether the agent trades by itself.
pub(super) fn is_delegated(agent: &TradingAgent) -> bool {
    matches!(agent.spec.authority.choice(), Ok(AuthorityChoice::Delegated(_)))
}

/// How some agents stand to the revision that is released for them. Where there is a revision to go back to
/// one that never ran is not waited for: it would undo every release of the desk, and lose nothing by one.
fn agents(
    desk: &Dereferenced,
    some: impl Fn(&TradingAgent) -> bool,
    rollout: Option<&RolloutStatus>,
    released: fn(&RolloutStatus) -> Option<&ObjectName>,
) -> Answer {
    let revision = rollout.and_then(released);
    let goes_back = rollout.is_some_and(|rollout| rollout.fallback.is_some());
    let waited_for = |agent: &TradingAgent| some(agent) && (has_run(agent) || !goes_back);
    let all: Vec<_> = desk.agents.iter().filter(|agent| waited_for(agent)).collect();
    let waiting: Vec<_> = all.iter().filter(|agent| !runs(agent, revision)).collect();
    let Some(first) = waiting.first() else {
        return Answer { message: format!("all {} agents run it", all.len()), ..none() };
    };
    let name = first.metadata.name.as_deref().unwrap_or_default();
    let ready = first.status.as_ref().and_then(|s| s.conditions.get(ConditionType::Ready));
    let why = match ready {
        Some(ready) if ready.status != "True" => ready.message.as_str(),
        _ => "its pods do not run this revision yet",
    };
    let done = all.len() - waiting.len();
    waits(&format!("{done} of {} agents run it; {name}: {why}", all.len()))
}

/// Whether the agent's pods ever answered, by any revision of it.
fn has_run(agent: &TradingAgent) -> bool {
    agent.status.as_ref().is_some_and(|status| {
        let on_first_trial = status.rollout.as_ref().is_some_and(|trial| trial.stable.is_none());
        status.revision.is_some() && !on_first_trial
    })
}

/// Whether all pods of an agent run against the revision and are ready. Of one that is scaled to zero
/// there are none. One whose own change was undone is Stalled, and its stable pods run all the same: a
/// person's mistake with one agent holds no release of the desk.
fn runs(agent: &TradingAgent, revision: Option<&ObjectName>) -> bool {
    let replicas = i32::try_from(agent.spec.replicas).unwrap_or(i32::MAX);
    let Some(status) = agent.status.as_ref() else { return false };
    replicas == 0
        || revision.is_some()
            && status.system_revision.as_ref() == revision
            && status.ready_replicas >= replicas
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::stored::Wire;
    use crate::system::examples;
    use crate::system::rollout::state::empty;
    use rstest::rstest;
    use sapphire_crds::trading_agent::TradingAgentStatus;
    use serde_json::json;

    fn agent(system_revision: &str, ready: i32) -> TradingAgent {
        let mut agent = (**examples::agent("one", json!({"consensus": {}}))).clone();
        agent.spec.replicas = 2;
        agent.status = Some(TradingAgentStatus {
            system_revision: system_revision.parse().ok(),
            ready_replicas: ready,
            ..TradingAgentStatus::default()
        });
        agent
    }

    #[rstest]
    #[case::all_of_them("desk-2", 2, true)]
    #[case::one_is_missing("desk-2", 1, false)]
    #[case::of_the_former("desk-1", 2, false)]
    fn an_agent_runs_a_release_when_its_pods_do(
        #[case] of: &str,
        #[case] ready: i32,
        #[case] expected: bool,
    ) {
        let released: ObjectName = "desk-2".parse().unwrap();
        assert_eq!(runs(&agent(of, ready), Some(&released)), expected);
    }

    #[rstest]
    #[case::it_ran(json!({"revision": "one-1"}), true)]
    #[case::its_change_is_on_trial(json!({"revision": "one-2",
        "rollout": {"revision": "one-2", "stable": "one-1"}}), true)]
    #[case::it_never_answered(json!({"revision": "one-1", "rollout": {"revision": "one-1"}}), false)]
    #[case::it_has_no_pods_yet(json!({}), false)]
    fn an_agent_that_never_ran_undoes_no_release_of_its_desk(
        #[case] status: serde_json::Value,
        #[case] ran: bool,
    ) {
        let mut object = serde_json::to_value(agent("desk-1", 0)).unwrap();
        object["status"] = status;
        object["status"]["conditions"] = json!([]);
        object["spec"] = examples::agent("one", json!({"consensus": {}})).written_spec();
        let wire: Wire<TradingAgent> = serde_json::from_value(object).unwrap();
        let desk = examples::dereferenced(
            examples::clustered(json!({})),
            vec![std::sync::Arc::new(wire.0.unwrap())],
        );
        let mut rollout = empty("desk-2".parse().unwrap());
        rollout.agents = "desk-2".parse().ok();
        let answers = |rollout: &RolloutStatus| {
            agents(&desk, |_| true, Some(rollout), |rollout| rollout.agents.as_ref()).available
        };
        assert!(!answers(&rollout), "a first installation waits for it");
        rollout.fallback = "desk-1".parse().ok();
        assert_eq!(answers(&rollout), !ran);
    }

    /// The trader of a desk's revision, to have so many pods.
    fn deployment(hash: &str, replicas: i32) -> (ChildRef, Arc<Live>) {
        let name = format!("desk-trader-{hash}");
        let object = json!({"metadata": {"name": name, "labels": {
            labels::COMPONENT: Component::Trader.as_str(), labels::REVISION: hash},
            "ownerReferences": [{"apiVersion": "v1", "kind": "TradingSystem", "name": "desk",
                "uid": "0000-1111", "controller": true}]},
            "spec": {"replicas": replicas}});
        let live = Live::read(Kind::Deployment, serde_json::from_value(object).unwrap());
        (ChildRef { kind: Kind::Deployment, key: Key::new("trading", name) }, Arc::new(live))
    }

    #[rstest]
    #[case::alone(None, 1, true)]
    #[case::beside_a_leader(Some("desk-1"), 1, false)]
    #[case::with_the_leader(Some("desk-1"), 0, true)]
    #[case::itself_on_its_way_out(Some("desk-2"), 1, true)]
    fn nothing_trades_where_the_only_trader_is_scaled_to_zero(
        #[case] leader: Option<&str>,
        #[case] others: i32,
        #[case] told: bool,
    ) {
        let desk = examples::dereferenced(examples::clustered(json!({})), Vec::new());
        let children = [deployment("1", others), deployment("2", 0)];
        let leader = leader.map(|name| Leader { revision: name.parse().unwrap(), fresh: true });
        let released = "desk-2".parse().unwrap();
        let answer = trader(&desk, &children, Some(&released), leader.as_ref());
        assert_eq!(answer.reason, Reason::ScaledToZero);
        assert_eq!(answer.message.contains("nothing trades"), told, "{}", answer.message);
    }

    #[test]
    fn nothing_is_run_before_it_is_released() {
        assert!(!runs(&agent("desk-2", 2), None));
        let mut stopped = agent("desk-2", 0);
        stopped.spec.replicas = 0;
        assert!(runs(&stopped, None));
    }
}
