//! What happens to desks and children, as a watch tells it: no question slows the API server down.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, ResourceExt as _};
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::ConditionType;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Failure;
use crate::desks::NAMESPACE;

/// The variable by whose value an edit is known.
pub(crate) const MARK: &str = "MEASURED";

#[derive(Debug, Default)]
struct State {
    ready: HashSet<String>,
    last_ready: Option<Instant>,
    /// When a Deployment was first seen with a mark's value.
    marks: HashMap<(String, String), Instant>,
    last_event: Option<Instant>,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    state: Arc<Mutex<State>>,
    _tasks: JoinSet<()>,
}

impl Watched {
    pub(crate) fn start(client: &Client) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(systems(client.clone(), state.clone()));
        tasks.spawn(deployments(client.clone(), state.clone()));
        Self { state, _tasks: tasks }
    }

    /// When the last of so many desks became Ready.
    pub(crate) async fn all_ready(
        &self,
        systems: usize,
        patience: Duration,
    ) -> Result<Instant, Failure> {
        let deadline = Instant::now() + patience;
        loop {
            let ready = {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                match state.last_ready {
                    Some(last) if state.ready.len() >= systems => return Ok(last),
                    _ => state.ready.len(),
                }
            };
            if Instant::now() > deadline {
                return Err(format!("{ready} of {systems} desks were ready in time").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until no desk and no Deployment has changed for so long.
    pub(crate) async fn quiet(&self, period: Duration) {
        loop {
            let last = self.state.lock().unwrap_or_else(PoisonError::into_inner).last_event;
            let rest = last.map_or(Duration::ZERO, |at| period.saturating_sub(at.elapsed()));
            if rest.is_zero() {
                return;
            }
            tokio::time::sleep(rest).await;
        }
    }

    /// When a desk's Deployment was first seen with the mark.
    pub(crate) async fn marked(&self, deployment: &str, mark: &str) -> Result<Instant, Failure> {
        let deadline = Instant::now() + Duration::from_secs(60);
        let key = (deployment.to_owned(), mark.to_owned());
        loop {
            let seen = {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.marks.get(&key).copied()
            };
            if let Some(at) = seen {
                return Ok(at);
            }
            if Instant::now() > deadline {
                return Err(format!("{deployment} was not changed in time").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn systems(client: Client, state: Arc<Mutex<State>>) {
    let api: Api<TradingSystem> = Api::namespaced(client, NAMESPACE);
    let mut events = std::pin::pin!(watcher(api, Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        let (Ok(Event::Apply(system)) | Ok(Event::InitApply(system))) = event else { continue };
        let status = system.status.as_ref();
        let ready = status.is_some_and(|status| {
            status.conditions.holds(ConditionType::Ready)
                && status.observed_generation == system.metadata.generation
        });
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_event = Some(Instant::now());
        if ready && state.ready.insert(system.name_any()) {
            state.last_ready = Some(Instant::now());
        }
    }
}

async fn deployments(client: Client, state: Arc<Mutex<State>>) {
    let api: Api<Deployment> = Api::namespaced(client, NAMESPACE);
    let mut events = std::pin::pin!(watcher(api, Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        let (Ok(Event::Apply(deployment)) | Ok(Event::InitApply(deployment))) = event else {
            continue;
        };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_event = Some(Instant::now());
        let Some(mark) = mark(&deployment) else { continue };
        state.marks.entry((deployment.name_any(), mark)).or_insert_with(Instant::now);
    }
}

fn mark(deployment: &Deployment) -> Option<String> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    let variables = pod.containers.first()?.env.as_ref()?;
    variables.iter().find(|variable| variable.name == MARK)?.value.clone()
}
