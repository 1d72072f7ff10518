//! The revision of a desk as it is now: found, or rendered and recorded.

use sapphire_crds::names::annotations::ADOPT_DEFAULTS;

use super::build;
use super::dereference::Dereferenced;
use super::inputs::inputs;
use super::validate::Valid;
use crate::context::Context;
use crate::reconcile::events::Severity;
use crate::reconcile::outcome::Hold;
use crate::reconcile::requests::pending;
use crate::reconcile::revisions::{Found, Wish};
use crate::reconcile::wording::first_difference;

/// Finds or records it, and tells in words why pods are about to restart.
///
/// # Errors
/// A [`Hold`] of the builders or the API server.
pub async fn revise(context: &Context, desk: &Dereferenced, valid: &Valid) -> Result<Found, Hold> {
    let status = desk.status();
    let handled = status.handled.unwrap_or_default();
    let annotations = desk.system.metadata.annotations.as_ref();
    let render = |image: &str, hash: &str| build::render(valid, image, hash);
    let wish = Wish {
        agent: None,
        system: &valid.key,
        inputs: inputs(valid),
        image: valid.system.spec.image.as_ref().map(|image| image.reference.to_string()),
        adopt: pending(annotations, ADOPT_DEFAULTS, handled.adopt_defaults.as_ref()),
        render: &render,
    };
    let found = context.revisions.find_or_record(context, &valid.owner, &wish).await?;
    let former = status.rollout.and_then(|rollout| rollout.core);
    let former = former.filter(|name| name.as_str() != found.revision.name);
    if let Some(former) = &former
        && let Some(former) =
            context.revisions.named(context, &valid.owner, former.as_str()).await?
    {
        let words = first_difference(&former.rendered()?, &found.revision.rendered()?);
        let words = words.unwrap_or_else(|| "another revision of the same pods".into());
        let note = format!("restarting pods: {words} (revision {})", found.revision.name);
        context.events.tell(&**desk.system, Severity::Normal, "RollingOut", note).await;
    }
    let current = found.revision.name.clone();
    context
        .revisions
        .prune(context, &valid.owner, &wish, |name| {
            name == current || former.as_ref().is_some_and(|former| former.as_str() == name)
        })
        .await?;
    Ok(found)
}
