//! Whether the objects that make a desk fit one another. Pure.
//!
//! What one object says of itself the API server has checked; an object that was stored before a rule
//! existed fails here, too, where it matters.

use std::sync::Arc;

use sapphire_crds::conditions::Reason;
use sapphire_crds::references::SecretKeyReference;
use sapphire_crds::trading_agent::AuthorityChoice;
use sapphire_crds::trading_system::{
    Bus, BusChoice, DataVolume, PaperDataChoice, Storage, StorageChoice, StorageVolume,
    SymbolSelectionChoice, VenueChoice,
};
use sapphire_crds::values::Symbol;
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};

use super::dereference::Dereferenced;
use super::limit::{Found, Limit};
use crate::reconcile::desired::Owner;
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::{Stored, Unreadable};

/// A desk whose parts fit one another. Only [`validate`] makes one.
#[derive(Debug, Clone)]
pub struct Valid {
    /// The system's namespace and name.
    pub key: Key,
    /// The system.
    pub system: Arc<Stored<TradingSystem>>,
    /// The owner of all children.
    pub owner: Owner,
    /// The policy.
    pub policy: Arc<Stored<RiskPolicy>>,
    /// What its pods are under, its own policy first.
    pub limits: Vec<Limit>,
    /// The agents, in the order of their names.
    pub agents: Vec<Arc<Stored<TradingAgent>>>,
    /// Those that cannot be read.
    pub unreadable: Vec<Arc<Unreadable>>,
    /// What it looks like on the cluster.
    pub shape: Shape,
    /// Whether the cluster has ServiceMonitors.
    pub service_monitors: bool,
}

/// What a desk looks like on the cluster.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// All of it in one pod with a volume.
    Embedded(StorageVolume),
    /// A pod a role, over PostgreSQL and Redis.
    Clustered {
        /// Where the database's URL is.
        postgres: SecretKeyReference,
        /// Where the bus's URL is.
        redis: SecretKeyReference,
    },
}

/// Holds the parts of a desk against one another.
///
/// # Errors
/// The first of what [`holds`] it.
pub fn validate(desk: Dereferenced) -> Result<Valid, Hold> {
    if let Some(first) = holds(&desk).into_iter().next() {
        return Err(first);
    }
    let owner = desk.owner();
    let missing = policy_missing(&desk);
    let Dereferenced { key, system, policy, limits, agents, unreadable, service_monitors } = desk;
    let shape = shape(&system)?;
    let policy = policy.ok_or(missing)?;
    Ok(Valid { key, system, owner, policy, limits, agents, unreadable, shape, service_monitors })
}

/// All that keeps a desk from being brought about: waiting for what is missing and may come, stalled where a
/// person must choose.
pub fn holds(desk: &Dereferenced) -> Vec<Hold> {
    let Dereferenced { system, policy, agents, unreadable, .. } = desk;
    let shape = shape(system);
    let is_embedded = matches!(shape, Ok(Shape::Embedded(_)));
    let mut holds: Vec<Hold> = shape.err().into_iter().collect();
    holds.extend(recordings_have_a_volume(system).err());
    holds.extend(policy.is_none().then(|| policy_missing(desk)));
    if is_embedded {
        // The agents are part of the one pod, and it could not start.
        holds.extend(misfits(system, agents, unreadable.is_empty()));
    }
    holds
}

fn policy_missing(desk: &Dereferenced) -> Hold {
    let name = desk.system.spec.risk_policy_ref.name.as_str();
    let limit = desk.limits.iter().find(|limit| limit.name == name);
    let meanwhile = match (limit, desk.left_under()) {
        (Some(limit), _) if limit.is_unknown() => {
            "; what it said is not known any more, so what runs is halted until then".to_owned()
        }
        (Some(_), _) => "; meanwhile what runs keeps its limits".to_owned(),
        (None, Some(kept)) => {
            format!("; RiskPolicy {kept} still limits what runs, and its changes reach it")
        }
        (None, None) => String::new(),
    };
    let words = match limit.map(|limit| limit.found) {
        Some(Found::Undecodable) => {
            format!("RiskPolicy {name} cannot be read (kubectl describe rpol {name}); mend it")
        }
        _ => format!(
            "there is no RiskPolicy {name} in this namespace; create it, or name another in \
             spec.riskPolicyRef"
        ),
    };
    Hold::waiting(Reason::PolicyMissing, words + &meanwhile)
}

