//! Objects that are deleted and made again under their name at once.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use sapphire_crds::TradingAgent;
use sapphire_e2e::{Fault, Matching};
use serde_json::json;

use crate::plane::{operated, until};

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
    let operated = operated("namesakes").await;
    let agents = operated.case.api::<TradingAgent>();
    let made = agents.create(&PostParams::default(), &waiting()).await.unwrap();
    assert_eq!(first_status(&agents, &made).await, Some(1));
    let statuses = Matching::any().verb("patch").resource("tradingagents/status");
    let late = operated.proxy.next(1, statuses, Fault::Delayed(Duration::from_secs(2)));
    let edit = Patch::Merge(json!({"spec": {"paused": true}}));
    agents.patch("racer", &PatchParams::default(), &edit).await.unwrap();
    until("the status of the edit", || async { (late.met() == 1).then_some(()) }).await;
    agents.delete("racer", &DeleteParams::default()).await.unwrap();
    let successor = agents.create(&PostParams::default(), &waiting()).await.unwrap();
    assert_eq!(first_status(&agents, &successor).await, Some(1), "its own");
}
