//! What a changed RiskPolicy does to a running desk: what is stricter acts at once, what is looser
//! once its file has settled (docs/decisions/policy-file.md).

use std::time::Instant;

use sapphire_crds::canonical::canonical_hash;
use sapphire_engine::event::PolicyChange;
use sapphire_engine::time::Timestamp;

use super::drive::Driven;
use super::inbox::PolicyFile;
use super::policy_watch::PolicySource;
use crate::desk::Input;
use crate::store::StoreError;

/// A change of `file`'s, at `at`.
pub(super) fn changed(
    desk: &mut Driven,
    file: PolicyFile,
    at: Timestamp,
) -> Result<(), StoreError> {
    match file {
        PolicyFile::Refused(why) => {
            let patience = desk.engine().policy().stale_after;
            tracing::error!(
                "the changed RiskPolicy is refused: the old one stays, and after {patience} (its staleAfter) \
                 without a valid one the desk only reduces. Correct the file:\n{why}"
            );
            desk.witness_mut().policy_refused(&why);
        }
        PolicyFile::Fresh(change, seen) => {
            let change = counted(desk, *change);
            let enforced = desk.engine().enforced_policy();
            if change.hash == enforced.hash {
                tracing::info!("the RiskPolicy's file changed and means the same");
            } else if let Some(stricter) = stricter_part(enforced, &change) {
                enforce(desk, stricter, at, seen)?;
            }
            tell_what_waits(desk, &change);
        }
        PolicyFile::Settled(change, seen) => {
            let change = counted(desk, *change);
            if change.hash != desk.engine().enforced_policy().hash {
                enforce(desk, change.clone(), at, seen)?;
            }
            tell_what_waits(desk, &change);
        }
        // The engine's alert tells people.
        PolicyFile::Lost(why) => drop(desk.inject(at, &Input::PolicyLost(why))?),
        PolicyFile::Found => drop(desk.inject(at, &Input::PolicyFound)?),
    }
    Ok(())
}

/// The policy that the desk was started with, where its journal goes on under another one: the file
/// may have changed while no desk looked.
///
/// # Errors
/// When the journal does not take it.
pub fn catch_up(
    desk: &mut Driven,
    started: &PolicyChange,
    source: &PolicySource,
) -> Result<(), StoreError> {
    let enforced = desk.engine().enforced_policy();
    if started.hash == enforced.hash {
        return Ok(());
    }
    let change = counted(desk, started.clone());
    let stricter = stricter_part(enforced, &change);
    let is_stricter = stricter.as_ref().is_some_and(|stricter| stricter.hash == change.hash);
    // Of a file that is being written while the desk starts, the watch tells the rest.
    let acts = if is_stricter || source.is_settled() { Some(change) } else { stricter };
    let Some(change) = acts else { return Ok(()) };
    tracing::info!(
        generation = change.generation,
        "the RiskPolicy changed while the desk was away"
    );
    desk.inject(desk.now(), &Input::Policy(Box::new(change)))?;
    desk.flush()
}

fn tell_what_waits(desk: &mut Driven, read: &PolicyChange) {
    let (exhibit, engine, _) = desk.witness_and_view();
    exhibit.policy_read(engine, read);
}

/// With the generation that the desk would give it.
fn counted(desk: &Driven, change: PolicyChange) -> PolicyChange {
    PolicyChange { generation: desk.engine().enforced_policy().generation + 1, ..change }
}

/// Of `new` what is stricter than what is enforced: all of it, with its own hash, where nothing is
/// looser, and nothing where nothing is stricter.
fn stricter_part(enforced: &PolicyChange, new: &PolicyChange) -> Option<PolicyChange> {
    let policy = enforced.policy.tightened_by(&new.policy);
    if policy == new.policy {
        return Some(new.clone());
    }
    if policy == enforced.policy {
        return None;
    }
    // No manifest says this, so no manifest's hash is told for it.
    let hash = canonical_hash(&policy).ok()?;
    Some(PolicyChange { generation: new.generation, hash, policy })
}

fn enforce(
    desk: &mut Driven,
    change: PolicyChange,
    at: Timestamp,
    seen: Instant,
) -> Result<(), StoreError> {
    desk.inject(at, &Input::Policy(Box::new(change)))?;
    desk.flush()?;
    let (exhibit, engine, _) = desk.witness_and_view();
    exhibit.policy_acknowledged(engine, seen);
    let enforced = desk.engine().enforced_policy();
    tracing::info!(
        generation = enforced.generation,
        hash = enforced.hash,
        delay_ms = u64::try_from(seen.elapsed().as_millis()).unwrap_or(u64::MAX),
        trading_state = ?desk.engine().state(),
        "the RiskPolicy is enforced"
    );
    Ok(())
}
