//! The status that follows from a status and the facts: at most one step further.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sapphire_crds::conditions::{Reason, Time};
use sapphire_crds::trading_system::{FailedRollout, RolloutFailure, RolloutStatus, RolloutStep};
use sapphire_crds::values::{ObjectName, Text};

use super::facts::{Facts, Migration};
use super::state::{
    empty, first_unfinished, found, had_its_time, holds_turn, needs_migration, release, released,
    settle, stable,
};
use crate::reconcile::conditions::whole_seconds;
use crate::reconcile::workload::Answer;

/// What is to be remembered, said and waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What `status.rollout` becomes.
    pub rollout: RolloutStatus,
    /// What is waited for. `None`: nothing is under way.
    pub wait: Option<Wait>,
    /// What people are told once the status is written.
    pub told: Option<Told>,
    /// When to look again although nothing happened.
    pub again: Option<Duration>,
}

impl Decision {
    /// Whether a turn is what it waits for.
    pub fn wants_turn(&self) -> bool {
        self.wait.as_ref().is_some_and(|wait| wait.reason == Reason::WaitingForTurn)
    }
}

/// What a rollout waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The condition's reason.
    pub reason: Reason,
    /// In words.
    pub message: String,
    /// Whether only a person can go on.
    pub stalled: bool,
}

/// What people are told, once each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Pods of `from` are about to be replaced.
    Restarts {
        /// The core's revision till now.
        from: ObjectName,
    },
    /// A step failed, and what ran before runs again.
    Undone {
        /// What failed, and why.
        words: String,
    },
    /// Every step is done.
    Complete,
}

/// Looks again for a free turn although nothing was heard: nobody should wait for ever for a word that
/// got lost.
const TURN: Duration = Duration::from_secs(60);

/// The status that follows.
pub fn decide(before: Option<&RolloutStatus>, facts: &Facts) -> Decision {
    let tried_again;
    let mut facts = facts;
    let mut rollout = before.cloned().unwrap_or_else(|| match &facts.running {
        Some(running) => found(running, &facts.target, facts.clustered),
        None => empty(facts.target.clone()),
    });
    let held = holds_turn(&rollout, facts.now, facts.patient_until);
    if has_more_time(&rollout, facts) {
        (rollout.started_at, rollout.deadline) = (None, None);
    }
    if rollout.target != facts.target {
        rollout.target = facts.target.clone();
        begin(&mut rollout);
    } else if let Some(failed) = &rollout.failed {
        if !facts.retry && failed.generation == facts.generation {
            return stays_failed(rollout.clone(), failed);
        }
        // An attempt is told from the one that failed by the second of its beginning.
        let next = failed.at.0.saturating_add(SignedDuration::from_secs(1));
        tried_again = Facts { now: facts.now.max(next.unwrap_or(Timestamp::MAX)), ..facts.clone() };
        facts = &tried_again;
        begin(&mut rollout);
    }
    match rollout.step {
        RolloutStep::Complete => still(rollout, None, None),
        RolloutStep::Core if is_stopped(&rollout, facts) => stopped(rollout, facts),
        _ if rollout.started_at.is_none() => start(rollout, facts, held),
        RolloutStep::Core => core(rollout, facts, held),
        RolloutStep::Agents => agents(rollout, facts, held, &facts.agents),
        RolloutStep::Execution => agents(rollout, facts, held, &facts.execution),
    }
}

/// Goes to the first step that is not at the target, which has yet to be started.
fn begin(rollout: &mut RolloutStatus) {
    rollout.failed = None;
    rollout.started_at = None;
    rollout.deadline = None;
    rollout.step = first_unfinished(rollout);
    rollout.fallback = stable(rollout, rollout.step).cloned();
}

/// Whether a step that had its time, and gave its turn to another, has been given more since. It starts anew,
/// and waits for a turn as everybody does.
fn has_more_time(rollout: &RolloutStatus, facts: &Facts) -> bool {
    let due = rollout.started_at.as_ref().map(|started| due(started, facts.step_deadline));
    rollout.fallback.is_some()
        && had_its_time(rollout, facts.now, facts.patient_until)
        && due.is_some_and(|due| due.0 > facts.now)
}

