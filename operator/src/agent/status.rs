//! What a TradingAgent's status says.

use jiff::Timestamp;
use sapphire_crds::conditions::{ConditionType, Reason};
use sapphire_crds::trading_agent::{AuthorityChoice, TradingAgentStatus};
use sapphire_crds::values::Text;
use sapphire_crds::{TradingAgent, TradingSystem};

use crate::context::Context;
use crate::reconcile::conditions::{Answer, Setting};
use crate::reconcile::outcome::Hold;
use crate::reconcile::requests;
use crate::reconcile::status_writer;

/// An agent that is part of its trader's pod is as ready as that pod. One of a desk over PostgreSQL and
/// Redis has no pods yet, and says so.
///
/// # Errors
/// When the status cannot be written.
pub(super) async fn tell(
    context: &Context,
    agent: &TradingAgent,
    system: Option<&TradingSystem>,
) -> Result<(), Hold> {
    let before = agent.status.clone().unwrap_or_default();
    let generation = agent.metadata.generation.unwrap_or(0);
    let mut setting = Setting::new(&before.conditions, generation, Timestamp::now());
    let mut after = TradingAgentStatus {
        observed_generation: Some(generation),
        strategy: agent.spec.strategy.choice().ok().map(|choice| Text::fitted(choice.name())),
        authority: agent.spec.authority.choice().ok().map(|choice| {
            Text::fitted(match choice {
                AuthorityChoice::Consensus(_) => "consensus",
                AuthorityChoice::Delegated(_) => "delegated",
            })
        }),
        ..before.clone()
    };
    let handled = before.handled.clone().unwrap_or_default();
    after.handled = requests::handled(agent.metadata.annotations.as_ref(), &handled);
    let name = agent.spec.system_ref.name.as_str();
    match system {
        None => setting.reconciling(
            Reason::SystemMissing,
            format!("there is no TradingSystem {name} in this namespace; create it, or name another in spec.systemRef"),
        ),
        Some(system) if system.spec.storage.as_ref().is_some_and(|s| s.postgres.is_some()) => {
            setting.reconciling(
                Reason::WaitingForSystem,
                format!("TradingSystem {name} is over PostgreSQL and Redis, and this release starts no agents beside it"),
            );
        }
        Some(system) => {
            let conditions = system.status.as_ref().map(|status| &status.conditions);
            let core = conditions.and_then(|all| all.get(ConditionType::CoreAvailable));
            let current = system.status.as_ref().and_then(|s| s.observed_generation)
                == system.metadata.generation;
            after.revision = system
                .status
                .as_ref()
                .and_then(|status| status.rollout.as_ref())
                .and_then(|rollout| rollout.core.clone());
            match core {
                Some(core) if core.status == "True" && current => {
                    setting.ready("it is part of the trader's pod, which answers");
                }
                Some(core) => setting.reconciling(
                    Reason::WaitingForSystem,
                    format!("it is part of the pod of TradingSystem {name}: {}", core.message),
                ),
                None => setting.reconciling(
                    Reason::WaitingForSystem,
                    format!("TradingSystem {name} has not come up yet"),
                ),
            }
        }
    }
    setting.set(ConditionType::Promoted, Answer::True, Reason::NoCanary, "its vote counts in full");
    after.conditions = setting.finish();
    status_writer::write(context, &context.agents, agent, agent.status.as_ref(), &after).await
}
