//! The children that a plan asks for, from the stored renderings of its revisions.

use std::collections::BTreeSet;

use sapphire_crds::names::Component;
use sapphire_crds::values::ObjectName;
use serde_json::json;

use super::build;
use super::build::trader::revisioned_name;
use super::dereference::Dereferenced;
use super::migration::{self, ATTEMPT};
use super::revise::hash_of;
use super::rollout::Plan;
use super::rollout::plan::Attempt;
use super::validate::{Shape, Valid};
use crate::context::Context;
use crate::labels;
use crate::reconcile::child::{ChildRef, Live};
use crate::reconcile::desired::{Desired, Replicas};
use crate::reconcile::health::Health;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::reconcile::revisions::Revision;

/// What is to be there.
#[derive(Debug)]
pub(super) struct Asked {
    /// In the order of applying.
    pub(super) children: Vec<Desired>,
    /// Whether that is all. Not so where somebody deleted a ControllerRevision: what was made from it is
    /// left as it is, for nobody knows any more what belongs to it.
    pub(super) complete: bool,
}

/// Everything that is to be there. `migrate` is the attempt whose pod may be applied now.
///
/// # Errors
/// A [`Hold`] of the builders, or where a revision cannot be read.
pub(super) async fn children(
    context: &Context,
    desk: &Dereferenced,
    valid: &Valid,
    plan: &Plan,
    migrate: Option<&Attempt>,
) -> Result<Asked, Hold> {
    let mut all = build::build(valid)?;
    let mut complete = true;
    for name in &plan.traders {
        let of_trader = |child: &Desired| is_of(child, Component::Trader);
        let rendered = rendered(context, valid, name, &mut complete).await?;
        all.extend(rendered.into_iter().filter(of_trader));
    }
    if let Some(name) = &plan.core {
        let stays = |child: &Desired| !is_of(child, Component::Migration);
        let rendered = rendered(context, valid, name, &mut complete).await?;
        all.extend(rendered.into_iter().filter(stays));
    }
    if let Some(attempt) = migrate {
        let pod = |child: &Desired| is_of(child, Component::Migration);
        let rendered = rendered(context, valid, &attempt.revision, &mut complete).await?;
        all.extend(rendered.into_iter().filter(pod).map(|pod| stamped(pod, attempt)));
    }
    build::readers(valid, &mut all);
    build::one_trader(valid, &mut all);
    if matches!(valid.shape, Shape::Clustered { .. }) {
        traders(context, desk, &mut all);
    }
    Ok(Asked { children: all, complete })
}

/// What is stored of a revision. Where nothing is, that is not all.
async fn rendered(
    context: &Context,
    valid: &Valid,
    name: &ObjectName,
    complete: &mut bool,
) -> Result<Vec<Desired>, Hold> {
    let revision = context.revisions.named(context, &valid.owner, name.as_str()).await?;
    *complete &= revision.is_some();
    revision.as_ref().map_or_else(|| Ok(Vec::new()), Revision::rendered)
}

fn is_of(child: &Desired, component: Component) -> bool {
    let labels = child.content.pointer("/metadata/labels");
    labels.and_then(|labels| labels.get(labels::COMPONENT)) == Some(&json!(component.as_str()))
}

fn stamped(mut pod: Desired, attempt: &Attempt) -> Desired {
    if let Some(metadata) = pod.content.get_mut("metadata").and_then(|meta| meta.as_object_mut()) {
        let notes = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(notes) = notes.as_object_mut() {
            notes.insert(ATTEMPT.to_owned(), attempt.id.clone().into());
        }
    }
    pod
}

/// A trader that comes has as many pods as the one that it stands beside, and belongs to whoever scales
/// it from then on. One that a person stopped by scaling it to zero takes its successor along, or the
/// stop would end with the next revision.
fn traders(context: &Context, desk: &Dereferenced, all: &mut [Desired]) {
    let live = |name: &str| {
        context.children.get(Kind::Deployment, &desk.key.beside(name)).and_then(|d| d.replicas)
    };
    let lead = desk.status().rollout.and_then(|rollout| rollout.lead_revision);
    let lead = lead.map(|lead| revisioned_name(&desk.key.name, hash_of(&desk.key.name, &lead)));
    let leading = lead.as_deref().and_then(live);
    for child in all.iter_mut() {
        let is_trader = child.kind == Kind::Deployment && is_of(child, Component::Trader);
        if !is_trader || Some(&child.name) == lead.as_ref() {
            continue;
        }
        match (leading, live(&child.name)) {
            (Some(0), _) => child.replicas = Replicas::Exactly(0),
            (Some(n), None) => child.replicas = Replicas::Initially(n),
            _ => {}
        }
    }
}

/// Whether a child stays although it is not applied.
pub(super) fn stays(context: &Context, desk: &Dereferenced, plan: &Plan, child: &ChildRef) -> bool {
    let Some(live) = context.children.get(child.kind, &child.key) else { return false };
    let system = &desk.key.name;
    if child.kind == Kind::Pod {
        let migrates = plan.migrate.as_ref();
        return migrates.is_some_and(|attempt| migration::pod(desk, &attempt.revision) == *child)
            || (plan.failed_migration.as_ref())
                .is_some_and(|failed| migration::pod(desk, failed) == *child && has_failed(&live));
    }
    let hashes: BTreeSet<&str> =
        plan.traders_that_stay().map(|revision| hash_of(system, revision)).collect();
    live.label(labels::COMPONENT) == Some(Component::Trader.as_str())
        && live.label(labels::REVISION).is_some_and(|hash| hashes.contains(hash))
}

fn has_failed(live: &Live) -> bool {
    matches!(&live.health, Health::Pod(pod) if pod.phase == "Failed" && !pod.disrupted)
}
