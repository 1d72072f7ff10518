//! How the agents of a desk stand.

use std::collections::BTreeSet;

use sapphire_crds::TradingAgent;
use sapphire_crds::conditions::{Condition, ConditionType, Reason};
use sapphire_crds::trading_system::{AgentCount, TradingSystemStatus};
use sapphire_crds::values::ObjectName;
use serde_json::Value;

use crate::context::Context;
use crate::reconcile::conditions::{Answer, Setting};
use crate::reconcile::workload::Answer as Core;
use crate::system::Standing;
use crate::system::dereference::Dereferenced;

/// Most agents that a message names.
const NAMED: usize = 5;

/// The first few of them.
fn some_of(names: &[String]) -> String {
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
    /// What is to be known of a desk that is ready all the same; begins with `; ` unless it is empty.
    pub(super) remarks: String,
    /// How many are deleted, and run on in the trader's pod.
    deleted: usize,
}

impl Agents {
    /// As the status counts them.
    pub(super) fn count(&self) -> AgentCount {
        AgentCount::of(self.total, self.ready, self.deleted)
    }

    /// Sets the condition that speaks of them.
    pub(super) fn tell(&self, setting: &mut Setting<'_>) {
        let Core { available, reason, message } = &self.answer;
        let available = Answer::from(*available);
        setting.set(ConditionType::AgentsAvailable, available, *reason, message.clone());
    }
}

/// How the agents stand of a desk that nothing holds.
pub(super) async fn agents(
    context: &Context,
    desk: &Dereferenced,
    standing: &Standing<'_>,
    core: &Core,
) -> Agents {
    if standing.facts.clustered {
        return beside(desk);
    }
    let rollout = &standing.decision.rollout;
    let other = rollout.core.as_ref().filter(|core| **core != rollout.target);
    let members = match other {
        Some(revision) => members(context, desk, revision).await,
        None => None,
    };
    within(desk, core, members.as_ref())
}

/// How the agents stand of a desk that is held or suspended: what runs goes on as it was, with agents that
/// are deleted, and without new ones. `None` where nothing runs, or where that is not known now.
pub(super) async fn of_held(
    context: &Context,
    desk: &Dereferenced,
    before: &TradingSystemStatus,
) -> Option<Agents> {
    let released = before.rollout.as_ref()?.core.as_ref()?;
    if desk.system.spec.storage.as_ref().is_some_and(|storage| storage.postgres.is_some()) {
        // Of a suspended desk their own statuses say no more than that.
        return (!desk.system.spec.suspend).then(|| beside(desk));
    }
    let members = members(context, desk, released).await?;
    let core = before.conditions.get(ConditionType::CoreAvailable)?;
    let available = core.status == "True";
    let reason = if available { Reason::Available } else { Reason::Progressing };
    let core = Core { available, reason, message: core.message.clone() };
    Some(within(desk, &core, Some(&members)))
}

/// The names of the agents that a revision of a one-pod desk has.
async fn members(
    context: &Context,
    desk: &Dereferenced,
    revision: &ObjectName,
) -> Option<BTreeSet<String>> {
    let owner = desk.owner();
    let found = context.revisions.named(context, &owner, revision.as_str()).await.ok()??;
    let agents = found.data.inputs.get("agents").and_then(Value::as_array)?;
    let name = |agent: &Value| Some(agent.get("name")?.as_str()?.to_owned());
    Some(agents.iter().filter_map(name).collect())
}

/// How agents stand that are part of the trader's pod, which has those `members`; `None`: all there are.
fn within(desk: &Dereferenced, core: &Core, members: Option<&BTreeSet<String>>) -> Agents {
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let readable = desk.agents.iter().map(|agent| &agent.metadata.name);
    let all = readable.chain(desk.unreadable.iter().map(|agent| &agent.metadata.name));
    let all: BTreeSet<String> = all.flatten().cloned().collect();
    let members = members.unwrap_or(&all);
    let new: Vec<String> = all.difference(members).cloned().collect();
    let deleted: Vec<String> = members.difference(&all).cloned().collect();
    let mut message = format!("the agents are part of the trader's pod: {}", core.message);
    if !new.is_empty() {
        message += &format!("; not in it yet: {}", some_of(&new));
    }
    if !deleted.is_empty() {
        let names = some_of(&deleted);
        message += &format!("; deleted, and at work in it until it can change: {names}");
    }
    let available = core.available && new.is_empty();
    let reason = if available { Reason::Available } else { Reason::Progressing };
    let mut remarks = paused(desk);
    if !remarks.is_empty()
        && desk.agents.iter().filter(|agent| has_a_vote(agent)).count() < needed(desk)
    {
        remarks += &format!(
            "; {} must agree (consensus.minAgents), so nothing is entered by vote",
            needed(desk)
        );
    }
    message += &remarks;
    Agents {
        total: number(all.len()),
        ready: if core.available { number(all.len() - new.len()) } else { 0 },
        answer: Core { available, reason, message },
        remarks,
        deleted: deleted.len(),
    }
}

