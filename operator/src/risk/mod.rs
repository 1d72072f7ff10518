//! RiskPolicies.

mod status;

use std::sync::Arc;
use std::time::Duration;

use sapphire_crds::RiskPolicy;

use crate::context::Context;
use crate::reconcile::controller::Reconciler;
use crate::reconcile::key::Key;
use crate::reconcile::mirror::Read;
use crate::reconcile::outcome::Hold;
use crate::reconcile::undecodable;

/// Reconciles RiskPolicies.
#[derive(Debug, Clone, Copy)]
pub struct Policies;

impl Reconciler for Policies {
    const NAME: &'static str = "policy";

    async fn reconcile(
        &self,
        context: Arc<Context>,
        key: Key,
        _attempt: u32,
    ) -> Result<Option<Duration>, Hold> {
        let context = context.as_ref();
        let policy = match context.policies.read(&key) {
            None => return Ok(None),
            Some(Read::Err(invalid)) => {
                return undecodable::tell::<RiskPolicy>(context, &key, &invalid).await;
            }
            Some(Read::Ok(policy)) => policy,
        };
        if policy.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        status::tell(context, &key, &policy).await.map(|()| None)
    }
}
