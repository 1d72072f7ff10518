//! What a TradingAgent's status says.

use jiff::{SignedDuration, Timestamp};
use sapphire_crds::conditions::{ConditionType, Reason, Time, UNOBSERVED};
use sapphire_crds::names::annotations::{ABANDON, ADOPT_DEFAULTS, PROMOTE, RECONCILE_NOW};
use sapphire_crds::requests::Handled;
use sapphire_crds::trading_agent::{AuthorityChoice, FailedRevision, TradingAgentStatus};
use sapphire_crds::trading_system::RolloutStep;
use sapphire_crds::values::Text;
use sapphire_crds::{TradingAgentSpec, TradingSystem};

use super::canary::Course;
use super::dereference::Dereferenced;
use super::{Beside, Standing, build};
use crate::context::Context;
use crate::reconcile::conditions::{Answer, Setting, whole_seconds};
use crate::reconcile::health::Health;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::reconcile::revisions::Today;
use crate::reconcile::{requests, status_writer};

/// After so many failures in a row a trouble that trying again may get over is shown.
const SHOWN: u32 = 4;

/// Writes how the reconcile ended.
///
/// # Errors
/// When the status cannot be written.
pub(super) async fn tell(
    context: &Context,
    desk: &Dereferenced,
    outcome: &Result<Standing, Hold>,
    attempt: u32,
) -> Result<(), Hold> {
    let before = desk.status();
    let mut setting = Setting::new(&before.conditions, desk.generation(), Timestamp::now());
    let mut after = common(desk);
    match outcome {
        Ok(standing) => {
            after.handled = handled(desk);
            match standing {
                Standing::Nowhere => nowhere(&mut setting, desk, &mut after),
                Standing::Inside(system) => {
                    inside(&mut setting, &desk.agent.spec, system, &mut after);
                }
                Standing::Beside(found) => beside(context, &mut setting, desk, found, &mut after),
                Standing::Turned => return Ok(()),
            }
        }
        Err(hold) => {
            TradingAgentStatus::CONDITIONS.iter().for_each(|condition| setting.keep(*condition));
            count(context, desk, &mut after);
            match hold {
                Hold::Stalled { reason, message, .. } => setting.stalled(*reason, message.clone()),
                Hold::Waiting { reason, message, .. } => {
                    setting.reconciling(*reason, message.clone());
                }
                Hold::Transient(transient) => {
                    // A moment's trouble is no news.
                    if attempt < SHOWN && before.observed_generation > Some(UNOBSERVED) {
                        return Ok(());
                    }
                    setting.reconciling(Reason::Retrying, transient.to_string());
                }
            }
        }
    }
    after.conditions = setting.finish();
    write(context, desk, &after).await?;
    context.events.tell_stalled(&**desk.agent, &before.conditions, &after.conditions).await;
    Ok(())
}

/// Writes a turn of the agent's course before anything is done about it: another revision is to run, or
/// one was `undone`, which was a canary or not, for this reason.
///
/// # Errors
/// When the status cannot be written.
pub(super) async fn turn(
    context: &Context,
    desk: &Dereferenced,
    course: Course,
    undone: Option<(bool, &str)>,
) -> Result<(), Hold> {
    let before = desk.status();
    let mut setting = Setting::new(&before.conditions, desk.generation(), Timestamp::now());
    TradingAgentStatus::CONDITIONS.iter().for_each(|condition| setting.keep(*condition));
    let mut after = common(desk);
    let known = before.handled.clone().unwrap_or_default();
    after.handled = handled(desk).map(|handled| match (undone, &before.revision) {
        // These speak of what begins now.
        (None, Some(_)) => Handled {
            promote: known.promote,
            abandon: known.abandon,
            adopt_defaults: known.adopt_defaults,
            ..handled
        },
        // With the first one there is nothing to promote, abandon or adopt; where the status was lost, such words spoke
        // of what was before.
        _ => handled,
    });
    match (undone, &course.failed, &course.revision) {
        (Some((was_canary, _)), Some(failed), _) => {
            failed_conditions(&mut setting, desk, failed, was_canary, "");
        }
        (_, _, Some(revision)) => {
            setting.reconciling(Reason::Progressing, format!("revision {revision} comes up"));
            promoted(&mut setting, &course, &desk.agent.spec);
        }
        _ => {}
    }
    course.store(&mut after);
    after.conditions = setting.finish();
    write(context, desk, &after).await
}

