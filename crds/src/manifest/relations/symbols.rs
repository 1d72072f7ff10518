//! Who trades what.

use std::collections::BTreeMap;

use crate::TradingSystem;
use crate::manifest::desk::{delegated_to, symbols, votes_on};
use crate::manifest::document::Document;
use crate::manifest::fault::FaultCode;
use crate::manifest::object::{Object, Objects};
use crate::manifest::relations::references::{agents_are_known, agents_of};
use crate::manifest::suggestion::remedy;
use crate::manifest::{Faults, Request};
use crate::trading_agent::AuthorityChoice;
use crate::trading_system::{Instrument, VenueChoice};
use crate::values::Symbol;

const VOTED: &str = "spec.authority.consensus.symbols";
const DELEGATED: &str = "spec.authority.delegated.symbols";

/// An agent's symbols are the system's.
pub(super) fn agents_know_only_the_systems_symbols(
    objects: &Objects<'_>,
    _: Request<'_>,
    faults: &mut Faults,
) {
    for system in &objects.systems {
        let traded = symbols(&system.resource);
        if traded.is_empty() {
            continue;
        }
        let names: Vec<&str> = traded.iter().map(Symbol::as_str).collect();
        for agent in agents_of(objects, system) {
            let (field, listed) = match agent.resource.spec.authority.choice() {
                Ok(AuthorityChoice::Consensus(consensus)) => {
                    (VOTED, consensus.symbols.as_deref().unwrap_or_default())
                }
                _ => (DELEGATED, delegated_to(&agent.resource)),
            };
            for (index, symbol) in listed.iter().enumerate() {
                if !traded.contains(symbol) {
                    let name = system.document.name().unwrap_or_default();
                    let otherwise = format!("add it to spec.symbols of {name}, or remove it here");
                    faults.push(agent.document.fault(
                        FaultCode::NotFound,
                        &format!("{field}[{index}]"),
                        format!("is not traded by the TradingSystem {name}"),
                        remedy(symbol.as_str(), &names, &otherwise),
                    ));
                }
            }
        }
    }
}

/// A symbol that one agent trades alone is not voted on: two decision makers would undo each other.
///
/// An agent that lists no symbols votes on all of them. So delegating a symbol makes its voters say
/// what they vote on; taking it away from them silently would let one new manifest change what five
/// others do.
pub(super) fn a_symbol_is_voted_on_or_delegated(
    objects: &Objects<'_>,
    _: Request<'_>,
    faults: &mut Faults,
) {
    for system in &objects.systems {
        let traded = symbols(&system.resource);
        for agent in agents_of(objects, system) {
            for (index, symbol) in delegated_to(&agent.resource).iter().enumerate() {
                let voters: Vec<&str> = agents_of(objects, system)
                    .filter(|voter| votes_on(&voter.resource, &traded).contains(symbol))
                    .filter_map(|voter| voter.document.name())
                    .collect();
                if !voters.is_empty() {
                    faults.push(agent.document.fault(
                        FaultCode::Conflict,
                        &format!("{DELEGATED}[{index}]"),
                        format!("is also voted on by {}", voters.join(", ")),
                        format!("list their symbols without {symbol} in authority.consensus.symbols of each, or remove it here"),
                    ));
                }
            }
        }
    }
}

/// Two agents that trade a symbol alone would not be alone.
pub(super) fn a_symbol_has_one_delegate(
    objects: &Objects<'_>,
    _: Request<'_>,
    faults: &mut Faults,
) {
    for system in &objects.systems {
        let mut first: BTreeMap<&Symbol, &Document<'_>> = BTreeMap::new();
        for agent in agents_of(objects, system) {
            for (index, symbol) in delegated_to(&agent.resource).iter().enumerate() {
                if let Some(earlier) = first.get(symbol) {
                    let other = earlier.name().unwrap_or_default();
                    faults.push(agent.document.fault(
                        FaultCode::Conflict,
                        &format!("{DELEGATED}[{index}]"),
                        format!("is already delegated to {other}"),
                        "remove it from one of the two".into(),
                    ));
                } else {
                    first.insert(symbol, agent.document);
                }
            }
        }
    }
}

/// Where fewer agents vote than must agree, nothing could ever be decided.
pub(super) fn enough_agents_vote(objects: &Objects<'_>, _: Request<'_>, faults: &mut Faults) {
    if !agents_are_known(objects) {
        return;
    }
    for system in &objects.systems {
        let traded = symbols(&system.resource);
        let needed = system.resource.spec.consensus.min_agents;
        for symbol in &traded {
            let voters = agents_of(objects, system)
                .filter(|agent| votes_on(&agent.resource, &traded).contains(symbol))
                .count();
            // A symbol that nobody votes on is delegated, or idle on purpose.
            if voters > 0 && u32::try_from(voters).is_ok_and(|voters| voters < needed) {
                let agents = if voters == 1 { "agent votes" } else { "agents vote" };
                faults.push(system.document.fault(
                    FaultCode::Conflict,
                    "spec.consensus.minAgents",
                    format!("asks for {needed} agents that agree, but {voters} {agents} on {symbol}: nothing could ever be decided"),
                    format!("add agents that vote on {symbol}, or set minAgents to {voters} or less"),
                ));
            }
        }
    }
}

/// A delegated quantity is whole lots, and not below the instrument's least.
pub(super) fn delegated_quantities_fit_the_instrument(
    objects: &Objects<'_>,
    _: Request<'_>,
    faults: &mut Faults,
) {
    for system in &objects.systems {
        for agent in agents_of(objects, system) {
            let Ok(AuthorityChoice::Delegated(delegated)) = agent.resource.spec.authority.choice()
            else {
                continue;
            };
            for symbol in &delegated.symbols {
                let Some(instrument) = instrument(system, symbol) else {
                    continue;
                };
                let (quantity, lot) = (delegated.quantity.get(), instrument.lot_size.get());
                let least = instrument.min_quantity.map_or(lot, crate::values::Size::get);
                let (message, remedy) = if !(quantity % lot).is_zero() {
                    (
                        format!("is no whole number of {symbol}'s lots of {lot}"),
                        format!("write a multiple of {lot}"),
                    )
                } else if quantity < least {
                    (
                        format!("is below {symbol}'s least quantity of {least}"),
                        format!("write {least} or more"),
                    )
                } else {
                    continue;
                };
                faults.push(agent.document.fault(
                    FaultCode::Conflict,
                    "spec.authority.delegated.quantity",
                    message,
                    remedy,
                ));
            }
        }
    }
}

fn instrument<'s>(
    system: &'s Object<'_, TradingSystem>,
    symbol: &Symbol,
) -> Option<&'s Instrument> {
    match system.resource.spec.venue.choice() {
        Ok(VenueChoice::Paper(paper)) => {
            let mut instruments = paper.instruments.iter();
            instruments.find(|instrument| instrument.symbol == *symbol)
        }
        _ => None,
    }
}