fn shape(system: &TradingSystem) -> Result<Shape, Hold> {
    let one_of = |error: sapphire_crds::one_of::NotOne| {
        Hold::stalled(Reason::InvalidSpec, error.to_string())
    };
    let storage = system.spec.storage.as_ref().map(Storage::choice).transpose().map_err(one_of)?;
    let bus = system.spec.bus.as_ref().map(Bus::choice).transpose().map_err(one_of)?;
    match (storage, bus) {
        (Some(StorageChoice::Postgres(postgres)), Some(BusChoice::Redis(redis))) => {
            Ok(Shape::Clustered {
                postgres: postgres.secret_ref.clone(),
                redis: redis.secret_ref.clone(),
            })
        }
        (Some(StorageChoice::Postgres(_)), _) => Err(Hold::stalled(
            Reason::InvalidSpec,
            "storage.postgres is shared by several pods, which talk over a bus; set bus.redis, or remove storage.postgres",
        )),
        (_, Some(BusChoice::Redis(_))) => Err(Hold::stalled(
            Reason::InvalidSpec,
            "bus.redis connects several pods, which need a common store; set storage.postgres, or remove bus.redis",
        )),
        (Some(StorageChoice::Embedded(embedded)), _) => {
            Ok(Shape::Embedded(embedded.volume.clone().unwrap_or_default()))
        }
        (None, _) => Ok(Shape::Embedded(StorageVolume::default())),
    }
}

/// A pod has no directory that a manifest's path could be relative to.
fn recordings_have_a_volume(system: &TradingSystem) -> Result<(), Hold> {
    let recordings = recordings(system);
    match recordings.iter().find(|(_, volume)| volume.is_none()) {
        None => Ok(()),
        Some((field, _)) => Err(Hold::stalled(
            Reason::DataVolumeMissing,
            format!(
                "spec.venue.paper.data.{field} has no volume, and a pod has no directory of its own to find the file in; name a PersistentVolumeClaim in {field}.volume.claimName"
            ),
        )),
    }
}

/// The recordings of a system by their fields, and the volumes that hold them.
pub fn recordings(system: &TradingSystem) -> Vec<(String, Option<&DataVolume>)> {
    let Ok(VenueChoice::Paper(paper)) = system.spec.venue.choice() else { return Vec::new() };
    match paper.data.choice() {
        Ok(PaperDataChoice::File(file)) => vec![("file".to_owned(), file.volume.as_ref())],
        Ok(PaperDataChoice::Files(files)) => files
            .iter()
            .enumerate()
            .map(|(index, file)| (format!("files[{index}]"), file.volume.as_ref()))
            .collect(),
        Ok(PaperDataChoice::Exchange(_)) | Err(_) => Vec::new(),
    }
}

/// The symbols that the manifests tell; empty where only the venue can.
fn symbols(system: &TradingSystem) -> Vec<&Symbol> {
    match (system.spec.symbols.choice(), system.spec.venue.choice()) {
        (Ok(SymbolSelectionChoice::List(list)), _) => list.iter().collect(),
        (_, Ok(VenueChoice::Paper(paper))) => paper.instruments.iter().map(|i| &i.symbol).collect(),
        _ => Vec::new(),
    }
}

/// The first symbol of an agent that its system does not trade.
pub fn stray<'a>(system: &TradingSystem, agent: &'a TradingAgent) -> Option<&'a Symbol> {
    let listed = match agent.spec.authority.choice().ok()? {
        AuthorityChoice::Consensus(consensus) => consensus.symbols.as_deref()?,
        AuthorityChoice::Delegated(delegated) => delegated.symbols.as_slice(),
    };
    let traded = symbols(system);
    listed.iter().find(|symbol| !traded.is_empty() && !traded.contains(symbol))
}