/// What people asked for is done.
fn handled(desk: &Dereferenced) -> Option<Handled> {
    let annotations = desk.agent.metadata.annotations.as_ref();
    let known = desk.status().handled.unwrap_or_default();
    let value = |name| annotations.and_then(|all| all.get(name)).map(|value| Text::fitted(value));
    let handled = Handled {
        promote: value(PROMOTE),
        abandon: value(ABANDON),
        ..requests::handled(annotations, &known).unwrap_or_default()
    };
    (handled != Handled::default()).then_some(handled)
}

async fn write(
    context: &Context,
    desk: &Dereferenced,
    after: &TradingAgentStatus,
) -> Result<(), Hold> {
    let agent: &sapphire_crds::TradingAgent = &desk.agent;
    status_writer::write(context, &context.agents, agent, agent.status.as_ref(), after).await
}

/// What is said wherever the agent runs.
fn common(desk: &Dereferenced) -> TradingAgentStatus {
    let spec = &desk.agent.spec;
    let mut after = TradingAgentStatus {
        observed_generation: Some(desk.generation()),
        strategy: spec.strategy.choice().ok().map(|choice| Text::fitted(choice.name())),
        authority: spec.authority.choice().ok().map(|choice| {
            Text::fitted(match choice {
                AuthorityChoice::Consensus(_) => "consensus",
                AuthorityChoice::Delegated(_) => "delegated",
            })
        }),
        ..desk.status()
    };
    // Without a leader what it said last stays.
    if let Some((said, _)) = &desk.report {
        // Who has no vote has no share of the votes, whatever the leader counted before it knew.
        let votes = spec.authority.consensus.is_some() && !spec.paused;
        after.weight = said.weight.filter(|_| votes).map(|weight| weight.rounded(4));
        after.brier = said.brier.map(|brier| brier.rounded(4));
        after.scored_opinions = Some(said.scored);
        after.last_opinion_at = opinion_at(after.last_opinion_at, said.last_opinion_at.as_ref());
    }
    after
}

/// A desk that trades has an opinion of every agent at every bar: not each is worth a write.
const OPINIONS: SignedDuration = SignedDuration::from_mins(1);

fn opinion_at(known: Option<Time>, said: Option<&Time>) -> Option<Time> {
    let said = said.map(|at| whole_seconds(at.0));
    match (&known, &said) {
        (Some(before), Some(now)) if now.0.duration_since(before.0).abs() < OPINIONS => known,
        _ => said,
    }
}

fn no_pods(after: &mut TradingAgentStatus) {
    Course::default().store(after);
    (after.replicas, after.ready_replicas) = (0, 0);
    (after.selector, after.system_revision) = (None, None);
}

fn nowhere(setting: &mut Setting<'_>, desk: &Dereferenced, after: &mut TradingAgentStatus) {
    no_pods(after);
    let name = &desk.desk.name;
    setting.reconciling(
        Reason::SystemMissing,
        format!("there is no TradingSystem {name} in this namespace; create it, or delete this agent and create it for another"),
    );
    in_full(setting, &desk.agent.spec);
}

fn inside(
    setting: &mut Setting<'_>,
    spec: &TradingAgentSpec,
    system: &TradingSystem,
    after: &mut TradingAgentStatus,
) {
    let known = after.revision.take();
    no_pods(after);
    after.revision = known;
    let name = system.metadata.name.as_deref().unwrap_or_default();
    let status = system.status.as_ref();
    let core = status.and_then(|status| status.conditions.get(ConditionType::CoreAvailable));
    let current = status.and_then(|s| s.observed_generation) == system.metadata.generation;
    let rollout = status.and_then(|status| status.rollout.as_ref());
    let released = rollout.and_then(|rollout| rollout.core.clone());
    // While a change comes, the pod may be one without it; where it failed the former one is back.
    let rests = rollout
        .is_some_and(|rollout| rollout.step == RolloutStep::Complete || rollout.failed.is_some());
    // A desk that is held goes on with those that it had.
    let is_in = status.is_some_and(|s| s.conditions.holds(ConditionType::Ready))
        || after.revision == released;
    if current && rests && is_in && core.is_some_and(|core| core.status == "True") {
        after.revision = released;
        setting.ready(format!("it is part of the trader's pod, which answers{}", remarks(spec)));
    } else {
        // Not in the system's own words: they change with every step, and there may be many agents.
        setting.reconciling(
            Reason::WaitingForSystem,
            format!("it is part of the pod of TradingSystem {name}, which is not up with every change yet; see kubectl describe tsys {name}{}", remarks(spec)),
        );
    }
    in_full(setting, spec);
}

