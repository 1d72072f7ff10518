//! Keeps what is known of the API server up to date, and wakes who is concerned.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::NamespaceResourceScope;
use kube::core::metadata::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::context::Context;
use crate::labels;
use crate::reconcile::children;
use crate::reconcile::kind::Kind;
use crate::reconcile::mirror::{Change, Intake, Mirror, Refers};
use crate::reconcile::stored::Wire;
use crate::reports;
use crate::wake;

/// How often the API server is asked for kinds that a cluster need not have.
const DISCOVERY: Duration = Duration::from_secs(60);

/// What the watch of reports is called.
const LEASES: &str = "Lease";

/// Which watches have been read through once.
#[derive(Debug, Clone)]
pub struct Progress {
    done: Arc<Mutex<BTreeMap<String, bool>>>,
    changed: watch::Sender<()>,
}

impl Progress {
    fn new() -> Self {
        Self { done: Arc::default(), changed: watch::Sender::new(()) }
    }

    fn expect(&self, what: &str) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned(), false);
    }

    fn complete(&self, what: &str) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned(), true);
        self.changed.send_replace(());
    }

    /// What has not been read through yet.
    pub fn missing(&self) -> Vec<String> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.iter().filter(|(_, done)| !**done).map(|(what, _)| what.clone()).collect()
    }

    /// Waits until everything has been read through once.
    pub async fn complete_all(&self) {
        let mut changed = self.changed.subscribe();
        while !self.missing().is_empty() {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

/// The watches, until this is dropped.
#[derive(Debug)]
pub struct Watches {
    tasks: JoinSet<()>,
    /// How far they are.
    pub progress: Progress,
}

impl Watches {
    /// Begins all watches.
    pub fn start(context: &Arc<Context>) -> Self {
        let mut watches = Self { tasks: JoinSet::new(), progress: Progress::new() };
        let scopes: Vec<Option<String>> = match context.settings.namespaces.as_slice() {
            [] => vec![None],
            names => names.iter().cloned().map(Some).collect(),
        };
        for scope in &scopes {
            watches.ours(context, scope, |c| &c.systems, wake::of_system);
            watches.ours(context, scope, |c| &c.agents, wake::of_agent);
            watches.ours(context, scope, |c| &c.policies, wake::of_policy);
            for kind in Kind::ALL.into_iter().filter(|kind| kind.is_built_in()) {
                watches.children(context, kind, scope.clone());
            }
            watches.reports(context, scope.clone());
        }
        watches.tasks.spawn(optional(context.clone(), scopes));
        watches
    }

    /// Ends when a watch panicked, which none should.
    pub async fn broken(&mut self) {
        self.tasks.join_next().await;
    }

    fn ours<K>(
        &mut self,
        context: &Arc<Context>,
        scope: &Option<String>,
        mirror: fn(&Context) -> &Mirror<K>,
        woken: fn(&Context, &Change<K>),
    ) where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + DeserializeOwned + Refers + Send + Sync + 'static,
    {
        let name = named(&K::kind(&()), scope);
        self.progress.expect(&name);
        let (context, scope, progress) = (context.clone(), scope.clone(), self.progress.clone());
        let api: Api<Wire<K>> = api(context.client.clone(), scope.as_deref());
        self.tasks.spawn(async move {
            let kind = K::kind(&()).into_owned();
            let mut intake = Intake::new(scope);
            let handle = |event: Event<Wire<K>>| {
                let changes = intake.take(mirror(&context), event);
                changes.iter().for_each(|change| woken(&context, change));
                let unreadable = mirror(&context).undecodable();
                let unreadable = i64::try_from(unreadable).unwrap_or(i64::MAX);
                context.metrics.undecodable.with_label_values(&[&kind]).set(unreadable);
            };
            follow(&context, &name, watcher(api, watcher::Config::default()), &progress, handle)
                .await;
        });
    }

    fn reports(&mut self, context: &Arc<Context>, scope: Option<String>) {
        self.progress.expect(&named(LEASES, &scope));
        self.tasks.spawn(follow_reports(context.clone(), scope, self.progress.clone()));
    }

    fn children(&mut self, context: &Arc<Context>, kind: Kind, scope: Option<String>) {
        let name = named(kind.name(), &scope);
        self.progress.expect(&name);
        self.tasks.spawn(follow_children(context.clone(), kind, scope, self.progress.clone()));
    }
}

fn follow_reports(
    context: Arc<Context>,
    scope: Option<String>,
    progress: Progress,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let name = named(LEASES, &scope);
        let resource = ApiResource::erase::<Lease>(&());
        let config = watcher::Config::default().labels(labels::SYSTEM);
        let mut intake = reports::Intake::new(scope.clone());
        let handle = |event| {
            let changes = intake.take(&context.reports, event);
            changes.iter().for_each(|change| wake::of_report(&context, change));
        };
        let client = context.client.clone();
        // The report is in its annotations.
        let api: Api<PartialObjectMeta<DynamicObject>> = match &scope {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let stream = watcher(api, config).map(|event| event.map(only_metadata));
        follow(&context, &name, stream, &progress, handle).await;
    })
}

fn follow_children(
    context: Arc<Context>,
    kind: Kind,
    scope: Option<String>,
    progress: Progress,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let name = named(kind.name(), &scope);
        let resource = kind.resource();
        let config = watcher::Config::default().labels(&labels::watched());
        let mut intake = children::Intake::new(kind, scope.clone());
        let handle = |event| {
            let seen = intake.take(&context.children, event);
            seen.iter().for_each(|seen| wake::of_child(&context, seen));
        };
        let client = context.client.clone();
        if kind.metadata_suffices() {
            let api: Api<PartialObjectMeta<DynamicObject>> = match &scope {
                Some(namespace) => Api::namespaced_with(client, namespace, &resource),
                None => Api::all_with(client, &resource),
            };
            let stream = watcher(api, config).map(|event| event.map(only_metadata));
            follow(&context, &name, stream, &progress, handle).await;
        } else {
            let api: Api<DynamicObject> = match &scope {
                Some(namespace) => Api::namespaced_with(client, namespace, &resource),
                None => Api::all_with(client, &resource),
            };
            follow(&context, &name, watcher(api, config), &progress, handle).await;
        }
    })
}

