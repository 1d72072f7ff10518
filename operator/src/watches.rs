//! Keeps what is known of the API server up to date, and wakes who is concerned.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::Ordering;
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
use tokio::task::JoinSet;

use crate::context::Context;
use crate::labels;
use crate::progress::{Progress, Scope, named};
use crate::reconcile::children;
use crate::reconcile::kind::Kind;
use crate::reconcile::mirror::{Change, Intake, Mirror, Refers};
use crate::reconcile::stored::Wire;
use crate::reports;
use crate::wake;

/// How often the API server is asked for kinds that a cluster need not have.
const DISCOVERY: Duration = Duration::from_secs(30);

/// What the watch of reports is called.
const LEASES: &str = "Lease";

/// The watches, until this is dropped.
#[derive(Debug)]
pub struct Watches {
    tasks: JoinSet<()>,
}

impl Watches {
    /// Begins all watches.
    pub fn start(context: &Arc<Context>) -> Self {
        let mut watches = Self { tasks: JoinSet::new() };
        let scopes: Vec<Scope> = match context.settings.namespaces.as_slice() {
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
        scope: &Scope,
        mirror: fn(&Context) -> &Mirror<K>,
        woken: fn(&Context, &Change<K>),
    ) where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + DeserializeOwned + Refers + Send + Sync + 'static,
    {
        let kind = K::kind(&()).into_owned();
        context.progress.expect(scope, &kind);
        let (context, scope) = (context.clone(), scope.clone());
        let api: Api<Wire<K>> = api(context.client.clone(), scope.as_deref());
        self.tasks.spawn(async move {
            let mut intake = Intake::new(scope.clone());
            let handle = |event: Event<Wire<K>>| {
                let changes = intake.take(mirror(&context), event);
                changes.iter().for_each(|change| woken(&context, change));
                let unreadable = mirror(&context).undecodable();
                let unreadable = i64::try_from(unreadable).unwrap_or(i64::MAX);
                context.metrics.undecodable.with_label_values(&[&kind]).set(unreadable);
            };
            let stream = watcher(api, watcher::Config::default());
            follow(&context, &context.progress, &scope, &kind, stream, handle).await;
        });
    }

    fn reports(&mut self, context: &Arc<Context>, scope: Scope) {
        context.progress.expect(&scope, LEASES);
        self.tasks.spawn(follow_reports(context.clone(), scope));
    }

    fn children(&mut self, context: &Arc<Context>, kind: Kind, scope: Scope) {
        context.progress.expect(&scope, kind.name());
        self.tasks.spawn(follow_children(context.clone(), kind, scope, context.progress.clone()));
    }
}

fn follow_reports(context: Arc<Context>, scope: Scope) -> BoxFuture<'static, ()> {
    Box::pin(async move {
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
        follow(&context, &context.progress, &scope, LEASES, stream, handle).await;
    })
}

fn follow_children(
    context: Arc<Context>,
    kind: Kind,
    scope: Scope,
    progress: Progress,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let name = kind.name();
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
            follow(&context, &progress, &scope, name, stream, handle).await;
        } else {
            let api: Api<DynamicObject> = match &scope {
                Some(namespace) => Api::namespaced_with(client, namespace, &resource),
                None => Api::all_with(client, &resource),
            };
            follow(&context, &progress, &scope, name, watcher(api, config), handle).await;
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
    progress: &Progress,
    scope: &Scope,
    kind: &str,
    stream: impl futures::Stream<Item = watcher::Result<Event<K>>> + Send,
    mut handle: impl FnMut(Event<K>) + Send,
) where
    K: Send,
{
    let name = named(kind, scope);
    let mut stream = std::pin::pin!(stream.default_backoff());
    let mut told = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => {
                told.clear();
                let complete = matches!(event, Event::InitDone);
                handle(event);
                if complete && progress.complete(scope, kind) {
                    // What was woken while the rest was not known yet was put aside.
                    wake::all(context);
                }
            }
            Err(error) => {
                context.metrics.watch_errors.with_label_values(&[&name]).inc();
                let words = words(&name, &error);
                progress.fail(scope, kind, &words, matches!(code(&error), Some(403 | 404)));
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

/// The code with which the API server refused a watch from its beginning.
fn code(error: &watcher::Error) -> Option<u16> {
    use watcher::Error::{InitialListFailed, WatchStartFailed};
    match error {
        InitialListFailed(kube::Error::Api(status))
        | WatchStartFailed(kube::Error::Api(status)) => Some(status.code),
        _ => None,
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

/// Watches kinds that a cluster need not have, for as long as it has them.
async fn optional(context: Arc<Context>, scopes: Vec<Scope>) {
    let kind = Kind::ServiceMonitor;
    loop {
        until_served(&context, kind, true).await;
        tracing::info!("the cluster has ServiceMonitors; desks get theirs");
        context.service_monitors.store(true, Ordering::Relaxed);
        wake::all(&context);
        // Nobody waits for these to be read through.
        let progress = Progress::default();
        let follows = scopes
            .iter()
            .map(|scope| follow_children(context.clone(), kind, scope.clone(), progress.clone()));
        tokio::select! {
            _ = futures::future::join_all(follows) => {}
            () = until_served(&context, kind, false) => {}
        }
        tracing::info!("the cluster has no ServiceMonitors any more; desks do without");
        context.service_monitors.store(false, Ordering::Relaxed);
        context.children.forget_kind(kind);
        wake::all(&context);
    }
}

/// Asks until the API server serves a kind, or serves it no more. Where it does not answer that is no answer.
async fn until_served(context: &Context, kind: Kind, served: bool) {
    let resource = kind.resource();
    loop {
        let is = match context.client.list_api_group_resources(&resource.api_version).await {
            Ok(list) => Some(list.resources.iter().any(|r| r.name == resource.plural)),
            Err(kube::Error::Api(status)) if status.code == 404 => Some(false),
            Err(error) => {
                tracing::debug!(%error, "cannot ask for optional kinds");
                None
            }
        };
        if is == Some(served) {
            return;
        }
        tokio::time::sleep(DISCOVERY).await;
    }
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