fn stays_failed(rollout: RolloutStatus, failed: &FailedRollout) -> Decision {
    let reason = match failed.reason {
        RolloutFailure::MigrationFailed => Reason::MigrationFailed,
        RolloutFailure::DeadlineExceeded => Reason::DeadlineExceeded,
    };
    let message = failed.message.to_string();
    still(rollout, Some(Wait { reason, message, stalled: true }), None)
}

/// The desk that a revision is of: the hash is what follows its name.
fn system_of(revision: &ObjectName) -> &str {
    revision.as_str().rsplit_once('-').map_or(revision.as_str(), |(system, _)| system)
}

/// `held`: it has a turn already.
fn start(mut rollout: RolloutStatus, facts: &Facts, held: bool) -> Decision {
    rollout.fallback = stable(&rollout, rollout.step).cloned();
    let migrates = needs_migration(&rollout, facts.clustered);
    if migrates && !facts.approved {
        let message = format!(
            "revision {target} waits until it may migrate the database; kubectl annotate tsys {system} --overwrite {annotation}={target} lets it",
            system = system_of(&rollout.target),
            target = rollout.target,
            annotation = sapphire_crds::names::annotations::MIGRATE,
        );
        return still(rollout, Some(waits(Reason::WaitingForApproval, message)), None);
    }
    if rollout.fallback.is_some() && !held && !facts.turn {
        let message = format!(
            "as many systems as the operator allows roll out already; revision {} waits for its turn",
            rollout.target
        );
        return still(rollout, Some(waits(Reason::WaitingForTurn, message)), Some(TURN));
    }
    let from = rollout.core.clone().filter(|core| *core != rollout.target);
    let told =
        from.filter(|_| rollout.step == RolloutStep::Core).map(|from| Told::Restarts { from });
    clock(&mut rollout, facts);
    if migrates {
        let message = format!("revision {} migrates the database", rollout.target);
        return Decision { told, ..still(rollout, Some(waits(Reason::Migrating, message)), None) };
    }
    release_target(&mut rollout, facts);
    let wait = under_way(&rollout, "it is applied");
    Decision { told, ..still(rollout, Some(wait), None) }
}

fn release_target(rollout: &mut RolloutStatus, facts: &Facts) {
    let (step, target) = (rollout.step, rollout.target.clone());
    release(rollout, step, target.clone());
    let first = rollout.lead_revision.is_none();
    let back = rollout.fallback.as_ref() == Some(&target);
    // Nobody leads yet, or the trader that is gone back to is the one that led.
    if step == RolloutStep::Core && facts.clustered && (first || back) {
        rollout.lead_revision = Some(target);
    }
}

fn clock(rollout: &mut RolloutStatus, facts: &Facts) {
    let started = whole_seconds(facts.now);
    rollout.deadline = Some(due(&started, facts.step_deadline));
    rollout.started_at = Some(started);
}

fn due(started: &Time, span: Duration) -> Time {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    whole_seconds(started.0.saturating_add(span).unwrap_or(Timestamp::MAX))
}

