//! TradingSystems: dereference → validate → revise → build → apply → status.

pub mod build;
mod core;
mod deletion;
pub mod dereference;
#[cfg(test)]
pub(crate) mod examples;
mod exposure;
pub mod inputs;
pub mod protection;
pub mod revise;
mod status;
pub mod validate;

use std::sync::Arc;
use std::time::Duration;

use crate::context::Context;
use crate::reconcile::apply::{Applied, apply};
use crate::reconcile::controller::Reconciler;
use crate::reconcile::key::Key;
use crate::reconcile::mirror::Read;
use crate::reconcile::orphans;
use crate::reconcile::outcome::Hold;
use crate::reconcile::revisions::Found;
use crate::reconcile::undecodable;
use dereference::{Dereferenced, dereference};
use sapphire_crds::TradingSystem;
use validate::{Shape, validate};

/// Reconciles TradingSystems.
#[derive(Debug, Clone, Copy)]
pub struct Systems;

/// How far a reconcile came when nothing held it.
#[derive(Debug)]
pub struct Standing {
    /// The revision of the desk as it is now.
    pub found: Found,
    /// What was applied.
    pub applied: Applied,
    /// Whether all of it is one pod.
    pub embedded: bool,
}

impl Reconciler for Systems {
    const NAME: &'static str = "system";

    async fn reconcile(
        &self,
        context: Arc<Context>,
        key: Key,
        attempt: u32,
    ) -> Result<Option<Duration>, Hold> {
        let context = context.as_ref();
        let outcome = Self::look(context, &key, attempt).await;
        // After the statuses, of which it is made.
        let labelled = protection::keep(context, &key.namespace).await;
        outcome.and_then(|again| labelled.map(|()| again))
    }
}

impl Systems {
    async fn look(context: &Context, key: &Key, attempt: u32) -> Result<Option<Duration>, Hold> {
        let system = match context.systems.read(key) {
            None => return Ok(gone(context, key)),
            Some(Read::Err(invalid)) if deletion::of_unreadable(context, &invalid).await? => {
                return Ok(None);
            }
            Some(Read::Err(invalid)) => {
                return undecodable::tell::<TradingSystem>(context, key, &invalid).await;
            }
            Some(Read::Ok(system)) => system,
        };
        let desk = dereference(context, system);
        if desk.system.metadata.deletion_timestamp.is_some() {
            return deletion::reconcile(context, &desk).await;
        }
        if desk.system.spec.suspend {
            deletion::guard(context, &desk).await?;
            return status::suspended(context, &desk).await;
        }
        let outcome = bring_about(context, &desk).await;
        let again = status::tell(context, &desk, &outcome, attempt).await?;
        outcome.map(|_| again).map_err(|hold| hold.no_later_than(again))
    }
}

fn gone(context: &Context, key: &Key) -> Option<Duration> {
    context.revisions.forget(key);
    context.pace.systems.forget(key);
    None
}

async fn bring_about(context: &Context, desk: &Dereferenced) -> Result<Standing, Hold> {
    deletion::guard(context, desk).await?;
    let valid = validate(desk.clone())?;
    let found = revise::revise(context, desk, &valid).await?;
    let mut children = [build::build(&valid)?, found.revision.rendered()?].concat();
    build::readers(&valid, &mut children);
    let applied = apply(context, &**desk.system, &valid.owner, &children).await?;
    orphans::collect(context, &desk.key, &valid.owner, &applied, |_| false).await?;
    let embedded = matches!(valid.shape, Shape::Embedded(_));
    Ok(Standing { found, applied, embedded })
}