/// What a person who looks at an agent of a one-pod desk has to know.
fn remarks(spec: &TradingAgentSpec) -> String {
    unused(spec) + silenced(spec)
}

/// Of an agent that a person paused. Begins with `; ` unless it is empty.
const fn silenced(spec: &TradingAgentSpec) -> &'static str {
    if spec.paused { "; it is paused (spec.paused), and has no say" } else { "" }
}

/// What a person who scales an agent of a one-pod desk is told.
fn unused(spec: &TradingAgentSpec) -> String {
    if spec.replicas == 1 && spec.autoscaling.is_none() {
        return String::new();
    }
    let pause = if spec.replicas == 0 { "; to silence it, set spec.paused to true" } else { "" };
    format!(
        "; in a one-pod desk the agents run inside that pod, and spec.replicas ({}) and spec.autoscaling are not used{pause}",
        spec.replicas
    )
}

/// Counts its pods, where it has some of its own.
fn count(context: &Context, desk: &Dereferenced, after: &mut TradingAgentStatus) {
    let name = build::name(&desk.desk.name, &desk.key.name);
    let live = context.children.get(Kind::Deployment, &desk.key.beside(name));
    let live = live.filter(|live| live.is_controlled_by(&desk.owner().uid));
    if let Some(Health::Deployment(health)) = live.as_deref().map(|live| &live.health) {
        (after.replicas, after.ready_replicas) = (health.replicas, health.available);
    }
}

fn beside(
    context: &Context,
    setting: &mut Setting<'_>,
    desk: &Dereferenced,
    found: &Beside,
    after: &mut TradingAgentStatus,
) {
    let (system, agent) = (&desk.desk.name, &desk.key.name);
    count(context, desk, after);
    let selector = build::selector(system, agent);
    let selector: Vec<String> =
        selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    after.selector = Some(Text::fitted(&selector.join(",")));
    found.course.clone().store(after);
    let answer = &found.answer;
    if answer.available {
        after.system_revision = Some(found.released.clone());
    }
    match &found.today {
        Today::Unknown(_) => setting.keep(ConditionType::DefaultsOutdated),
        Today::Differs(difference) => setting.set(
            ConditionType::DefaultsOutdated,
            Answer::True,
            Reason::DefaultsDiffer,
            format!("this operator would render {difference}; kubectl annotate tagent {agent} --overwrite {ADOPT_DEFAULTS}=$(date +%s) adopts it and restarts pods"),
        ),
        Today::Same => setting.set(
            ConditionType::DefaultsOutdated,
            Answer::False,
            Reason::UpToDate,
            "this operator renders the same",
        ),
    }
    if let Some(Hold::Stalled { reason, message, .. }) = &found.held {
        let goes_on = found.course.revision.as_ref().map(|revision| {
            format!("{message}; until then its pods go on with revision {revision}")
        });
        setting.stalled(*reason, goes_on.unwrap_or_else(|| message.clone()));
        return promoted(setting, &found.course, &desk.agent.spec);
    }
    if let Some(failed) = &found.course.failed {
        failed_conditions(setting, desk, failed, was_canary(desk), &found.overlaps);
        return;
    }
    let aside = &found.overlaps;
    if !answer.available {
        setting.reconciling(answer.reason, answer.message.clone());
    } else if desk.agent.spec.replicas == 0 {
        setting.ready(format!(
            "spec.replicas is 0: it has no pods and no opinion until kubectl scale tagent {agent} --replicas=1"
        ));
    } else if let Some(canary) = &found.course.canary {
        let share = canary.weight.percent();
        let message = &answer.message;
        setting.ready(match desk.agent.spec.paused {
            true => format!("{message}{}", silenced(&desk.agent.spec)),
            false => format!("{message}; a canary, it votes with {share} of its weight{aside}"),
        });
    } else {
        setting.ready(format!("{}{}{aside}", answer.message, silenced(&desk.agent.spec)));
    }
    promoted(setting, &found.course, &desk.agent.spec);
}