fn core(mut rollout: RolloutStatus, facts: &Facts, held: bool) -> Decision {
    if rollout.core.as_ref() != Some(&rollout.target) {
        return migrate(rollout, facts);
    }
    if let Some(held) = &facts.held {
        let wait = under_way(&rollout, held);
        return until_deadline(rollout, facts, wait);
    }
    let leads = facts.leader.as_ref().is_some_and(|l| l.fresh && l.revision == rollout.target);
    if facts.clustered && rollout.lead_revision.as_ref() != Some(&rollout.target) {
        if facts.stands_by {
            rollout.lead_revision = Some(rollout.target.clone());
            let message = format!("revision {} stands by and is to lead", rollout.target);
            return still(rollout, Some(waits(Reason::HandingOver, message)), None);
        }
        let message = if facts.trader.available {
            format!("no pod of revision {} reports that it could lead yet", rollout.target)
        } else {
            facts.trader.message.clone()
        };
        let wait = trouble(&rollout, &facts.trader, &message);
        return until_deadline(rollout, facts, wait);
    }
    let answers = facts.trader.available && (leads || !facts.clustered);
    // What answered before proves nothing by answering again.
    let proven = stable(&rollout, RolloutStep::Core) == Some(&rollout.target);
    if facts.parts.available && (answers || proven && nobody_is_to_trade(facts)) {
        return done(rollout, facts, held);
    }
    let wait = match (&facts.parts, &facts.trader) {
        (parts, _) if !parts.available => trouble(&rollout, parts, &parts.message),
        (_, trader) if !trader.available => trouble(&rollout, trader, &trader.message),
        _ => {
            let message = match &facts.leader {
                Some(leader) if leader.revision != rollout.target => {
                    format!("revision {} is to hand over to {}", leader.revision, rollout.target)
                }
                Some(_) => format!(
                    "the leader of revision {} has not been heard of since this operator began",
                    rollout.target
                ),
                None => format!("no pod of revision {} leads yet", rollout.target),
            };
            waits(Reason::HandingOver, message)
        }
    };
    until_deadline(rollout, facts, wait)
}

/// Whether a person stopped the desk. One pod is all of it, whoever led last by what it left behind.
const fn nobody_is_to_trade(facts: &Facts) -> bool {
    facts.scaled_to_zero && (facts.leader.is_none() || !facts.clustered)
}

/// Whether the target is released, has yet to answer for the first time, and is to have no pod that could.
fn is_stopped(rollout: &RolloutStatus, facts: &Facts) -> bool {
    let target = Some(&rollout.target);
    rollout.core.as_ref() == target
        && stable(rollout, RolloutStep::Core) != target
        && nobody_is_to_trade(facts)
}

/// Its time stands still, and others may have its turn: nothing is proven without a pod, and nothing refuted.
/// Once it is scaled up it begins anew, and leads.
fn stopped(mut rollout: RolloutStatus, facts: &Facts) -> Decision {
    (rollout.started_at, rollout.deadline) = (None, None);
    if facts.clustered {
        rollout.lead_revision = Some(rollout.target.clone());
    }
    let words = format!("{}; the step's time stands still", facts.trader.message);
    let wait = trouble(&rollout, &facts.trader, &words);
    still(rollout, Some(wait), None)
}

fn migrate(mut rollout: RolloutStatus, facts: &Facts) -> Decision {
    let pod = match &facts.migration {
        Migration::Succeeded => {
            release_target(&mut rollout, facts);
            let wait = under_way(&rollout, "the database is migrated");
            return still(rollout, Some(wait), None);
        }
        Migration::Failed(words) => {
            let message = format!("the migration failed: {words}");
            return fail(rollout, facts, RolloutFailure::MigrationFailed, &message);
        }
        Migration::Absent => facts.held.clone().unwrap_or_else(|| "its pod is made".to_owned()),
        Migration::Runs(words) | Migration::Waits(_, words) | Migration::Disrupted(words) => {
            words.clone()
        }
    };
    let reason = match &facts.migration {
        Migration::Waits(reason, _) => *reason,
        _ => Reason::Migrating,
    };
    let message = format!("revision {} migrates the database: {pod}", rollout.target);
    until_deadline(rollout, facts, waits(reason, message))
}

fn agents(rollout: RolloutStatus, facts: &Facts, held: bool, agents: &Answer) -> Decision {
    if agents.available {
        return done(rollout, facts, held);
    }
    let wait = under_way(&rollout, &agents.message);
    until_deadline(rollout, facts, wait)
}

fn done(mut rollout: RolloutStatus, facts: &Facts, held: bool) -> Decision {
    let step = rollout.step;
    settle(&mut rollout, step);
    if !facts.clustered {
        // Its agents are part of the one pod.
        for step in [RolloutStep::Agents, RolloutStep::Execution] {
            let target = rollout.target.clone();
            release(&mut rollout, step, target);
            settle(&mut rollout, step);
        }
    }
    begin(&mut rollout);
    if rollout.step == RolloutStep::Complete {
        return Decision { told: Some(Told::Complete), ..still(rollout, None, None) };
    }
    start(rollout, facts, held)
}