/// Why agents fit neither the system nor one another. `all`: there are no others, of which nobody knows
/// whether they vote.
fn misfits(system: &TradingSystem, agents: &[Arc<Stored<TradingAgent>>], all: bool) -> Vec<Hold> {
    if agents.is_empty() && all {
        let name = system.metadata.name.as_deref().unwrap_or_default();
        return vec![Hold::waiting(
            Reason::AgentsMissing,
            format!(
                "no TradingAgent names this system; create one with systemRef: {{name: {name}}}"
            ),
        )];
    }
    let traded = symbols(system);
    let mut found = Vec::new();
    let mut voters = vec![0u32; traded.len()];
    let mut delegates: Vec<Option<&str>> = vec![None; traded.len()];
    for agent in agents {
        let name = agent.metadata.name.as_deref().unwrap_or_default();
        let (listed, votes) = match agent.spec.authority.choice() {
            Ok(AuthorityChoice::Consensus(consensus)) => (consensus.symbols.as_deref(), true),
            Ok(AuthorityChoice::Delegated(delegated)) => {
                (Some(delegated.symbols.as_slice()), false)
            }
            Err(error) => {
                let words = format!("TradingAgent {name}: {error}");
                found.push(Hold::stalled(Reason::InvalidSpec, words));
                continue;
            }
        };
        if let Some(symbol) = stray(system, agent) {
            found.push(conflict(format!(
                "TradingAgent {name} names {symbol}, which this system does not trade; add it to spec.symbols, or remove it from the agent"
            )));
        }
        for (index, symbol) in traded.iter().enumerate() {
            if !listed.is_none_or(|listed| listed.contains(symbol)) {
                continue;
            }
            if votes {
                voters[index] += 1;
            } else if let Some(other) = delegates[index].replace(name) {
                found.push(conflict(format!(
                    "{symbol} is delegated to both {other} and {name}; remove it from one of them"
                )));
            }
        }
    }
    let needed = system.spec.consensus.min_agents;
    for ((symbol, voters), delegate) in traded.iter().zip(voters).zip(delegates) {
        match delegate {
            Some(delegate) if voters > 0 => found.push(conflict(format!(
                "{symbol} is delegated to {delegate} and also voted on; list the voters' symbols without it in authority.consensus.symbols"
            ))),
            _ if all && voters > 0 && voters < needed => found.push(Hold::waiting(
                Reason::AgentsMissing,
                format!(
                    "consensus.minAgents asks for {needed} agents that agree, but {voters} vote on {symbol}; create more agents, or lower minAgents"
                ),
            )),
            _ => {}
        }
    }
    found
}

