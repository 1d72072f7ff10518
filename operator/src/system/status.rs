//! What a TradingSystem's status says.

pub(crate) mod agents;
mod words;

use std::time::Duration;

use jiff::Timestamp;
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::{ConditionType, Reason, UNOBSERVED};
use sapphire_crds::names::annotations::{ADOPT_DEFAULTS, HALTED_BY_HAND, MIGRATE};
use sapphire_crds::requests::Handled;
use sapphire_crds::trading_system::{RolloutFailure, RolloutStep, TradingSystemStatus};
use sapphire_crds::values::Text;

use super::Standing;
use super::dereference::Dereferenced;
use super::exposure;
use super::rollout::state::needs_migration;
use super::rollout::{Migration, Told};
use super::telling;
use crate::context::Context;
use crate::reconcile::conditions::{Answer, Setting};
use crate::reconcile::outcome::Hold;
use crate::reconcile::requests;
use crate::reconcile::revisions::Today;
use crate::reconcile::status_writer;
use crate::reconcile::workload::Answer as Core;
use agents::{Agents, agents, of_held};

/// After so many failures in a row a trouble that trying again may get over is shown.
const SHOWN: u32 = 4;

/// Writes how the reconcile ended, and what the traders report. Gives when to look again without being
/// woken.
///
/// # Errors
/// When the status cannot be written.
pub(super) async fn tell(
    context: &Context,
    desk: &Dereferenced,
    outcome: &Result<Standing<'_>, Hold>,
    attempt: u32,
) -> Result<Option<Duration>, Hold> {
    let before = desk.status();
    let mut after = before.clone();
    let now = Timestamp::now();
    let generation = desk.generation();
    let mut setting = Setting::new(&before.conditions, generation, now);
    TradingSystemStatus::CONDITIONS.iter().for_each(|condition| setting.keep(*condition));
    let again = exposure::tell(context, desk, &mut setting, &mut after);
    after.observed_generation = Some(generation);
    match outcome {
        Ok(standing) => {
            let core = core(standing);
            let mut agents = agents(context, desk, standing, &core).await;
            let aside = by_hand(desk) + &left_under(desk);
            agents.remarks += &aside;
            after.rollout = Some(standing.decision.rollout.clone());
            after.agents = Some(agents.count());
            after.handled = handled(desk, standing);
            standing_conditions(&mut setting, &desk.key.name, standing, &core, &agents, &aside);
            schema(&mut setting, standing);
        }
        Err(Hold::Stalled { reason, message, .. }) => {
            setting.stalled(*reason, meanwhile(desk, &before, message));
        }
        Err(Hold::Waiting { reason, message, .. }) => {
            setting.reconciling(*reason, meanwhile(desk, &before, message));
        }
        Err(Hold::Transient(transient)) => {
            // A moment's trouble is no news: a desk that is ready does not cease to be by it.
            if attempt < SHOWN && before.observed_generation > Some(UNOBSERVED) {
                after.observed_generation = before.observed_generation;
            } else {
                setting.reconciling(Reason::Retrying, transient.to_string());
            }
        }
    }
    if !matches!(outcome, Ok(_) | Err(Hold::Transient(_))) {
        tell_agents(context, desk, &before, &mut setting, &mut after).await;
    }
    after.conditions = setting.finish();
    let uid = desk.system.metadata.uid.as_deref().unwrap_or_default();
    if let Some(pause) = words::wait(&context.sights, uid, &before, &after) {
        return Ok(Some(again.map_or(pause, |again| again.min(pause))));
    }
    write(context, desk, &after).await?;
    // What was undone is told in the words of its condition.
    let undone =
        |standing: &Standing<'_>| matches!(standing.decision.told, Some(Told::Undone { .. }));
    if !outcome.as_ref().is_ok_and(undone) {
        context.events.tell_stalled(&**desk.system, &before.conditions, &after.conditions).await;
    }
    Ok(again)
}

/// How the agents stand while their desk is held.
async fn tell_agents(
    context: &Context,
    desk: &Dereferenced,
    before: &TradingSystemStatus,
    setting: &mut Setting<'_>,
    after: &mut TradingSystemStatus,
) {
    if let Some(agents) = of_held(context, desk, before).await {
        after.agents = Some(agents.count());
        agents.tell(setting);
    }
}

/// What keeps a desk from being brought about, and what becomes of it where it runs already.
fn meanwhile(desk: &Dereferenced, before: &TradingSystemStatus, message: &str) -> String {
    let runs = before.rollout.as_ref().is_some_and(|rollout| rollout.core.is_some());
    let is_told = message.contains("what runs");
    let goes_on = if runs && !is_told { "; meanwhile what runs goes on as it was" } else { "" };
    format!("{message}{goes_on}{}", by_hand(desk))
}

/// Under which policy pods are that the desk does not name; begins with `; ` unless it is empty.
fn left_under(desk: &Dereferenced) -> String {
    match desk.left_under() {
        Some(policy) => format!("; pods are still under RiskPolicy {policy}"),
        None => String::new(),
    }
}

/// Of why a person halted a desk so many characters are told.
const WHY: usize = 200;

