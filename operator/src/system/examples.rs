//! Desks for tests.

use std::sync::Arc;

use sapphire_crds::trading_system::TradingSystemStatus;
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};
use serde_json::{Value, json};

use super::dereference::Dereferenced;
use super::limit::Limit;
use super::validate::{Valid, validate};
use crate::reconcile::key::Key;
use crate::reconcile::stored::{Stored, Unreadable, Wire};

/// An embedded paper desk, with a merge patch on its spec.
pub(crate) fn system(patch: Value) -> Arc<Stored<TradingSystem>> {
    let mut object = json!({
        "apiVersion": "sapphiretrade.xyz/v1alpha1",
        "kind": "TradingSystem",
        "metadata": {"name": "desk", "namespace": "trading", "uid": "0000-1111", "generation": 1},
        "spec": {
            "venue": {"paper": {
                "balance": "100000",
                "data": {"file": {"path": "btc/2024.csv.gz", "volume": {"claimName": "recordings"}}},
                "instruments": [{"symbol": "BTCUSD", "tickSize": "0.01", "lotSize": "0.00001",
                    "makerFee": "0.0002", "takerFee": "0.0004"}],
            }},
            "symbols": {"list": ["BTCUSD"]},
            "barInterval": "1h",
            "riskPolicyRef": {"name": "careful"},
        },
    });
    merge(&mut object["spec"], patch);
    stored(object)
}

/// A desk over PostgreSQL and Redis.
pub(crate) fn clustered(patch: Value) -> Arc<Stored<TradingSystem>> {
    let mut spec = json!({
        "storage": {"postgres": {"secretRef": {"name": "postgres", "key": "url"}}},
        "bus": {"redis": {"secretRef": {"name": "redis", "key": "url"}}},
    });
    merge(&mut spec, patch);
    system(spec)
}

/// A system with a status.
pub(crate) fn with_status(
    system: &Stored<TradingSystem>,
    status: TradingSystemStatus,
) -> Arc<Stored<TradingSystem>> {
    let mut object = serde_json::to_value(&**system).unwrap();
    object["spec"] = system.written_spec();
    object["status"] = serde_json::to_value(status).unwrap();
    stored(object)
}

pub(crate) fn agent(name: &str, authority: Value) -> Arc<Stored<TradingAgent>> {
    let object = json!({
        "apiVersion": "sapphiretrade.xyz/v1alpha1",
        "kind": "TradingAgent",
        "metadata": {"name": name, "namespace": "trading", "uid": format!("a-{name}"), "generation": 1},
        "spec": {"systemRef": {"name": "desk"}, "strategy": {"trendMomentum": {}}, "authority": authority},
    });
    stored(object)
}

pub(crate) fn policy() -> Arc<Stored<RiskPolicy>> {
    let object = json!({
        "apiVersion": "sapphiretrade.xyz/v1alpha1",
        "kind": "RiskPolicy",
        "metadata": {"name": "careful", "namespace": "trading", "uid": "p-1", "generation": 1},
        "spec": {"limits": {"maxDrawdown": "0.1"}},
    });
    stored(object)
}

pub(crate) fn dereferenced(
    system: Arc<Stored<TradingSystem>>,
    agents: Vec<Arc<Stored<TradingAgent>>>,
) -> Dereferenced {
    Dereferenced {
        key: Key::new("trading", "desk"),
        system,
        policy: Some(policy()),
        limits: vec![Limit::of(policy())],
        agents,
        unreadable: Vec::new(),
        service_monitors: true,
    }
}

pub(crate) fn valid(system: Arc<Stored<TradingSystem>>) -> Valid {
    let agents = ["one", "three", "two"].map(|name| agent(name, json!({"consensus": {}})));
    validate(dereferenced(system, agents.to_vec())).unwrap()
}

/// An agent of the desk whose strategy no release knows.
pub(crate) fn unreadable(name: &str) -> Arc<Unreadable> {
    let object = json!({
        "metadata": {"name": name, "namespace": "trading", "uid": format!("a-{name}")},
        "spec": {"systemRef": {"name": "desk"}, "strategy": "unheard-of", "authority": {"consensus": {}}},
    });
    let wire: Wire<TradingAgent> = serde_json::from_value(object).unwrap();
    Arc::new(wire.0.unwrap_err())
}

fn stored<K: serde::de::DeserializeOwned>(object: Value) -> Arc<Stored<K>> {
    let wire: Wire<K> = serde_json::from_value(object).unwrap();
    Arc::new(wire.0.unwrap())
}

fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (name, member) in patch {
                if member.is_null() {
                    target.remove(&name);
                } else {
                    merge(target.entry(name).or_insert(Value::Null), member);
                }
            }
        }
        (target, patch) => *target = patch,
    }
}
