//! Which revision an agent is to run: of its own spec, or of the stable one where that was undone; always
//! against the revision that its system released.

use jiff::Timestamp;
use sapphire_crds::conditions::Reason;
use sapphire_crds::names::annotations::RECONCILE_NOW;
use sapphire_crds::values::ObjectName;
use serde_json::Value;

use super::build;
use super::canary::{Change, Course, Terms};
use super::dereference::{Dereferenced, applied, borne};
use super::release::{Release, inputs, own_part, part_of};
use crate::context::Context;
use crate::reconcile::desired::Owner;
use crate::reconcile::outcome::Hold;
use crate::reconcile::requests::{adoption, pending};
use crate::reconcile::revisions::{Found, Revision, Wish};
use crate::reconcile::wording::restarts;

/// What is to run.
#[derive(Debug)]
pub struct Revised {
    /// The revision.
    pub found: Found,
    /// What the status is to remember.
    pub course: Course,
    /// Whether that must be written before pods are applied.
    pub is_new: bool,
    /// Why pods are about to restart, in words; to be told once it is written.
    pub restarts: Option<String>,
}

/// Finds or records the revision. `held`: the agent's spec is to wait, and its pods go on with what they have.
///
/// # Errors
/// A [`Hold`] of the builders or the API server.
pub async fn revise(
    context: &Context,
    desk: &Dereferenced,
    release: &Release,
    terms: &Terms,
    held: bool,
) -> Result<Revised, Hold> {
    let owner = desk.owner();
    let status = desk.status();
    let mut course = Course::of(&status);
    if course.revision.is_none() {
        // A status may be lost, as by a backup that is brought back: what runs is what was applied last.
        let applied = applied(context, &desk.desk, &owner);
        course.revision = applied.and_then(|applied| applied.parse().ok());
    }
    let handled = status.handled.unwrap_or_default();
    let annotations = desk.agent.metadata.annotations.as_ref();
    let own = own_part(&desk.agent);
    if let Some(failed) = &course.failed {
        let retry = pending(annotations, RECONCILE_NOW, handled.reconcile_now.as_ref());
        let failed = loaded(context, &owner, Some(&failed.revision)).await?;
        if retry.is_some() || part(failed.as_ref()).as_ref() != Some(&own) {
            course.failed = None;
        }
    }
    let former = loaded(context, &owner, course.revision.as_ref()).await?;
    let former_part = part(former.as_ref());
    let wanted = match (&course.failed, &former_part) {
        (None, Some(former)) if held => former.clone(),
        (None, _) => own,
        (Some(_), Some(stable)) => stable.clone(),
        (Some(failed), None) => return Err(nowhere_to_go(&failed.revision)),
    };
    let render =
        |image: &str, hash: &str| build::render(&desk.key.name, &wanted, release, image, hash);
    let wish = Wish {
        agent: Some(&desk.key.name),
        system: &desk.desk,
        inputs: inputs(&wanted, release),
        image: Some(release.image.clone()),
        adopt: adoption(annotations, &handled, status.revision.is_some()),
        render: &render,
    };
    let found = context.revisions.find_or_record(context, &owner, &wish).await?;
    let name: ObjectName = found.revision.name.parse().map_err(|error| {
        Hold::stalled(Reason::InvalidSpec, format!("the revision's name: {error}"))
    })?;
    let is_new = course.revision.as_ref() != Some(&name);
    let mut told = None;
    if is_new {
        let stable = loaded(context, &owner, course.stable()).await?;
        let change = match (&former_part, part(stable.as_ref())) {
            (None, _) => Change::First,
            (Some(former), _) if *former == wanted => Change::OfSystem,
            (_, Some(stable)) if stable == wanted => Change::Back,
            _ => Change::Own,
        };
        course = course.begin(name, change, terms, Timestamp::now());
        if let (true, Some(former)) = (change != Change::First, &former) {
            let (former, next) = (former.rendered()?, &found.revision);
            let words = restarts(&former, &next.rendered()?);
            told = Some(format!("restarting pods: {words} (revision {})", next.name));
        }
    } else {
        // What pods bear that are there still is asked for by who waits until they are gone.
        let borne = borne(context, &desk.desk).remove(&desk.key.name).unwrap_or_default();
        let in_use = |name: &str| course.uses(name) || borne.contains(name);
        context.revisions.prune(context, &owner, &wish, in_use).await?;
    }
    Ok(Revised { found, course, is_new, restarts: told })
}

async fn loaded(
    context: &Context,
    owner: &Owner,
    name: Option<&ObjectName>,
) -> Result<Option<Revision>, Hold> {
    match name {
        Some(name) => context.revisions.named(context, owner, name.as_str()).await,
        None => Ok(None),
    }
}

fn part(revision: Option<&Revision>) -> Option<Value> {
    part_of(&revision?.data)
}

fn nowhere_to_go(failed: &ObjectName) -> Hold {
    Hold::stalled(
        Reason::DeadlineExceeded,
        format!(
            "revision {failed} was undone, and the one before it is gone; change the spec, or ask for another try with {RECONCILE_NOW}"
        ),
    )
}
