//! The desks that are measured: one pod each, three agents, as examples/paper-desk is.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::PostParams;
use kube::{Api, Client};
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};
use serde_json::{Value, json};

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

pub(crate) async fn create_policy(client: &Client) -> Result<(), Failure> {
    let policies: Api<RiskPolicy> = Api::namespaced(client.clone(), NAMESPACE);
    let policy = json!({"metadata": metadata("careful"), "spec": {}});
    policies.create(&PostParams::default(), &serde_json::from_value(policy)?).await?;
    Ok(())
}

/// Creates policy, desks and agents, as fast as one client can.
pub(crate) async fn create(client: &Client, systems: usize) -> Result<(), Failure> {
    create_policy(client).await?;
    for_each(systems, AT_ONCE, |number| create_one(client, number)).await
}

/// Does something for each desk, so many at once.
pub(crate) async fn for_each<F>(
    systems: usize,
    at_once: usize,
    one: impl Fn(usize) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let all = stream::iter((0..systems).map(one));
    all.buffer_unordered(at_once).try_collect().await
}

/// Creates a desk and its agents.
pub(crate) async fn create_one(client: &Client, number: usize) -> Result<(), Failure> {
    let params = PostParams::default();
    let systems: Api<TradingSystem> = Api::namespaced(client.clone(), NAMESPACE);
    systems.create(&params, &serde_json::from_value(system(number))?).await?;
    let agents: Api<TradingAgent> = Api::namespaced(client.clone(), NAMESPACE);
    for of_it in 0..AGENTS {
        agents.create(&params, &serde_json::from_value(agent(number, of_it))?).await?;
    }
    Ok(())
}