fn only_metadata(event: Event<PartialObjectMeta<DynamicObject>>) -> Event<DynamicObject> {
    let object = |partial: PartialObjectMeta<DynamicObject>| DynamicObject {
        types: None,
        metadata: partial.metadata,
        data: serde_json::Value::Null,
    };
    match event {
        Event::Apply(partial) => Event::Apply(object(partial)),
        Event::Delete(partial) => Event::Delete(object(partial)),
        Event::InitApply(partial) => Event::InitApply(object(partial)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}

/// Reads a watch for ever. The stream recovers by itself, with pauses; an error is counted and told.
async fn follow<K>(
    context: &Context,
    name: &str,
    stream: impl futures::Stream<Item = watcher::Result<Event<K>>> + Send,
    progress: &Progress,
    mut handle: impl FnMut(Event<K>) + Send,
) where
    K: Send,
{
    let mut stream = std::pin::pin!(stream.default_backoff());
    let mut told = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => {
                told.clear();
                let complete = matches!(event, Event::InitDone);
                handle(event);
                if complete {
                    progress.complete(name);
                }
            }
            Err(error) => {
                context.metrics.watch_errors.with_label_values(&[name]).inc();
                let words = words(name, &error);
                // One line for an outage, not one for each of its tries.
                if words == told {
                    tracing::debug!(watch = name, "{words}");
                } else {
                    tracing::warn!(watch = name, "{words}");
                    told = words;
                }
            }
        }
    }
}

fn words(name: &str, error: &watcher::Error) -> String {
    use watcher::Error::{InitialListFailed, WatchStartFailed};
    match error {
        InitialListFailed(kube::Error::Api(status))
        | WatchStartFailed(kube::Error::Api(status)) => match status.code {
            404 => format!(
                "{name}: the API server does not know this kind; install the chart sapphire-crds"
            ),
            403 => format!("{name}: not allowed: {}; see the chart's ClusterRole", status.message),
            code => format!("{name}: the API server answered {code}: {}", status.message),
        },
        error => format!("{name}: {error}"),
    }
}

/// Watches kinds that a cluster need not have, from when it has them.
async fn optional(context: Arc<Context>, scopes: Vec<Option<String>>) {
    let kind = Kind::ServiceMonitor;
    let resource = kind.resource();
    loop {
        match context.client.list_api_group_resources(&resource.api_version).await {
            Ok(list) if list.resources.iter().any(|r| r.name == resource.plural) => break,
            Ok(_) | Err(kube::Error::Api(_)) => {}
            Err(error) => tracing::debug!(%error, "cannot ask for optional kinds"),
        }
        tokio::time::sleep(DISCOVERY).await;
    }
    tracing::info!("the cluster has ServiceMonitors; desks get theirs");
    let progress = Progress::new();
    let follows = scopes
        .into_iter()
        .map(|scope| follow_children(context.clone(), kind, scope, progress.clone()));
    let noticed = async {
        context.service_monitors.store(true, Ordering::Relaxed);
        wake::all(&context);
    };
    futures::join!(futures::future::join_all(follows), noticed);
}

fn named(kind: &str, scope: &Option<String>) -> String {
    scope.as_ref().map_or_else(|| kind.to_owned(), |namespace| format!("{kind} in {namespace}"))
}

fn api<K>(client: Client, scope: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match scope {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    }
}
