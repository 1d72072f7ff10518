//! Pods of a former desk of the same name, which `kubectl delete --cascade=orphan` left running. They go on to
//! trade, or keep those of this desk from it, and nobody looks after them.

use crate::context::Context;
use crate::labels;
use crate::reconcile::events::Severity;
use crate::reconcile::kind::Kind;

use super::dereference::Dereferenced;

/// Tells of Deployments that bear the desk's label, have no owner, and are none that a present object takes
/// over. They are not deleted: who left them running may want them to.
pub(super) async fn tell(context: &Context, desk: &Dereferenced) {
    let agents = || desk.agents.iter().filter_map(|agent| agent.metadata.name.as_deref());
    for (child, live) in context.children.of_desk(&desk.key) {
        let name = &child.key.name;
        let has_agent = live.label(labels::AGENT).is_some_and(|of| agents().any(|name| name == of));
        if child.kind == Kind::Deployment && live.controller.is_none() && !has_agent {
            let note = format!(
                "Deployment {name} runs on without an owner, as a former TradingSystem {} left it: its pods may \
                 trade, and nothing that this desk's status says is of them; kubectl delete deployment {name} once \
                 nobody needs them",
                desk.key.name
            );
            context.events.tell(&**desk.system, Severity::Warning, "LeftBehind", note).await;
        }
    }
}
