//! The desks that are measured: one pod each, three agents, as examples/paper-desk is.

use kube::api::PostParams;
use kube::{Api, Client};
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Failure;

/// Where they are.
pub(crate) const NAMESPACE: &str = "desks";
/// Agents of each.
pub(crate) const AGENTS: usize = 3;
/// How many requests are under way at once when desks are created.
const AT_ONCE: usize = 16;

pub(crate) fn name(number: usize) -> String {
    format!("desk-{number:04}")
}

fn metadata(name: &str) -> Value {
    json!({"name": name, "namespace": NAMESPACE})
}

fn system(number: usize) -> Value {
    json!({
        "metadata": metadata(&name(number)),
        "spec": {
            "venue": {"paper": {
                "balance": "100000",
                "data": {"file": {"path": "btc.csv.gz", "volume": {"claimName": "recordings"}}},
                "instruments": [{"symbol": "BTCUSD", "tickSize": "0.01", "lotSize": "0.00001",
                    "makerFee": "0.0002", "takerFee": "0.0004"}],
            }},
            "symbols": {"list": ["BTCUSD"]},
            "barInterval": "1h",
            "riskPolicyRef": {"name": "careful"},
        },
    })
}

fn agent(system: usize, number: usize) -> Value {
    json!({
        "metadata": metadata(&format!("{}-{number}", name(system))),
        "spec": {
            "systemRef": {"name": name(system)},
            "strategy": {"trendMomentum": {}},
            "authority": {"consensus": {}},
        },
    })
}

/// Creates policy, desks and agents, as fast as one client can.
pub(crate) async fn create(client: &Client, systems: usize) -> Result<(), Failure> {
    let policies: Api<RiskPolicy> = Api::namespaced(client.clone(), NAMESPACE);
    let policy = json!({"metadata": metadata("careful"), "spec": {}});
    policies.create(&PostParams::default(), &serde_json::from_value(policy)?).await?;
    let mut under_way = JoinSet::new();
    for number in 0..systems {
        if under_way.len() >= AT_ONCE
            && let Some(done) = under_way.join_next().await
        {
            done??;
        }
        under_way.spawn(create_one(client.clone(), number));
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(())
}

async fn create_one(client: Client, number: usize) -> Result<(), Failure> {
    let params = PostParams::default();
    let systems: Api<TradingSystem> = Api::namespaced(client.clone(), NAMESPACE);
    systems.create(&params, &serde_json::from_value(system(number))?).await?;
    let agents: Api<TradingAgent> = Api::namespaced(client, NAMESPACE);
    for of_it in 0..AGENTS {
        agents.create(&params, &serde_json::from_value(agent(number, of_it))?).await?;
    }
    Ok(())
}
