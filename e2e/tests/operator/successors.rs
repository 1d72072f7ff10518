//! Objects that are deleted and made again under their name at once.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use sapphire_crds::TradingAgent;
use serde_json::json;

use crate::plane::case;

/// Rounds of it, each with another pause between the edit and the deletion.
const ROUNDS: u64 = 30;

/// An agent that waits for its system.
fn waiting() -> TradingAgent {
    serde_json::from_value(json!({
        "apiVersion": "sapphiretrade.xyz/v1alpha1",
        "kind": "TradingAgent",
        "metadata": {"name": "racer"},
        "spec": {
            "systemRef": {"name": "nowhere"},
            "strategy": {"trendMomentum": {}},
            "authority": {"consensus": {}},
        },
    }))
    .unwrap()
}

/// Follows an agent from its first state until it has a status; gives the generation that this is of.
async fn first_status(agents: &Api<TradingAgent>, made: &TradingAgent) -> Option<i64> {
    let only = WatchParams::default().fields("metadata.name=racer");
    let since = made.metadata.resource_version.as_deref().unwrap();
    let mut states = agents.watch(&only, since).await.unwrap().boxed();
    while let Some(event) = states.try_next().await.unwrap() {
        if let WatchEvent::Modified(agent) = event
            && let Some(status) = agent.status
        {
            return status.observed_generation;
        }
    }
    None
}

#[tokio::test]
async fn the_status_of_a_deleted_agent_is_not_written_to_its_successor() {
    let case = case("successors").await;
    let agents = case.api::<TradingAgent>();
    for round in 0..ROUNDS {
        let made = agents.create(&PostParams::default(), &waiting()).await.unwrap();
        assert_eq!(first_status(&agents, &made).await, Some(1), "round {round}");
        let edit = Patch::Merge(json!({"spec": {"paused": true}}));
        agents.patch("racer", &PatchParams::default(), &edit).await.unwrap();
        tokio::time::sleep(Duration::from_millis(round * 2)).await;
        agents.delete("racer", &DeleteParams::default()).await.unwrap();
        let successor = agents.create(&PostParams::default(), &waiting()).await.unwrap();
        assert_eq!(first_status(&agents, &successor).await, Some(1), "round {round}");
        agents.delete("racer", &DeleteParams::default()).await.unwrap();
    }
}
