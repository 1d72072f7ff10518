//! What a status asks to be there.

use std::collections::BTreeSet;

use sapphire_crds::trading_system::{RolloutFailure, RolloutStatus, RolloutStep};
use sapphire_crds::values::ObjectName;

use super::state::needs_migration;

/// Which revisions' pods are to be there. What is in none of its fields goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Whose coordinator, readers and trader are applied.
    pub core: Option<ObjectName>,
    /// Whose traders are applied beside the core's: what leads until the new one does, and what the step
    /// goes back to.
    pub traders: BTreeSet<ObjectName>,
    /// Whose traders are left alone beside these: a leader is never taken away.
    pub leaders: BTreeSet<ObjectName>,
    /// Whose migration pod is to run.
    pub migrate: Option<Attempt>,
    /// Whose failed migration pod is kept for its last words.
    pub failed_migration: Option<ObjectName>,
}

/// One try to bring the database to a revision's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The revision.
    pub revision: ObjectName,
    /// Tells this attempt's pod from one of an attempt before.
    pub id: String,
}

impl Plan {
    /// The revisions whose trader stays.
    pub fn traders_that_stay(&self) -> impl Iterator<Item = &ObjectName> {
        self.core.iter().chain(&self.traders).chain(&self.leaders)
    }
}

/// What `rollout` asks to be there. `target` is the revision of the spec as it is now, `leaders` the
/// revisions of the pods that lead by any report that is not stale.
pub fn plan(
    rollout: Option<&RolloutStatus>,
    target: &ObjectName,
    clustered: bool,
    leaders: BTreeSet<ObjectName>,
) -> Plan {
    let Some(rollout) = rollout else { return Plan { leaders, ..Plan::default() } };
    let core = rollout.core.clone();
    if !clustered {
        return Plan { core, ..Plan::default() };
    }
    let mut traders = BTreeSet::new();
    traders.extend(rollout.lead_revision.clone());
    if rollout.step == RolloutStep::Core {
        traders.extend(rollout.fallback.clone());
    }
    traders.retain(|revision| Some(revision) != core.as_ref());
    let attempt = rollout.started_at.as_ref().map(|started| started.0.to_string());
    let migrates = rollout.failed.is_none()
        && needs_migration(rollout, clustered)
        && rollout.target == *target;
    let failed = rollout.failed.as_ref();
    let failed = failed.filter(|failed| failed.reason == RolloutFailure::MigrationFailed);
    Plan {
        core,
        traders,
        leaders,
        migrate: attempt
            .filter(|_| migrates)
            .map(|id| Attempt { revision: rollout.target.clone(), id }),
        failed_migration: failed.map(|failed| failed.revision.clone()),
    }
}
