//! The revision of a desk as it is now: found, or rendered and recorded.

use sapphire_crds::requests::Handled;
use sapphire_crds::values::ObjectName;

use super::build;
use super::dereference::Dereferenced;
use super::inputs::inputs;
use super::rollout::state::in_use;
use super::validate::Valid;
use crate::context::Context;
use crate::reconcile::desired::Desired;
use crate::reconcile::outcome::Hold;
use crate::reconcile::requests::adoption;
use crate::reconcile::revisions::{Foreseen, Found, Render, Wish};
use crate::reconcile::undecodable;

/// As [`revise`], with nothing recorded.
///
/// # Errors
/// A [`Hold`] of the builders or the API server.
pub async fn foresee(
    context: &Context,
    desk: &Dereferenced,
    valid: &Valid,
) -> Result<Foreseen, Hold> {
    let handled = desk.status().handled.unwrap_or_default();
    let render = |image: &str, hash: &str| render(context, valid, image, hash);
    let wish = wish(desk, valid, &handled, &render);
    context.revisions.foresee(context, &valid.owner, &wish).await
}

/// While an agent cannot be read nothing is rendered anew: the desk's one pod would run without it, or it
/// could not follow the release.
fn render(context: &Context, valid: &Valid, image: &str, hash: &str) -> Result<Vec<Desired>, Hold> {
    if let Some(agent) = valid.unreadable.first() {
        let name = agent.metadata.name.as_deref().unwrap_or_default();
        return Err(undecodable::hold(context, &format!("TradingAgent {name}"), agent));
    }
    build::render(valid, image, hash)
}

fn wish<'a>(
    desk: &'a Dereferenced,
    valid: &'a Valid,
    handled: &'a Handled,
    render: &'a Render<'a>,
) -> Wish<'a> {
    let annotations = desk.system.metadata.annotations.as_ref();
    Wish {
        agent: None,
        system: &valid.key,
        inputs: inputs(valid),
        image: valid.system.spec.image.as_ref().map(|image| image.reference.to_string()),
        adopt: adoption(annotations, handled, desk.status().rollout.is_some()),
        render,
    }
}

/// Finds or records it, and removes those that nothing is made from any more.
///
/// # Errors
/// A [`Hold`] of the builders or the API server.
pub async fn revise(context: &Context, desk: &Dereferenced, valid: &Valid) -> Result<Found, Hold> {
    let status = desk.status();
    let handled = status.handled.unwrap_or_default();
    let render = |image: &str, hash: &str| render(context, valid, image, hash);
    let wish = wish(desk, valid, &handled, &render);
    let found = context.revisions.find_or_record(context, &valid.owner, &wish).await?;
    let rollout = status.rollout.as_ref();
    let agents = desk.agents.iter().filter_map(|agent| agent.status.as_ref());
    let by_agents: Vec<&ObjectName> =
        agents.filter_map(|status| status.system_revision.as_ref()).collect();
    let used = |name: &str| {
        let of_rollout = rollout.into_iter().flat_map(in_use);
        found.revision.name == name
            || of_rollout.chain(by_agents.iter().copied()).any(|used| used.as_str() == name)
    };
    context.revisions.prune(context, &valid.owner, &wish, used).await?;
    Ok(found)
}

/// The hash in a revision's name, which labels its pods.
pub(super) fn hash_of<'a>(system: &str, revision: &'a ObjectName) -> &'a str {
    let name = revision.as_str();
    name.strip_prefix(system).and_then(|rest| rest.strip_prefix('-')).unwrap_or(name)
}
