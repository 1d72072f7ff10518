//! One desk's traders: what they see and remember, and what they say. Pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use sapphire_crds::conditions::{Time, TradingState};
use sapphire_crds::report::{Acknowledgement, AgentReport, JournalHead, Report, Role};
use sapphire_crds::values::{Digest, ObjectName, Proportion, Symbol};
use tokio::time::Instant;

use super::Conduct;

/// A trader pod that is Ready.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PodFacts {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) system: String,
    /// The ControllerRevision that it runs.
    pub(super) revision: ObjectName,
    /// The policy that it is under, as its files have it.
    pub(super) policy: Option<PolicyFacts>,
}

/// A RiskPolicy as a pod reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PolicyFacts {
    pub(super) name: ObjectName,
    pub(super) generation: i64,
    pub(super) hash: Digest,
    pub(super) trading_state: TradingState,
    /// Whether a halt closes positions.
    pub(super) flattens: bool,
}

/// What traders of a system see.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    /// In order of their names.
    pub(super) pods: Vec<PodFacts>,
    /// The revision that is to lead.
    pub(super) lead_revision: Option<ObjectName>,
    /// Whether the system is being deleted: nothing is entered any more.
    pub(super) deleting: bool,
    /// Whether it is and positions are to be closed.
    pub(super) closes: bool,
    /// Symbols that a person gave the desk positions in.
    pub(super) open: Vec<Symbol>,
    /// The agents, with the weight that their canary may have.
    pub(super) agents: Vec<(ObjectName, Option<Proportion>)>,
}

/// What a desk's traders remember.
#[derive(Debug, Default)]
pub(super) struct Desk {
    epoch: i64,
    leader: Option<String>,
    /// When somebody first led: every agent has an opinion then.
    opined_at: Option<Time>,
    quiesced: BTreeSet<String>,
    ready_since: BTreeMap<String, Instant>,
    limits: BTreeMap<String, Limits>,
    /// The policy that the leader enforces; while nobody leads, the last one's.
    policy: Option<PolicyFacts>,
    told_to_close: Option<Instant>,
}

/// What a pod remembers of its policy. While its files do not have it, it goes on as before.
#[derive(Debug, Default)]
struct Limits {
    /// The policy last seen, and since when.
    seen: Option<(PolicyFacts, Instant)>,
    /// The policy that is enforced.
    enforced: Option<(PolicyFacts, Time)>,
}

impl Limits {
    fn look(&mut self, policy: &PolicyFacts, conduct: &Conduct, now: Instant) {
        if self.seen.as_ref().is_none_or(|(seen, _)| seen != policy) {
            self.seen = Some((policy.clone(), now));
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        let is_new = self.enforced.as_ref().is_none_or(|(enforced, _)| enforced != policy);
        if is_new && now.duration_since(since) >= conduct.acknowledges_after {
            self.enforced = Some((policy.clone(), Time(Timestamp::now())));
        }
    }
}

impl Desk {
    /// What each pod says now, in their order.
    pub(super) fn look(&mut self, facts: &Facts, conduct: &Conduct, now: Instant) -> Vec<Report> {
        self.forget(facts);
        for pod in &facts.pods {
            self.ready_since.entry(pod.name.clone()).or_insert(now);
        }
        self.lead(facts, conduct, now);
        self.enforce(facts, conduct, now);
        let open = self.open(facts, conduct, now);
        facts.pods.iter().map(|pod| self.say(pod, facts, conduct, &open, now)).collect()
    }

    fn forget(&mut self, facts: &Facts) {
        let lives = |name: &String| facts.pods.iter().any(|pod| pod.name == *name);
        self.leader = self.leader.take().filter(lives);
        self.quiesced.retain(lives);
        self.ready_since.retain(|name, _| lives(name));
        self.limits.retain(|name, _| lives(name));
    }

    fn is_reconciled(&self, pod: &PodFacts, conduct: &Conduct, now: Instant) -> bool {
        let since = self.ready_since.get(&pod.name);
        since.is_some_and(|since| now.duration_since(*since) >= conduct.reconciles_after)
    }