/// Why an agent waits for a person, where it does.
fn stalled(agent: &TradingAgent) -> Option<(&str, &Condition)> {
    let stalled = agent.status.as_ref()?.conditions.get(ConditionType::Stalled)?;
    let is_so =
        stalled.status == "True" && stalled.observed_generation == agent.metadata.generation;
    is_so.then_some((agent.metadata.name.as_deref()?, stalled))
}

/// Which agents vote with a part of their weight.
fn canaries(desk: &Dereferenced) -> String {
    let canary = |agent: &TradingAgent| {
        let canary = agent.status.as_ref()?.canary.as_ref()?;
        let name = agent.metadata.name.as_deref()?;
        Some(format!("{name} with {} of its weight", canary.weight.percent()))
    };
    let all: Vec<String> = desk.agents.iter().filter_map(|agent| canary(agent)).collect();
    if all.is_empty() { String::new() } else { format!("; votes as a canary: {}", some_of(&all)) }
}

/// Whether an agent is to vote, were it not for a pause.
fn votes(agent: &TradingAgent) -> bool {
    agent.spec.authority.consensus.is_some()
}

fn has_a_vote(agent: &TradingAgent) -> bool {
    votes(agent) && !agent.spec.paused
}

/// How many must agree.
fn needed(desk: &Dereferenced) -> usize {
    usize::try_from(desk.system.spec.consensus.min_agents).unwrap_or(usize::MAX)
}

/// Which agents a person paused.
fn paused(desk: &Dereferenced) -> String {
    let paused = desk.agents.iter().filter(|agent| agent.spec.paused);
    let names: Vec<String> = paused.filter_map(|agent| agent.metadata.name.clone()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("; paused and without a say: {}", some_of(&names)),
    }
}

/// The agents of that kind that are scaled to zero.
fn asleep(desk: &Dereferenced, wanted: impl Fn(&TradingAgent) -> bool) -> Vec<String> {
    let asleep = desk.agents.iter().filter(|agent| agent.spec.replicas == 0 && wanted(agent));
    asleep.filter_map(|agent| agent.metadata.name.clone()).collect()
}