fn conflict(words: String) -> Hold {
    Hold::stalled(Reason::SymbolsConflict, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::examples::{agent, dereferenced, system, unreadable};
    use crate::system::limit::Policy;
    use serde_json::json;

    fn judge(
        patch: serde_json::Value,
        agents: &[Arc<Stored<TradingAgent>>],
    ) -> Result<Valid, Hold> {
        validate(dereferenced(system(patch), agents.to_vec()))
    }

    #[test]
    fn everything_that_holds_a_desk_is_found() {
        let data =
            json!({"venue": {"paper": {"data": {"file": {"path": "a.csv", "volume": null}}}}});
        let strange = agent("x", json!({"consensus": {"symbols": ["DOGEUSD"]}}));
        let mut desk = dereferenced(system(data), [&three()[..2], &[strange]].concat());
        desk.policy = None;
        let found: Vec<String> = holds(&desk).iter().map(ToString::to_string).collect();
        let reasons: Vec<&str> = found.iter().filter_map(|hold| hold.split(':').next()).collect();
        assert_eq!(
            reasons,
            ["DataVolumeMissing", "PolicyMissing", "SymbolsConflict", "AgentsMissing"],
            "{found:#?}"
        );
    }

    fn three() -> Vec<Arc<Stored<TradingAgent>>> {
        ["a", "b", "c"].map(|name| agent(name, json!({"consensus": {}}))).to_vec()
    }

    fn words(outcome: Result<Valid, Hold>) -> String {
        let hold = outcome.unwrap_err();
        format!("{} {hold}", hold.kind())
    }

    #[test]
    fn a_desk_without_storage_is_embedded() {
        assert!(matches!(judge(json!({}), &three()).unwrap().shape, Shape::Embedded(_)));
    }

    #[test]
    fn half_a_cluster_is_none() {
        let postgres = json!({"storage": {"postgres": {"secretRef": {"name": "s", "key": "k"}}}});
        assert!(
            words(judge(postgres, &three())).starts_with("stalled InvalidSpec: storage.postgres")
        );
        let redis = json!({"bus": {"redis": {"secretRef": {"name": "s", "key": "k"}}}});
        assert!(words(judge(redis, &three())).starts_with("stalled InvalidSpec: bus.redis"));
    }

    #[test]
    fn a_recording_needs_a_volume_on_a_cluster() {
        let data =
            json!({"venue": {"paper": {"data": {"file": {"path": "a.csv", "volume": null}}}}});
        assert!(words(judge(data, &three())).contains("volume.claimName"));
    }

    #[test]
    fn a_missing_policy_is_waited_for() {
        let mut desk = dereferenced(system(json!({})), three());
        desk.policy = None;
        let limit = desk.limits[0].clone();
        let said = |found, policy, limits: &[Limit]| {
            let limit = Limit { found, policy, ..limit.clone() };
            let mut desk = desk.clone();
            desk.limits = limits.iter().cloned().chain([limit]).take(1).collect();
            words(validate(desk))
        };
        for (found, why) in [
            (Found::Missing, "waiting PolicyMissing: there is no RiskPolicy careful"),
            (Found::Undecodable, "waiting PolicyMissing: RiskPolicy careful cannot be read"),
        ] {
            for (policy, meanwhile) in [
                (limit.policy.clone(), "meanwhile what runs keeps its limits"),
                (Policy::Unknown, "what runs is halted until then"),
            ] {
                let said = said(found, policy, &[]);
                assert!(said.starts_with(why) && said.contains(meanwhile), "{said}");
            }
        }
        let other = Limit { name: "bold".into(), ..limit.clone() };
        let said = said(Found::Missing, Policy::Unknown, &[other]);
        assert!(said.contains("RiskPolicy bold still limits what runs"), "{said}");
    }

    #[test]
    fn too_few_voters_are_waited_for() {
        assert!(words(judge(json!({}), &[])).starts_with("waiting AgentsMissing"));
        let told = words(judge(json!({}), &three()[..2]));
        assert!(
            told.starts_with("waiting AgentsMissing") && told.contains("2 vote on BTCUSD"),
            "{told}"
        );
    }

    #[test]
    fn who_votes_is_not_counted_while_an_agent_cannot_be_read() {
        let judge = |agents: &[_]| {
            let mut desk = dereferenced(system(json!({})), agents.to_vec());
            desk.unreadable = vec![unreadable("later")];
            validate(desk)
        };
        assert!(judge(&[]).is_ok());
        assert!(judge(&three()[..2]).is_ok());
    }

    #[test]
    fn contradictions_are_named() {
        let delegate = |name| {
            agent(
                name,
                json!({"delegated": {"symbols": ["BTCUSD"], "quantity": "1", "maxNotional": "10"}}),
            )
        };
        let both = words(judge(json!({}), &[three(), vec![delegate("d")]].concat()));
        assert!(both.contains("delegated to d and also voted on"), "{both}");
        let two = words(judge(json!({}), &[delegate("d"), delegate("e")]));
        assert!(two.contains("both d and e"), "{two}");
        let strange = agent("x", json!({"consensus": {"symbols": ["DOGEUSD"]}}));
        let strange = words(judge(json!({}), &[three(), vec![strange]].concat()));
        assert!(strange.contains("x names DOGEUSD"), "{strange}");
    }
}
