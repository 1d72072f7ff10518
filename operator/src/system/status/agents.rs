//! How the agents of a desk stand.

use sapphire_crds::TradingAgent;
use sapphire_crds::conditions::{ConditionType, Reason};

use crate::reconcile::workload::Answer as Core;
use crate::system::Standing;
use crate::system::dereference::Dereferenced;

/// Most agents that a message names.
const NAMED: usize = 5;

/// The first few of them.
pub(super) fn some_of(names: &[String]) -> String {
    let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// How the agents stand.
pub(super) struct Agents {
    pub(super) total: i32,
    pub(super) ready: i32,
    pub(super) answer: Core,
    /// Those that are to have no pods.
    pub(super) asleep: Vec<String>,
}

pub(super) fn agents(desk: &Dereferenced, standing: &Standing<'_>, core: &Core) -> Agents {
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let total = number(desk.agents.len() + desk.unreadable.len());
    if !standing.facts.clustered {
        let message = format!("the agents are part of the trader's pod: {}", core.message);
        let reason = if core.available { Reason::Available } else { Reason::Progressing };
        let answer = Core { available: core.available, reason, message };
        let ready = if core.available { total } else { 0 };
        return Agents { total, ready, answer, asleep: Vec::new() };
    }
    beside(desk)
}

/// How agents stand that have pods of their own.
fn beside(desk: &Dereferenced) -> Agents {
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let total = number(desk.agents.len() + desk.unreadable.len());
    let is_ready = |agent: &TradingAgent| {
        let status = agent.status.as_ref();
        status.is_some_and(|status| {
            status.conditions.holds(ConditionType::Ready)
                && status.observed_generation == agent.metadata.generation
        })
    };
    let waiting: Vec<&str> = desk
        .agents
        .iter()
        .filter(|agent| !is_ready(agent))
        .filter_map(|agent| agent.metadata.name.as_deref())
        .collect();
    let unreadable = desk.unreadable.first().and_then(|agent| agent.metadata.name.as_deref());
    let votes = |agent: &TradingAgent| agent.spec.authority.consensus.is_some();
    let names = |wanted: &dyn Fn(&TradingAgent) -> bool| -> Vec<String> {
        let asleep = desk.agents.iter().filter(|agent| agent.spec.replicas == 0 && wanted(agent));
        asleep.filter_map(|agent| agent.metadata.name.clone()).collect()
    };
    let asleep = names(&|_| true);
    let up = desk.agents.iter().filter(|agent| is_ready(agent) && agent.spec.replicas > 0);
    let ready = number(up.clone().count());
    let voters = up.filter(|agent| votes(agent)).count();
    let needed = desk.system.spec.consensus.min_agents;
    // Those that trade by themselves need nobody's vote.
    let silenced =
        desk.agents.iter().any(|agent| votes(agent)) && number(voters) < number(needed as usize);
    let (reason, message) = match (waiting.first(), unreadable) {
        _ if total == 0 => (Reason::AgentsMissing, "no TradingAgent names this system".to_owned()),
        (Some(first), _) => {
            (Reason::Progressing, format!("{ready} of {total} agents are ready; {first} is not"))
        }
        (None, Some(name)) => {
            let words = format!("{ready} of {total} agents are ready; {name} cannot be read");
            (Reason::Progressing, words)
        }
        (None, None) if silenced => {
            let silent = names(&votes);
            let cause = if silent.is_empty() {
                String::new()
            } else {
                format!("; scaled to zero: {}", some_of(&silent))
            };
            let words = format!(
                "too few agents vote: {voters}, and {needed} must agree (consensus.minAgents), so nothing is \
                 entered by vote{cause}"
            );
            (Reason::AgentsMissing, words)
        }
        (None, None) if asleep.is_empty() => {
            (Reason::Available, format!("all {total} agents are ready"))
        }
        (None, None) => (
            Reason::Available,
            format!("{ready} of {total} agents are ready; scaled to zero: {}", some_of(&asleep)),
        ),
    };
    let answer = Core { available: reason == Reason::Available, reason, message };
    Agents { total, ready, answer, asleep }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::stored::{Stored, Wire};
    use crate::system::examples::{agent, clustered, dereferenced};
    use rstest::rstest;
    use serde_json::{Value, json};
    use std::sync::Arc;

    /// An agent that is ready, with so many pods.
    fn up(name: &str, authority: Value, replicas: u32) -> Arc<Stored<TradingAgent>> {
        let plain = agent(name, authority);
        let mut object = serde_json::to_value(&**plain).unwrap();
        object["spec"] = plain.written_spec();
        object["spec"]["replicas"] = replicas.into();
        object["status"] = json!({"observedGeneration": 1, "conditions": [{
            "type": "Ready", "status": "True", "reason": "Available", "message": "it answers",
            "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}]});
        let wire: Wire<TradingAgent> = serde_json::from_value(object).unwrap();
        Arc::new(wire.0.unwrap())
    }

    #[rstest]
    #[case::enough(&[1, 1, 1], &[], "all 3 agents are ready")]
    #[case::one_too_few(&[1, 1], &[], "too few agents vote: 2, and 3 must agree (consensus.minAgents), so nothing is entered by vote")]
    #[case::one_sleeps(&[1, 0, 1], &[], "nothing is entered by vote; scaled to zero: v1")]
    #[case::another_sleeps(&[1, 1], &[0], "nothing is entered by vote")]
    #[case::no_votes(&[], &[1, 0], "1 of 2 agents are ready; scaled to zero: d1")]
    #[case::only_delegated(&[], &[1], "all 1 agents are ready")]
    fn a_vote_that_cannot_come_about_is_told(
        #[case] voters: &[u32],
        #[case] delegated: &[u32],
        #[case] words: &str,
    ) {
        let books =
            json!({"delegated": {"symbols": ["BTCUSD"], "quantity": "1", "maxNotional": "10"}});
        let of = |letter: &str, all: &[u32], authority: &Value| -> Vec<_> {
            let named = all.iter().enumerate();
            named.map(|(i, n)| up(&format!("{letter}{i}"), authority.clone(), *n)).collect()
        };
        let mut all = of("v", voters, &json!({"consensus": {}}));
        all.extend(of("d", delegated, &books));
        let patch = json!({"consensus": {"minAgents": 3}});
        let answer = beside(&dereferenced(clustered(patch), all)).answer;
        assert!(answer.message.ends_with(words), "{}", answer.message);
        let silenced = words.contains("by vote");
        assert_eq!(answer.available, !silenced);
        assert_eq!(answer.reason == Reason::AgentsMissing, silenced);
    }
}
