//! What `status.rollout` says, in questions.

use jiff::Timestamp;
use sapphire_crds::trading_system::{RolloutStatus, RolloutStep, StableRevisions};
use sapphire_crds::values::ObjectName;

/// The steps that release something, in order.
const STEPS: [RolloutStep; 3] = [RolloutStep::Core, RolloutStep::Agents, RolloutStep::Execution];

/// A desk that nothing is released of.
pub fn empty(target: ObjectName) -> RolloutStatus {
    RolloutStatus {
        step: RolloutStep::Core,
        target,
        core: None,
        agents: None,
        execution: None,
        fallback: None,
        stable: None,
        lead_revision: None,
        started_at: None,
        deadline: None,
        failed: None,
    }
}

/// A desk whose status was lost, as it stood when `running` was what ran: that leads, and is gone back to. Of
/// the target itself nobody knows any more whether it was done.
pub fn found(running: &ObjectName, target: &ObjectName, clustered: bool) -> RolloutStatus {
    let mut rollout = empty(running.clone());
    rollout.lead_revision = clustered.then(|| running.clone());
    let done = if running == target { &STEPS[..1] } else { &STEPS[..] };
    for step in done {
        release(&mut rollout, *step, running.clone());
        if running != target {
            settle(&mut rollout, *step);
        }
    }
    rollout
}

/// The revision at which a step was last completed.
pub fn stable(rollout: &RolloutStatus, step: RolloutStep) -> Option<&ObjectName> {
    let stable = rollout.stable.as_ref()?;
    match step {
        RolloutStep::Core => stable.core.as_ref(),
        RolloutStep::Agents => stable.agents.as_ref(),
        RolloutStep::Execution => stable.execution.as_ref(),
        RolloutStep::Complete => None,
    }
}

/// Remembers that a step is completed at what is released.
pub fn settle(rollout: &mut RolloutStatus, step: RolloutStep) {
    let revision = released(rollout, step).cloned();
    let stable = rollout.stable.get_or_insert_with(StableRevisions::default);
    match step {
        RolloutStep::Core => stable.core = revision,
        RolloutStep::Agents => stable.agents = revision,
        RolloutStep::Execution => stable.execution = revision,
        RolloutStep::Complete => {}
    }
}

/// The revision that a step's pods are released at.
pub fn released(rollout: &RolloutStatus, step: RolloutStep) -> Option<&ObjectName> {
    match step {
        RolloutStep::Core => rollout.core.as_ref(),
        RolloutStep::Agents => rollout.agents.as_ref(),
        RolloutStep::Execution => rollout.execution.as_ref(),
        RolloutStep::Complete => None,
    }
}

/// Releases a revision to a step's pods.
pub fn release(rollout: &mut RolloutStatus, step: RolloutStep, revision: ObjectName) {
    match step {
        RolloutStep::Core => rollout.core = Some(revision),
        RolloutStep::Agents => rollout.agents = Some(revision),
        RolloutStep::Execution => rollout.execution = Some(revision),
        RolloutStep::Complete => {}
    }
}

/// The first step that is not completed at the target.
pub fn first_unfinished(rollout: &RolloutStatus) -> RolloutStep {
    let target = Some(&rollout.target);
    let unfinished =
        |step: &RolloutStep| released(rollout, *step) != target || stable(rollout, *step) != target;
    STEPS.into_iter().find(unfinished).unwrap_or(RolloutStep::Complete)
}

/// Whether the step under way restarts what ran before, and so counts among the rollouts that go on at
/// once. What comes up for the first time takes nothing away from anybody. A step that had its time holds
/// none, whatever keeps it from being undone: others would wait as long.
pub fn holds_turn(rollout: &RolloutStatus, now: Timestamp, patient_until: Timestamp) -> bool {
    rollout.step != RolloutStep::Complete
        && rollout.failed.is_none()
        && rollout.started_at.is_some()
        && rollout.fallback.is_some()
        && !had_its_time(rollout, now, patient_until)
}

/// Whether the deadline of the step under way has passed, by what was last written of it.
pub fn had_its_time(rollout: &RolloutStatus, now: Timestamp, patient_until: Timestamp) -> bool {
    rollout.deadline.as_ref().is_some_and(|deadline| now >= deadline.0.max(patient_until))
}

/// Whether the target must migrate the database before its core is released. Going back to what worked
/// does not: a schema is never downgraded, and that revision's is part of the present one.
pub fn needs_migration(rollout: &RolloutStatus, clustered: bool) -> bool {
    let target = Some(&rollout.target);
    clustered
        && rollout.step == RolloutStep::Core
        && rollout.core.as_ref() != target
        && stable(rollout, RolloutStep::Core) != target
}

/// Every revision that something may yet be made from.
pub fn in_use(rollout: &RolloutStatus) -> impl Iterator<Item = &ObjectName> {
    let stable = rollout.stable.as_ref();
    [
        Some(&rollout.target),
        rollout.core.as_ref(),
        rollout.agents.as_ref(),
        rollout.execution.as_ref(),
        rollout.fallback.as_ref(),
        rollout.lead_revision.as_ref(),
        stable.and_then(|stable| stable.core.as_ref()),
        stable.and_then(|stable| stable.agents.as_ref()),
        stable.and_then(|stable| stable.execution.as_ref()),
    ]
    .into_iter()
    .flatten()
}