/// Whether what was undone was a canary; said when it was undone, and kept.
fn was_canary(desk: &Dereferenced) -> bool {
    let status = desk.status();
    let promoted = status.conditions.get(ConditionType::Promoted);
    promoted.is_some_and(|promoted| promoted.reason == Reason::CanaryAbandoned.as_str())
}

fn failed_conditions(
    setting: &mut Setting<'_>,
    desk: &Dereferenced,
    failed: &FailedRevision,
    was_canary: bool,
    aside: &str,
) {
    let (name, revision) = (&desk.key.name, &failed.revision);
    let words = format!(
        "revision {revision} was undone: {}; the former one runs. Change the spec, or try the same again: kubectl annotate --overwrite tagent {name} {RECONCILE_NOW}=$(date +%s){aside}",
        failed.message.as_str()
    );
    if was_canary {
        setting.stalled(Reason::CanaryAbandoned, words.clone());
        setting.set(ConditionType::Promoted, Answer::False, Reason::CanaryAbandoned, words);
    } else {
        setting.stalled(Reason::DeadlineExceeded, words);
        in_full(setting, &desk.agent.spec);
    }
}

fn promoted(setting: &mut Setting<'_>, course: &Course, spec: &TradingAgentSpec) {
    let Some(canary) = &course.canary else {
        return in_full(setting, spec);
    };
    let confirmed = if canary.confirmed == Some(canary.weight) {
        "the leader confirms it"
    } else {
        "the leader has yet to confirm it, and it grows no further before"
    };
    setting.set(
        ConditionType::Promoted,
        Answer::False,
        Reason::CanaryGrowing,
        format!("it votes with {} of its weight; {confirmed}", canary.weight.percent()),
    );
}

