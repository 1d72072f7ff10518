//! What a TradingSystem's status says.

use std::time::Duration;

use jiff::Timestamp;
use sapphire_crds::conditions::{ConditionType, Reason};
use sapphire_crds::trading_system::{AgentCount, RolloutStatus, RolloutStep, TradingSystemStatus};
use sapphire_crds::values::ObjectName;
use sapphire_crds::{TradingAgent, TradingSystem};

use super::Standing;
use super::core;
use super::dereference::Dereferenced;
use super::exposure;
use crate::context::Context;
use crate::reconcile::conditions::{Answer, Setting};
use crate::reconcile::health::Health;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::reconcile::requests;
use crate::reconcile::status_writer;
use crate::reconcile::workload::Answer as Core;

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
    outcome: &Result<Standing, Hold>,
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
            let children = context.children.of_desk(&desk.key);
            let core = core::of_desk(&standing.applied, &children);
            let agents = agents(desk, standing, &core);
            after.rollout = rollout(&before, standing, &core);
            after.agents = Some(AgentCount::of(agents.total, agents.ready));
            let handled = before.handled.clone().unwrap_or_default();
            let annotations = desk.system.metadata.annotations.as_ref();
            after.handled = requests::handled(annotations, &handled);
            standing_conditions(&mut setting, standing, &core, &agents);
            schema(&mut setting, standing);
        }
        Err(Hold::Stalled { reason, message, .. }) => setting.stalled(*reason, message.clone()),
        Err(Hold::Waiting { reason, message, .. }) => setting.reconciling(*reason, message.clone()),
        Err(Hold::Transient(transient)) => {
            // A moment's trouble is no news: a desk that is ready does not cease to be by it.
            if attempt < SHOWN && before.observed_generation.is_some() {
                after.observed_generation = before.observed_generation;
            } else {
                setting.reconciling(Reason::Retrying, transient.to_string());
            }
        }
    }
    after.conditions = setting.finish();
    write(context, desk, &after).await?;
    Ok(again)
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
        "spec.suspend is true: nothing is reconciled, trading goes on; set it to false to go on",
    );
    after.conditions = setting.finish();
    write(context, desk, &after).await?;
    Ok(again)
}

/// Writes the status where it changed.
///
/// # Errors
/// When it cannot be written.
pub(super) async fn write(
    context: &Context,
    desk: &Dereferenced,
    after: &TradingSystemStatus,
) -> Result<(), Hold> {
    let system: &TradingSystem = &desk.system;
    status_writer::write(context, &context.systems, system, system.status.as_ref(), after).await
}

fn rollout(
    before: &TradingSystemStatus,
    standing: &Standing,
    core: &Core,
) -> Option<RolloutStatus> {
    let target: ObjectName = standing.found.revision.name.parse().ok()?;
    let former = before.rollout.as_ref();
    // Agents are released once the core answers.
    let step = if core.available { RolloutStep::Complete } else { RolloutStep::Core };
    let done = |was: Option<&ObjectName>| {
        if core.available { Some(target.clone()) } else { was.cloned() }
    };
    Some(RolloutStatus {
        step,
        core: Some(target.clone()),
        agents: done(former.and_then(|former| former.agents.as_ref())),
        execution: done(former.and_then(|former| former.execution.as_ref())),
        fallback: None,
        lead_revision: None,
        started_at: None,
        deadline: None,
        failed: None,
        target,
    })
}

/// How the agents stand.
struct Agents {
    total: i32,
    ready: i32,
    answer: Core,
}

fn agents(desk: &Dereferenced, standing: &Standing, core: &Core) -> Agents {
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let total = number(desk.agents.len());
    if standing.embedded {
        let message = format!("the agents are part of the trader's pod: {}", core.message);
        let reason = if core.available { Reason::Available } else { Reason::Progressing };
        let answer = Core { available: core.available, reason, message };
        return Agents { total, ready: if core.available { total } else { 0 }, answer };
    }
    let is_ready = |agent: &TradingAgent| {
        let status = agent.status.as_ref();
        status.is_some_and(|status| {
            status.conditions.holds(ConditionType::Ready)
                && status.observed_generation == agent.metadata.generation
        })
    };
    let waiting: Vec<&str> = desk
        .agents
        .iter()
        .filter(|agent| !is_ready(agent))
        .filter_map(|agent| agent.metadata.name.as_deref())
        .collect();
    let ready = total - number(waiting.len());
    let (reason, message) = match waiting.first() {
        _ if total == 0 => (Reason::AgentsMissing, "no TradingAgent names this system".to_owned()),
        Some(first) => {
            (Reason::Progressing, format!("{ready} of {total} agents are ready; {first} is not"))
        }
        None => (Reason::Available, format!("all {total} agents are ready")),
    };
    let answer = Core { available: waiting.is_empty() && total > 0, reason, message };
    Agents { total, ready, answer }
}

fn schema(setting: &mut Setting<'_>, standing: &Standing) {
    let (answer, reason, words) = if standing.embedded {
        (Answer::True, Reason::NotNeeded, "the trader migrates its own file".to_owned())
    } else {
        match standing.applied.of(Kind::Pod).next().map(|(_, live)| &live.health) {
            Some(Health::Pod(pod)) if pod.phase == "Succeeded" => {
                (Answer::True, Reason::UpToDate, "the migration completed".to_owned())
            }
            Some(Health::Pod(pod)) if pod.phase == "Failed" => {
                let words = pod.ended.as_ref().map_or("no last words", |(_, words)| words);
                (Answer::False, Reason::MigrationFailed, format!("the migration failed: {words}"))
            }
            _ => (Answer::False, Reason::Migrating, "the migration pod runs".to_owned()),
        }
    };
    setting.set(ConditionType::SchemaCurrent, answer, reason, words);
}

fn standing_conditions(
    setting: &mut Setting<'_>,
    standing: &Standing,
    core: &Core,
    agents: &Agents,
) {
    match [core, &agents.answer].into_iter().find(|answer| !answer.available) {
        None => setting.ready("every part of the desk answers"),
        Some(waiting) => setting.reconciling(waiting.reason, waiting.message.clone()),
    }
    let available = Answer::from(core.available);
    setting.set(ConditionType::CoreAvailable, available, core.reason, core.message.clone());
    let answer = &agents.answer;
    let available = Answer::from(answer.available);
    setting.set(ConditionType::AgentsAvailable, available, answer.reason, answer.message.clone());
    match &standing.found.outdated {
        Some(difference) => setting.set(
            ConditionType::DefaultsOutdated,
            Answer::True,
            Reason::DefaultsDiffer,
            format!("this operator would render {difference}; kubectl annotate tsys NAME {}=$(date +%F) adopts it and restarts pods", sapphire_crds::names::annotations::ADOPT_DEFAULTS),
        ),
        None => setting.set(
            ConditionType::DefaultsOutdated,
            Answer::False,
            Reason::UpToDate,
            "this operator renders the same",
        ),
    }
}
