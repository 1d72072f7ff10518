//! What the program that reads the manifests can run.

use crate::manifest::fault::FaultCode;
use crate::manifest::object::Objects;
use crate::manifest::{Faults, Request};
use crate::trading_system::{PaperDataChoice, VenueChoice};

/// Every strategy has an engine.
pub(super) fn strategies_have_an_engine(
    objects: &Objects<'_>,
    request: Request<'_>,
    faults: &mut Faults,
) {
    for agent in &objects.agents {
        let Ok(strategy) = agent.resource.spec.strategy.choice() else {
            continue;
        };
        let name = strategy.name();
        if !request.strategies.contains(&name) {
            faults.push(agent.document.fault(
                FaultCode::Unsupported,
                &format!("spec.strategy.{name}"),
                "is a strategy that this release has no engine for".into(),
                format!("use one of {}, or leave this agent out", request.strategies.join(", ")),
            ));
        }
    }
}

/// Every venue can be traded on.
pub(super) fn venues_can_be_traded_on(
    objects: &Objects<'_>,
    request: Request<'_>,
    faults: &mut Faults,
) {
    for system in &objects.systems {
        let (field, name) = match system.resource.spec.venue.choice() {
            Ok(VenueChoice::Aster(_)) => ("spec.venue.aster", "aster"),
            Ok(VenueChoice::Paper(paper)) => match paper.data.choice() {
                Ok(PaperDataChoice::File(_)) => ("spec.venue.paper.data.file", "paper.file"),
                Ok(PaperDataChoice::Files(_)) => ("spec.venue.paper.data.files", "paper.files"),
                Ok(PaperDataChoice::Exchange(_)) => {
                    ("spec.venue.paper.data.exchange", "paper.exchange")
                }
                Err(_) => continue,
            },
            Err(_) => continue,
        };
        if !request.venues.contains(&name) {
            faults.push(system.document.fault(
                FaultCode::Unsupported,
                field,
                "is a venue that this release cannot trade on".into(),
                format!("use one of {}", request.venues.join(", ")),
            ));
        }
    }
}
