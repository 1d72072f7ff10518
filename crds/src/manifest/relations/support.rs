//! What the program that reads the manifests can run. Only the run's own objects count: a live desk in
//! the same directory is no reason to refuse the paper one.

use super::identity;
use super::references::agents_of;
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
    let Some(system) = identity::meant(objects, request) else {
        return;
    };
    for agent in agents_of(objects, system) {
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

/// The venue can be traded on.
pub(super) fn the_venue_can_be_traded_on(
    objects: &Objects<'_>,
    request: Request<'_>,
    faults: &mut Faults,
) {
    let Some(system) = identity::meant(objects, request) else {
        return;
    };
    let name = match system.resource.spec.venue.choice() {
        Ok(VenueChoice::Aster(_)) => "aster",
        Ok(VenueChoice::Paper(paper)) => match paper.data.choice() {
            Ok(PaperDataChoice::File(_)) => "paper.data.file",
            Ok(PaperDataChoice::Files(_)) => "paper.data.files",
            Ok(PaperDataChoice::Exchange(_)) => "paper.data.exchange",
            Err(_) => return,
        },
        Err(_) => return,
    };
    if !request.venues.contains(&name) {
        faults.push(system.document.fault(
            FaultCode::Unsupported,
            &format!("spec.venue.{name}"),
            "is a venue that this release cannot trade on".into(),
            format!("set one of venue.{}", request.venues.join(", venue.")),
        ));
    }
}
