//! Holds objects against each other: what the API server cannot see, a local run refuses and a
//! cluster's status names.

mod data;
mod identity;
mod references;
mod support;
mod symbols;

use super::object::{Object, Objects};
use super::{Faults, Request};
use crate::{RiskPolicy, TradingAgent, TradingSystem};

/// The objects of the run.
#[derive(Debug)]
pub(super) struct Chosen<'o> {
    pub(super) system: &'o Object<'o, TradingSystem>,
    pub(super) agents: Vec<&'o Object<'o, TradingAgent>>,
    pub(super) policy: &'o Object<'o, RiskPolicy>,
}

/// A rule over several objects: what it looks at, and where its faults go.
type Rule = fn(&Objects<'_>, Request<'_>, &mut Faults);

/// Every rule, in the order in which their faults make sense.
const RULES: &[Rule] = &[
    identity::names_are_unique,
    identity::one_system_is_meant,
    references::policies_exist,
    references::agents_have_a_system,
    references::systems_have_agents,
    symbols::agents_know_only_the_systems_symbols,
    symbols::a_symbol_is_voted_on_or_delegated,
    symbols::a_symbol_has_one_delegate,
    symbols::enough_agents_vote,
    symbols::delegated_quantities_fit_the_instrument,
    data::recordings_exist,
    support::strategies_have_an_engine,
    support::the_venue_can_be_traded_on,
];

/// Applies every rule; gives the objects of the run, if they can be told.
pub(super) fn check<'o>(
    objects: &'o Objects<'o>,
    request: Request<'_>,
    faults: &mut Faults,
) -> Option<Chosen<'o>> {
    for rule in RULES {
        rule(objects, request, faults);
    }
    let system = identity::meant(objects, request)?;
    Some(Chosen {
        system,
        agents: references::agents_of(objects, system).collect(),
        policy: references::policy_of(objects, system)?,
    })
}
