//! Objects that name other objects.

use crate::manifest::document::{Document, Kind};
use crate::manifest::fault::FaultCode;
use crate::manifest::object::{Object, Objects};
use crate::manifest::suggestion::remedy;
use crate::manifest::{Faults, Request};
use crate::{RiskPolicy, TradingAgent, TradingSystem};

/// Names of all documents of a kind in a namespace, valid or not.
fn names<'d>(objects: &Objects<'d>, kind: &Kind, namespace: &str) -> Vec<&'d str> {
    let documents = objects.documents.iter();
    let mut names: Vec<&str> = documents
        .filter(|document| document.kind == *kind && document.namespace() == namespace)
        .filter_map(Document::name)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Every system's policy is among the manifests.
pub(super) fn policies_exist(objects: &Objects<'_>, _: Request<'_>, faults: &mut Faults) {
    if objects.hidden.may_hold(&Kind::RiskPolicy) {
        return;
    }
    for system in &objects.systems {
        let wanted = system.resource.spec.risk_policy_ref.name.as_str();
        let names = names(objects, &Kind::RiskPolicy, system.document.namespace());
        if !names.contains(&wanted) {
            let otherwise = format!("add a RiskPolicy named {wanted} to the manifests");
            faults.push(system.document.fault(
                FaultCode::NotFound,
                "spec.riskPolicyRef.name",
                "names a RiskPolicy that is not among the manifests".into(),
                remedy(wanted, &names, &otherwise),
            ));
        }
    }
}

/// Every agent's system is among the manifests.
pub(super) fn agents_have_a_system(objects: &Objects<'_>, _: Request<'_>, faults: &mut Faults) {
    if objects.hidden.may_hold(&Kind::TradingSystem) {
        return;
    }
    for agent in &objects.agents {
        let wanted = agent.resource.spec.system_ref.name.as_str();
        let names = names(objects, &Kind::TradingSystem, agent.document.namespace());
        if !names.contains(&wanted) {
            let otherwise = format!("add a TradingSystem named {wanted}, or remove this agent");
            faults.push(agent.document.fault(
                FaultCode::NotFound,
                "spec.systemRef.name",
                "names a TradingSystem that is not among the manifests".into(),
                remedy(wanted, &names, &otherwise),
            ));
        }
    }
}

/// A desk without agents trades nothing.
pub(super) fn systems_have_agents(objects: &Objects<'_>, _: Request<'_>, faults: &mut Faults) {
    for system in &objects.systems {
        if agents_are_known(objects) && agents_of(objects, system).next().is_none() {
            let name = system.document.name().unwrap_or_default();
            faults.push(system.document.fault(
                FaultCode::NotFound,
                "metadata.name",
                "is a system that no TradingAgent belongs to: it would trade nothing".into(),
                format!("add a TradingAgent with systemRef: {{name: {name}}}"),
            ));
        }
    }
}

/// Whether every agent is known, and whose it is, so that counting them means something.
pub(super) fn agents_are_known(objects: &Objects<'_>) -> bool {
    let documents = objects.documents.iter();
    let written = documents.filter(|document| document.kind == Kind::TradingAgent).count();
    let has_a_system = |agent: &Object<'_, TradingAgent>| {
        let wanted = agent.resource.spec.system_ref.name.as_str();
        names(objects, &Kind::TradingSystem, agent.document.namespace()).contains(&wanted)
    };
    written == objects.agents.len()
        && !objects.hidden.may_hold(&Kind::TradingAgent)
        && objects.agents.iter().all(has_a_system)
}

/// The agents of a system.
pub(super) fn agents_of<'o>(
    objects: &'o Objects<'o>,
    system: &'o Object<'o, TradingSystem>,
) -> impl Iterator<Item = &'o Object<'o, TradingAgent>> {
    objects.agents.iter().filter(|agent| {
        agent.document.namespace() == system.document.namespace()
            && Some(agent.resource.spec.system_ref.name.as_str()) == system.document.name()
    })
}

/// The policy of a system, if it is valid.
pub(super) fn policy_of<'o>(
    objects: &'o Objects<'o>,
    system: &Object<'_, TradingSystem>,
) -> Option<&'o Object<'o, RiskPolicy>> {
    objects.policies.iter().find(|policy| {
        policy.document.namespace() == system.document.namespace()
            && policy.document.name() == Some(system.resource.spec.risk_policy_ref.name.as_str())
    })
}