/// That a person halted the desk; begins with `; ` unless it is empty.
fn by_hand(desk: &Dereferenced) -> String {
    let annotations = desk.system.metadata.annotations.as_ref();
    let Some(why) = annotations.and_then(|all| all.get(HALTED_BY_HAND)) else {
        return String::new();
    };
    let why: String = why.chars().take(WHY).collect();
    let why = if why.is_empty() { why } else { format!(" ({why})") };
    let name = &desk.key.name;
    format!(
        "; it is halted by hand{why}, and kubectl annotate tsys {name} {HALTED_BY_HAND}- lifts that"
    )
}

/// Writes that nothing is reconciled. What the traders report is told all the same: a deletion is
/// refused by it. Gives when to look again without being woken.
///
/// # Errors
/// When the status cannot be written.
pub(super) async fn suspended(
    context: &Context,
    desk: &Dereferenced,
) -> Result<Option<Duration>, Hold> {
    let before = desk.status();
    let mut setting = Setting::new(&before.conditions, desk.generation(), Timestamp::now());
    TradingSystemStatus::CONDITIONS.iter().for_each(|condition| setting.keep(*condition));
    let mut after =
        TradingSystemStatus { observed_generation: Some(desk.generation()), ..before.clone() };
    let again = exposure::tell(context, desk, &mut setting, &mut after);
    setting.stalled(
        Reason::Suspended,
        "spec.suspend is true: nothing but limits is reconciled, trading goes on; set it to false to go on",
    );
    tell_agents(context, desk, &before, &mut setting, &mut after).await;
    if let Some(rollout) =
        after.rollout.as_mut().filter(|rollout| rollout.step != RolloutStep::Complete)
    {
        // Its time stands still, and others may have its turn.
        rollout.started_at = None;
        rollout.deadline = None;
    }
    after.conditions = setting.finish();
    write(context, desk, &after).await?;
    Ok(again)
}

/// Writes the status where it changed, and tells what the desk may do now where that is another thing.
///
/// # Errors
/// When it cannot be written.
pub(super) async fn write(
    context: &Context,
    desk: &Dereferenced,
    after: &TradingSystemStatus,
) -> Result<(), Hold> {
    let system: &TradingSystem = &desk.system;
    let before = system.status.as_ref();
    status_writer::write(context, &context.systems, system, before, after).await?;
    let said = before.and_then(|before| before.report.as_ref());
    telling::of_trading_state(context, desk, said, after.report.as_ref()).await;
    Ok(())
}

/// What annotations were acted upon by this reconcile and those before.
fn handled(desk: &Dereferenced, standing: &Standing<'_>) -> Option<Handled> {
    let annotations = desk.system.metadata.annotations.as_ref();
    let mut before = desk.status().handled.unwrap_or_default();
    let value = annotations.and_then(|all| all.get(MIGRATE));
    let migrates = standing.decision.wait.as_ref().is_some_and(|w| w.reason == Reason::Migrating)
        || matches!(standing.facts.migration, Migration::Waits(..));
    let lost = desk.status().rollout.is_none() && standing.facts.running.is_some();
    // A `true` that let this revision migrate, or one that the lost status knew of, lets no other one.
    before.migrate = match value {
        Some(value) if value == "true" && (migrates || lost) => Some(Text::fitted(value)),
        Some(_) => before.migrate,
        None => None,
    };
    requests::handled(annotations, &before)
}

/// How the core stands: all parts of it answer, and one trader leads. An embedded desk's one pod leads by
/// itself.
fn core(standing: &Standing<'_>) -> Core {
    let facts = &standing.facts;
    if let Some(waiting) = [&facts.trader, &facts.parts].into_iter().find(|part| !part.available) {
        return waiting.clone();
    }
    let message = [facts.trader.message.as_str(), facts.parts.message.as_str()];
    let message = message.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>();
    let message = message.join("; ");
    if facts.clustered && facts.leader.is_none() {
        let message = format!("no trader reports that it leads; {message}");
        return Core { available: false, reason: Reason::NoLeader, message };
    }
    Core { available: true, reason: Reason::Available, message }
}

/// The same, unless enough of the desk serves whatever does not answer: a revision that comes up beside the
/// one that leads, or a standby of that. Ready tells of these.
fn serving(standing: &Standing<'_>, core: &Core) -> Core {
    match &standing.facts.serving {
        Some(revision) if !core.available => Core {
            available: true,
            reason: Reason::Available,
            message: format!("revision {revision} leads and serves; {}", core.message),
        },
        _ => core.clone(),
    }
}