/// Which agents a desk lacks whose agents have pods of their own, were each of those ready that are to be.
pub(crate) fn missing(desk: &Dereferenced) -> Option<String> {
    if desk.agents.is_empty() && desk.unreadable.is_empty() {
        return Some("no TradingAgent names this system".to_owned());
    }
    let up = desk.agents.iter().filter(|agent| agent.spec.replicas > 0);
    let voters = up.filter(|agent| has_a_vote(agent)).count();
    let needed = needed(desk);
    // Those that trade by themselves need nobody's vote.
    if voters >= needed || !desk.agents.iter().any(|agent| votes(agent)) {
        return None;
    }
    let silent = asleep(desk, votes);
    let cause = match silent.is_empty() {
        true => String::new(),
        false => format!("; scaled to zero: {}", some_of(&silent)),
    };
    Some(format!(
        "too few agents vote: {voters}, and {needed} must agree (consensus.minAgents), so nothing is \
         entered by vote{cause}"
    ))
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
    let asleep = asleep(desk, |_| true);
    let up = desk.agents.iter().filter(|agent| is_ready(agent) && agent.spec.replicas > 0);
    let ready = number(up.count());
    let stalled = desk.agents.iter().find_map(|agent| stalled(agent));
    let (reason, mut message) = match (waiting.first(), unreadable) {
        _ if let Some((name, why)) = stalled => {
            let words = format!(
                "{ready} of {total} agents are ready; TradingAgent {name}: {}",
                why.message
            );
            (Reason::AgentStalled, words)
        }
        (Some(first), _) => {
            (Reason::Progressing, format!("{ready} of {total} agents are ready; {first} is not"))
        }
        (None, Some(name)) => {
            let words = format!("{ready} of {total} agents are ready; {name} cannot be read");
            (Reason::Progressing, words)
        }
        (None, None) if let Some(words) = missing(desk) => (Reason::AgentsMissing, words),
        (None, None) if asleep.is_empty() => {
            (Reason::Available, format!("all {total} agents are ready"))
        }
        (None, None) => (
            Reason::Available,
            format!("{ready} of {total} agents are ready; scaled to zero: {}", some_of(&asleep)),
        ),
    };
    let mut remarks = canaries(desk) + &paused(desk);
    message += &remarks;
    if !asleep.is_empty() {
        remarks += &format!("; scaled to zero and without an opinion: {}", some_of(&asleep));
    }
    let answer = Core { available: reason == Reason::Available, reason, message };
    Agents { total, ready, answer, remarks, deleted: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::stored::{Stored, Wire};
    use crate::system::examples::{agent, clustered, dereferenced, system};
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

    /// An agent with this in its status.
    fn with_status(name: &str, status: Value) -> Arc<Stored<TradingAgent>> {
        let plain = up(name, json!({"consensus": {}}), 1);
        let mut object = serde_json::to_value(&**plain).unwrap();
        object["spec"] = plain.written_spec();
        for (member, value) in status.as_object().unwrap() {
            object["status"][member] = value.clone();
        }
        let wire: Wire<TradingAgent> = serde_json::from_value(object).unwrap();
        Arc::new(wire.0.unwrap())
    }

    #[rstest]
    #[case::of_its_spec_as_it_is(1, Reason::AgentStalled)]
    #[case::of_a_spec_that_a_person_has_changed_since(0, Reason::Progressing)]
    fn an_agent_that_waits_for_a_person_stalls_its_desk(
        #[case] generation: i64,
        #[case] reason: Reason,
    ) {
        let conditions = json!([{"type": "Stalled", "status": "True", "reason": "CanaryAbandoned",
            "message": "revision two-2 was undone; change the spec", "observedGeneration": generation,
            "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
        let two = with_status("two", json!({"conditions": conditions}));
        let one = up("one", json!({"consensus": {}}), 1);
        let answer = beside(&dereferenced(clustered(json!({})), vec![one, two])).answer;
        assert_eq!((answer.available, answer.reason), (false, reason), "{}", answer.message);
        let told =
            "1 of 2 agents are ready; TradingAgent two: revision two-2 was undone; change the spec";
        assert_eq!(answer.message == told, reason == Reason::AgentStalled, "{}", answer.message);
    }

    #[test]
    fn a_canary_is_told_with_its_share() {
        let canary =
            json!({"revision": "one-2", "weight": "0.125", "since": "2026-01-01T00:00:00Z"});
        let one = with_status("one", json!({"canary": canary}));
        let patch = json!({"consensus": {"minAgents": 1}});
        let agents = beside(&dereferenced(clustered(patch), vec![one]));
        assert_eq!(agents.remarks, "; votes as a canary: one with 12.5 % of its weight");
        assert_eq!(agents.answer.message, format!("all 1 agents are ready{}", agents.remarks));
    }

    #[rstest]
    #[case::all_of_them(&["one", "two"], "2/2", true, "it answers")]
    #[case::one_is_deleted(&["one", "three", "two"], "2/2 + 1 deleted", true,
        "it answers; deleted, and at work in it until it can change: three")]
    #[case::one_is_new(&["one"], "1/2", false, "it answers; not in it yet: two")]
    fn the_pod_of_a_desk_that_is_held_has_the_agents_that_it_had(
        #[case] members: &[&str],
        #[case] count: &str,
        #[case] available: bool,
        #[case] words: &str,
    ) {
        let all = ["one", "two"].map(|name| up(name, json!({"consensus": {}}), 1));
        let desk = dereferenced(system(json!({})), all.to_vec());
        let core =
            Core { available: true, reason: Reason::Available, message: "it answers".to_owned() };
        let members = members.iter().map(|&name| name.to_owned()).collect();
        let agents = within(&desk, &core, Some(&members));
        assert_eq!(agents.count().summary.as_str(), count);
        assert_eq!(agents.answer.available, available);
        assert_eq!(
            agents.answer.message,
            format!("the agents are part of the trader's pod: {words}")
        );
    }

    #[rstest]
    #[case::one_of_three(&["one"], "; paused and without a say: one; 3 must agree (consensus.minAgents), so nothing is entered by vote")]
    #[case::none(&[], "")]
    fn agents_that_a_person_paused_are_told(#[case] paused: &[&str], #[case] words: &str) {
        let all: Vec<_> = ["one", "two", "three"]
            .into_iter()
            .map(|name| {
                let plain = up(name, json!({"consensus": {}}), 1);
                let mut object = serde_json::to_value(&**plain).unwrap();
                object["spec"] = plain.written_spec();
                object["spec"]["paused"] = paused.contains(&name).into();
                let wire: Wire<TradingAgent> = serde_json::from_value(object).unwrap();
                Arc::new(wire.0.unwrap())
            })
            .collect();
        let core =
            Core { available: true, reason: Reason::Available, message: "it answers".to_owned() };
        let patch = json!({"consensus": {"minAgents": 3}});
        let inside = within(&dereferenced(system(patch.clone()), all.clone()), &core, None);
        assert_eq!(inside.remarks, words);
        assert!(inside.answer.available);
        let beside = beside(&dereferenced(clustered(patch), all));
        assert_eq!(beside.answer.available, paused.is_empty());
        let told = "too few agents vote: 2, and 3 must agree";
        assert_eq!(beside.answer.message.contains(told), !paused.is_empty());
        assert_eq!(beside.answer.message.contains("without a say: one"), !paused.is_empty());
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
