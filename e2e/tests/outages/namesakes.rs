//! Objects that are deleted and made again under their name at once.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::Api;
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use sapphire_crds::{TradingAgent, TradingSystem};
use sapphire_e2e::{Fault, Matching, until};
use serde_json::json;

use crate::desk::ready;
use crate::plane::operated;

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

/// Its finalizer, which no longer lets a successor come in between, is younger than what was read of it.
#[tokio::test]
async fn no_status_of_a_desk_that_was_just_made_is_refused() {
    let operated = operated("just-made").await;
    let systems = operated.case.api::<TradingSystem>();
    let since = systems.list(&ListParams::default()).await.unwrap().metadata.resource_version;
    let states = systems.watch(&WatchParams::default(), &since.unwrap()).await.unwrap().boxed();
    ready(&operated.case, "").await;
    let statuses = Matching::any().verb("patch").resource("tradingsystems/status");
    let written = operated.proxy.asked().iter().filter(|asked| statuses.takes(asked)).count();
    assert!(written >= 2, "{written}");
    // The state that each left; what the finalizer left says nothing yet.
    let states = states.try_filter_map(|event| async move {
        let WatchEvent::Modified(system) = event else { return Ok(None) };
        Ok(system.status.filter(|status| status.observed_generation > Some(0)))
    });
    let states = tokio::time::timeout(Duration::from_secs(10), states.take(written).count()).await;
    assert_eq!(states, Ok(written), "some of {written} writes left no state");
}
