//! What people are told once the status is written.

use super::Standing;
use super::dereference::Dereferenced;
use super::rollout::Told;
use crate::context::Context;
use crate::reconcile::events::Severity;
use crate::reconcile::outcome::Hold;
use crate::reconcile::wording::restarts;
use sapphire_crds::trading_system::DeskReport;

/// Tells what the desk may do now, where the leader reports another trading state than before.
pub(super) async fn of_trading_state(
    context: &Context,
    desk: &Dereferenced,
    before: Option<&DeskReport>,
    after: Option<&DeskReport>,
) {
    let (Some(before), Some(after)) = (before, after) else { return };
    if before.trading_state == after.trading_state {
        return;
    }
    let severity = if after.trading_state > before.trading_state {
        Severity::Warning
    } else {
        Severity::Normal
    };
    let note = format!(
        "{} reports {:?}, it was {:?} before",
        after.leader, after.trading_state, before.trading_state
    );
    context.events.tell_each(&**desk.system, severity, "TradingState", note).await;
}

/// Tells of a rollout where there is something to tell.
///
/// # Errors
/// When the former revision cannot be read.
pub(super) async fn of_rollout(
    context: &Context,
    desk: &Dereferenced,
    standing: &Standing<'_>,
) -> Result<(), Hold> {
    let Some(told) = &standing.decision.told else { return Ok(()) };
    let revision = &standing.found.revision;
    let (severity, reason, note) = match told {
        Told::Restarts { from } => {
            let former = context.revisions.named(context, &desk.owner(), from.as_str()).await?;
            // Of one that is gone nobody knows how it differed.
            let former = former.map_or_else(|| revision.rendered(), |former| former.rendered())?;
            let words = restarts(&former, &revision.rendered()?);
            let note = format!("restarting pods: {words} (revision {})", revision.name);
            (Severity::Normal, "RollingOut", note)
        }
        Told::Undone { words } => (Severity::Warning, "RolloutFailed", words.clone()),
        Told::Complete => {
            let note = format!("revision {} is rolled out: every part answers", revision.name);
            (Severity::Normal, "RolloutComplete", note)
        }
    };
    context.events.tell_each(&**desk.system, severity, reason, note).await;
    Ok(())
}