/// Waits, until the step's time is up.
fn until_deadline(mut rollout: RolloutStatus, facts: &Facts, wait: Wait) -> Decision {
    let Some(started) = rollout.started_at.clone() else { return still(rollout, Some(wait), None) };
    // Of the spec as it is now: who gives a step more time means the one that is under way.
    let deadline = due(&started, facts.step_deadline);
    rollout.deadline = Some(deadline.clone());
    let end = deadline.0.max(facts.patient_until);
    if facts.now < end {
        let left = Duration::try_from(end.duration_since(facts.now)).unwrap_or_default();
        return still(rollout, Some(wait), Some(left));
    }
    let missed = format!(
        "step {:?} of revision {} was not done within {} s: {}",
        rollout.step,
        rollout.target,
        facts.step_deadline.as_secs_f64(),
        wait.message
    );
    if rollout.fallback.as_ref().is_some_and(|fallback| *fallback != rollout.target) {
        return fail(rollout, facts, RolloutFailure::DeadlineExceeded, &missed);
    }
    // Nothing ran before, so there is nothing to go back to: it goes on when the pods answer after all.
    let wait = Wait { reason: Reason::DeadlineExceeded, message: missed, stalled: true };
    still(rollout, Some(wait), None)
}

fn fail(
    mut rollout: RolloutStatus,
    facts: &Facts,
    reason: RolloutFailure,
    message: &str,
) -> Decision {
    let step = rollout.step;
    let goes_on = match rollout.fallback.take() {
        Some(fallback) => {
            let words = format!("; revision {fallback} goes on");
            // A schema stays as it is: what ran before can live with it.
            if step == RolloutStep::Core && rollout.lead_revision.is_some() {
                rollout.lead_revision = Some(fallback.clone());
            }
            if released(&rollout, step).is_some() {
                release(&mut rollout, step, fallback);
            }
            words
        }
        None => String::new(),
    };
    let words = format!(
        "{message}{goes_on}. Change the spec, or try again with kubectl annotate tsys {} --overwrite {}=$(date +%s)",
        system_of(&rollout.target),
        sapphire_crds::names::annotations::RECONCILE_NOW
    );
    let failed = FailedRollout {
        revision: rollout.target.clone(),
        step,
        reason,
        generation: facts.generation,
        message: Text::fitted(&words),
        at: whole_seconds(facts.now),
    };
    rollout.started_at = None;
    rollout.deadline = None;
    let decision = stays_failed(rollout.clone(), &failed);
    rollout.failed = Some(failed);
    Decision { rollout, told: Some(Told::Undone { words }), ..decision }
}

fn still(rollout: RolloutStatus, wait: Option<Wait>, again: Option<Duration>) -> Decision {
    Decision { rollout, wait, told: None, again }
}

fn waits(reason: Reason, message: String) -> Wait {
    Wait { reason, message, stalled: false }
}

fn under_way(rollout: &RolloutStatus, words: &str) -> Wait {
    let (reason, what) = match rollout.step {
        RolloutStep::Core | RolloutStep::Complete => (Reason::RollingOutCore, "the core"),
        RolloutStep::Agents => (Reason::RollingOutAgents, "the agents that vote"),
        RolloutStep::Execution => {
            (Reason::RollingOutExecution, "the agents with delegated authority")
        }
    };
    waits(reason, format!("rolling out {what}, revision {}: {words}", rollout.target))
}

/// What keeps pods from answering has a reason of its own, where it is known.
fn trouble(rollout: &RolloutStatus, answer: &Answer, words: &str) -> Wait {
    let wait = under_way(rollout, words);
    match answer.reason {
        Reason::Available | Reason::Progressing => wait,
        reason => Wait { reason, ..wait },
    }
}