fn in_full(setting: &mut Setting<'_>, spec: &TradingAgentSpec) {
    let words = match (spec.paused, spec.authority.delegated.is_some()) {
        (true, false) => "it is paused: it has no vote",
        (true, true) => "it is paused: it enters nothing",
        (false, true) => "it trades by itself: it needs nobody's vote",
        (false, false) => "its vote counts in full",
    };
    setting.set(ConditionType::Promoted, Answer::True, Reason::NoCanary, words);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::examples;
    use rstest::rstest;
    use sapphire_crds::conditions::Conditions;
    use sapphire_crds::values::ObjectName;
    use serde_json::json;

    #[rstest]
    #[case::the_first(None, Some("10:00:05"), Some("10:00:05"))]
    #[case::soon_after(Some("10:00:05"), Some("10:01:04"), Some("10:00:05"))]
    #[case::a_minute_later(Some("10:00:05"), Some("10:01:05"), Some("10:01:05"))]
    #[case::by_a_clock_that_was_set_back(Some("10:00:05"), Some("09:30:00"), Some("09:30:00"))]
    #[case::of_a_leader_that_knows_none(Some("10:00:05"), None, None)]
    fn an_opinion_is_told_once_a_minute(
        #[case] known: Option<&str>,
        #[case] said: Option<&str>,
        #[case] told: Option<&str>,
    ) {
        let time = |at: Option<&str>| {
            at.map(|at| Time(format!("2026-01-01T{at}Z").parse::<Timestamp>().unwrap()))
        };
        assert_eq!(opinion_at(time(known), time(said).as_ref()), time(told));
    }

    #[rstest]
    #[case::of_one_pod(1, "it is part of the trader's pod, which answers")]
    #[case::scaled(3, "spec.replicas (3) and spec.autoscaling are not used")]
    #[case::scaled_to_zero(0, "are not used; to silence it, set spec.paused to true")]
    fn who_scales_an_agent_of_the_traders_pod_is_told_that_it_has_no_pods(
        #[case] replicas: u32,
        #[case] words: &str,
    ) {
        let mut spec = examples::agent("one", json!({"consensus": {}})).spec.clone();
        spec.replicas = replicas;
        let mut system = TradingSystem::clone(&examples::system(json!({})));
        let told = |system: &TradingSystem| {
            let none = Conditions::default();
            let mut setting = Setting::new(&none, 1, Timestamp::UNIX_EPOCH);
            inside(&mut setting, &spec, system, &mut TradingAgentStatus::default());
            setting.finish().get(ConditionType::Ready).unwrap().message.clone()
        };
        assert_eq!(told(&system).contains("are not used"), replicas != 1, "while it comes up");
        let answers = |of: &str| {
            json!({"type": of, "status": "True", "reason": "Available", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        system.status = serde_json::from_value(json!({
            "observedGeneration": 1, "rollout": {"step": "Complete", "target": "r1", "core": "r1"},
            "conditions": [answers("Ready"), answers("CoreAvailable")],
        }))
        .unwrap();
        assert!(told(&system).ends_with(words), "{}", told(&system));
    }

    #[test]
    fn an_agent_that_a_person_paused_says_so() {
        let mut spec = examples::agent("one", json!({"consensus": {}})).spec.clone();
        let told = |spec: &TradingAgentSpec| {
            let none = Conditions::default();
            let mut setting = Setting::new(&none, 1, Timestamp::UNIX_EPOCH);
            let system = TradingSystem::clone(&examples::system(json!({})));
            inside(&mut setting, spec, &system, &mut TradingAgentStatus::default());
            let conditions = setting.finish();
            let words = |of| conditions.get(of).unwrap().message.clone();
            (words(ConditionType::Ready), words(ConditionType::Promoted))
        };
        assert!(told(&spec).1.contains("counts in full"));
        spec.paused = true;
        let (ready, promoted) = told(&spec);
        assert!(ready.ends_with("it is paused (spec.paused), and has no say"), "{ready}");
        assert!(promoted.contains("no vote"), "{promoted}");
        let delegated =
            json!({"delegated": {"symbols": ["BTCUSD"], "quantity": "1", "maxNotional": "10"}});
        spec = examples::agent("one", delegated).spec.clone();
        assert!(told(&spec).1.contains("nobody's vote"));
    }

    #[rstest]
    #[case::at_rest("Complete", "r1", false, true, None, true)]
    #[case::while_a_change_comes("Core", "r2", false, false, Some("r2"), false)]
    #[case::once_the_change_failed("Core", "r1", true, false, Some("r1"), true)]
    #[case::new_to_a_desk_that_is_held("Complete", "r1", false, false, None, false)]
    #[case::of_a_desk_that_is_held("Complete", "r1", false, false, Some("r1"), true)]
    fn an_agent_of_the_traders_pod_is_ready_where_that_pod_has_it(
        #[case] step: &str,
        #[case] core: &str,
        #[case] has_failed: bool,
        #[case] desk_is_ready: bool,
        #[case] known: Option<&str>,
        #[case] ready: bool,
    ) {
        let condition = |of: &str, holds: bool| {
            json!({"type": of, "status": if holds { "True" } else { "False" }, "reason": "R", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let failed = json!({"revision": "r2", "reason": "DeadlineExceeded", "step": "Core", "message": "m",
                "at": "2026-01-01T00:00:00Z"});
        let mut system = TradingSystem::clone(&examples::system(json!({})));
        system.metadata.generation = Some(3);
        system.status = serde_json::from_value(json!({
            "observedGeneration": 3,
            "rollout": {"step": step, "target": "r2", "core": core,
                "failed": has_failed.then_some(failed)},
            "conditions": [condition("Ready", desk_is_ready), condition("CoreAvailable", true)],
        }))
        .unwrap();
        let none = Conditions::default();
        let mut setting = Setting::new(&none, 1, Timestamp::UNIX_EPOCH);
        let revision = known.map(|name| name.parse().unwrap());
        let mut after = TradingAgentStatus { revision, ..TradingAgentStatus::default() };
        let agent = examples::agent("one", json!({"consensus": {}}));
        inside(&mut setting, &agent.spec, &system, &mut after);
        assert_eq!(setting.finish().holds(ConditionType::Ready), ready);
        let revision = after.revision.as_ref().map(ObjectName::as_str);
        assert_eq!(revision, if ready { Some("r1") } else { known });
    }
}