    /// A leader quiesces when another revision is to lead, and a pod of that revision takes over in the
    /// next look: never two at once.
    fn lead(&mut self, facts: &Facts, conduct: &Conduct, now: Instant) {
        let wanted = facts.lead_revision.as_ref();
        let is_wanted = |pod: &&PodFacts| wanted.is_none_or(|wanted| pod.revision == *wanted);
        for pod in facts.pods.iter().filter(is_wanted) {
            self.quiesced.remove(&pod.name);
        }
        if let Some(leader) = facts.pods.iter().find(|pod| self.leader.as_ref() == Some(&pod.name))
        {
            if !is_wanted(&leader) && conduct.hands_over {
                self.quiesced.insert(leader.name.clone());
                self.leader = None;
            }
            return;
        }
        let anyone = !facts.pods.iter().any(|pod| is_wanted(&pod));
        let successor = facts.pods.iter().find(|pod| {
            (anyone || is_wanted(pod))
                && !self.quiesced.contains(&pod.name)
                && self.is_reconciled(pod, conduct, now)
        });
        if let Some(successor) = successor {
            self.epoch += 1;
            self.leader = Some(successor.name.clone());
            self.opined_at.get_or_insert_with(|| Time(Timestamp::now()));
        }
    }

    fn enforce(&mut self, facts: &Facts, conduct: &Conduct, now: Instant) {
        for pod in &facts.pods {
            if let Some(policy) = &pod.policy {
                self.limits.entry(pod.name.clone()).or_default().look(policy, conduct, now);
            }
        }
        let leader = self.leader.as_ref().and_then(|leader| self.enforced_by(leader));
        if let Some((policy, _)) = leader {
            self.policy = Some(policy.clone());
        }
    }

    fn enforced_by(&self, pod: &str) -> Option<&(PolicyFacts, Time)> {
        self.limits.get(pod)?.enforced.as_ref()
    }

    /// What is open: what a person or the test says, until the desk was told to close and has.
    fn open<'a>(
        &mut self,
        facts: &'a Facts,
        conduct: &'a Conduct,
        now: Instant,
    ) -> BTreeSet<&'a Symbol> {
        let halted = self.trading_state(conduct) == TradingState::Halted;
        let flattens = self.policy.as_ref().is_some_and(|policy| policy.flattens);
        if !(facts.closes || halted && flattens) {
            self.told_to_close = None;
        } else if self.told_to_close.is_none() {
            self.told_to_close = Some(now);
        }
        let closed = |since: Instant| now.duration_since(since) >= conduct.closes_after;
        if self.told_to_close.is_some_and(closed) {
            return BTreeSet::new();
        }
        conduct.exposed.iter().chain(&facts.open).collect()
    }

    fn trading_state(&self, conduct: &Conduct) -> TradingState {
        let policy =
            self.policy.as_ref().map_or(TradingState::Active, |policy| policy.trading_state);
        policy.max(conduct.trading_state)
    }

    fn say(
        &self,
        pod: &PodFacts,
        facts: &Facts,
        conduct: &Conduct,
        open: &BTreeSet<&Symbol>,
        now: Instant,
    ) -> Report {
        let ends = facts.deleting && conduct.sees_its_end;
        let role = if self.leader.as_ref() == Some(&pod.name) {
            Role::Leader
        } else if self.quiesced.contains(&pod.name) {
            Role::Quiesced
        } else {
            Role::Standby
        };
        let policy = self.enforced_by(&pod.name).map(|(policy, since)| Acknowledgement {
            name: policy.name.clone(),
            generation: policy.generation,
            hash: if conduct.understands { policy.hash.clone() } else { digest_of(0) },
            acknowledged_at: since.clone(),
        });
        Report {
            revision: pod.revision.clone(),
            role,
            epoch: self.epoch,
            reconciled: self.is_reconciled(pod, conduct, now),
            policy,
            ending: ends,
            trading_state: if ends {
                self.trading_state(conduct).max(TradingState::Reducing)
            } else {
                self.trading_state(conduct)
            },
            equity: conduct.equity,
            drawdown: conduct.drawdown,
            flat: open.is_empty(),
            exposed_symbols: open.iter().map(|symbol| (*symbol).clone()).collect(),
            open_orders: if open.is_empty() { 0 } else { conduct.open_orders },
            journal_head: Some(JournalHead { sequence: self.epoch, hash: digest_of(self.epoch) }),
            agents: facts.agents.iter().map(|(name, canary)| self.count(name, *canary)).collect(),
        }
    }

    fn count(&self, name: &ObjectName, canary_weight: Option<Proportion>) -> AgentReport {
        AgentReport {
            name: name.clone(),
            weight: canary_weight.or_else(|| "1".parse().ok()),
            canary_weight,
            brier: "0.25".parse().ok(),
            scored: 100,
            last_opinion_at: self.opined_at.clone(),
        }
    }
}

/// A digest that tells its number.
fn digest_of(number: i64) -> Digest {
    let text = format!("{number:064x}");
    // Sixty-four hexadecimal digits are one.
    text.parse().unwrap_or_else(|_| unreachable!("{text}"))
}

#[cfg(test)]
mod tests;