/// Whether the database has the schema that the released pods expect, and is about to have that of those
/// to come.
fn schema(setting: &mut Setting<'_>, standing: &Standing<'_>) {
    let rollout = &standing.decision.rollout;
    let (answer, reason, words) = if !standing.facts.clustered {
        (Answer::True, Reason::NotNeeded, "the trader migrates its own file".to_owned())
    } else {
        let failed = rollout.failed.as_ref();
        let failed = failed.filter(|failed| failed.reason == RolloutFailure::MigrationFailed);
        match (failed, &standing.decision.wait) {
            (Some(failed), _) => {
                (Answer::False, Reason::MigrationFailed, failed.message.to_string())
            }
            (_, Some(wait)) if wait.reason == Reason::WaitingForApproval => {
                (Answer::False, wait.reason, wait.message.clone())
            }
            (None, _) if rollout.failed.is_none() && needs_migration(rollout, true) => {
                let words = format!("revision {} has yet to migrate the database", rollout.target);
                (Answer::False, Reason::Migrating, words)
            }
            _ => (
                Answer::True,
                Reason::UpToDate,
                "the released revision's migration completed".to_owned(),
            ),
        }
    };
    setting.set(ConditionType::SchemaCurrent, answer, reason, words);
}

/// What is told of the desk, and that it was stopped meanwhile where the words do not say so.
fn with_stop(message: &str, core: &Core) -> String {
    if core.reason == Reason::ScaledToZero && !message.contains(&core.message) {
        return format!("{message}; meanwhile {}", core.message);
    }
    message.to_owned()
}

fn standing_conditions(
    setting: &mut Setting<'_>,
    name: &str,
    standing: &Standing<'_>,
    core: &Core,
    agents: &Agents,
    aside: &str,
) {
    let told = |message: &str| with_stop(message, core) + aside;
    match (&standing.decision.wait, &standing.held) {
        (Some(wait), _) if wait.stalled => setting.stalled(wait.reason, told(&wait.message)),
        (_, Some(Hold::Stalled { reason, message, .. })) => {
            setting.stalled(*reason, told(message));
        }
        (_, Some(Hold::Waiting { reason, message, .. })) => {
            setting.reconciling(*reason, told(message));
        }
        (_, Some(Hold::Transient(transient))) => {
            setting.reconciling(Reason::Retrying, told(&transient.to_string()));
        }
        (Some(wait), _) => setting.reconciling(wait.reason, told(&wait.message)),
        (None, _) => match [core, &agents.answer].into_iter().find(|answer| !answer.available) {
            None => setting.ready(format!("every part of the desk answers{}", agents.remarks)),
            Some(answer) if answer.reason == Reason::AgentStalled => {
                setting.stalled(answer.reason, answer.message.clone());
            }
            Some(waiting) => setting.reconciling(waiting.reason, waiting.message.clone()),
        },
    }
    let core = serving(standing, core);
    let available = Answer::from(core.available);
    setting.set(ConditionType::CoreAvailable, available, core.reason, core.message);
    agents.tell(setting);
    match &standing.found.today {
        // It stays as it was said.
        Today::Unknown(_) => {}
        Today::Differs(difference) => setting.set(
            ConditionType::DefaultsOutdated,
            Answer::True,
            Reason::DefaultsDiffer,
            format!("this operator would render {difference}; kubectl annotate tsys {name} --overwrite {ADOPT_DEFAULTS}=$(date +%s) adopts it and restarts pods"),
        ),
        Today::Same => setting.set(
            ConditionType::DefaultsOutdated,
            Answer::False,
            Reason::UpToDate,
            "this operator renders the same",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::stored::Wire;
    use crate::system::examples::{dereferenced, system};
    use rstest::rstest;
    use serde_json::{Value, json};
    use std::sync::Arc;

    #[rstest]
    #[case::under_way(Reason::ScaledToZero, "it migrates", "it migrates; meanwhile trader at zero")]
    #[case::says_so(Reason::ScaledToZero, "it waits: trader at zero", "it waits: trader at zero")]
    #[case::of_other_trouble(Reason::CrashLooping, "it migrates", "it migrates")]
    fn that_a_desk_was_stopped_is_told_whatever_is_under_way(
        #[case] reason: Reason,
        #[case] message: &str,
        #[case] told: &str,
    ) {
        let core = Core { available: false, reason, message: "trader at zero".to_owned() };
        assert_eq!(with_stop(message, &core), told);
    }

    #[rstest]
    #[case::never_released(Value::Null, "it waits")]
    #[case::about_to_be(json!({"step": "Core", "target": "desk-1"}), "it waits")]
    #[case::runs(json!({"step": "Core", "target": "desk-2", "core": "desk-1"}),
        "it waits; meanwhile what runs goes on as it was")]
    fn of_a_desk_that_is_held_it_is_told_what_becomes_of_what_runs(
        #[case] rollout: Value,
        #[case] words: &str,
    ) {
        let before = serde_json::from_value(json!({"rollout": rollout, "conditions": []})).unwrap();
        let mut desk = dereferenced(system(json!({})), Vec::new());
        assert_eq!(meanwhile(&desk, &before, "it waits"), words);
        let mut halted = serde_json::to_value(&**desk.system).unwrap();
        halted["metadata"]["annotations"] = json!({HALTED_BY_HAND: "somebody"});
        desk.system =
            Arc::new(serde_json::from_value::<Wire<TradingSystem>>(halted).unwrap().0.unwrap());
        let told = meanwhile(&desk, &before, "it waits");
        assert!(told.starts_with(words) && told.contains("halted by hand"), "{told}");
    }
}
