//! TradingAgents.

mod status;

use std::sync::Arc;
use std::time::Duration;

use crate::context::Context;
use crate::reconcile::controller::Reconciler;
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;
use crate::reconcile::undecodable;

/// Reconciles TradingAgents.
#[derive(Debug, Clone, Copy)]
pub struct Agents;

impl Reconciler for Agents {
    const NAME: &'static str = "agent";

    async fn reconcile(
        &self,
        context: Arc<Context>,
        key: Key,
        _attempt: u32,
    ) -> Result<Option<Duration>, Hold> {
        let context = context.as_ref();
        let Some(agent) = undecodable::read(context, &context.agents, &key).await? else {
            return Ok(None);
        };
        if agent.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        let system = context.systems.get(&key.beside(agent.spec.system_ref.name.as_str()));
        status::tell(context, &agent, system.as_ref().map(|system| &***system)).await.map(|()| None)
    }
}
