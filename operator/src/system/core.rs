//! Whether the core of a desk answers.

use std::sync::Arc;

use sapphire_crds::conditions::Reason;
use sapphire_crds::names::Component;

use crate::labels;
use crate::reconcile::apply::Applied;
use crate::reconcile::children::{ChildRef, Live};
use crate::reconcile::kind::Kind;
use crate::reconcile::workload::{Answer, of_deployment};

/// How the core stands: all of its Deployments, or the first that does not answer.
pub(super) fn of_desk(applied: &Applied, children: &[(ChildRef, Arc<Live>)]) -> Answer {
    let mut answers = Vec::new();
    for (child, live) in applied.of(Kind::Deployment) {
        let component = live.label(labels::COMPONENT).unwrap_or_default();
        let Some(component) = Component::ALL.into_iter().find(|c| c.as_str() == component) else {
            continue;
        };
        let answer = of_deployment(&child.key.name, live, component, children.iter());
        if !answer.available {
            return answer;
        }
        answers.push(answer.message);
    }
    Answer { available: true, reason: Reason::Available, message: answers.join("; ") }
}
