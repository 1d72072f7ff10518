//! The process: it watches always, and works while it leads.

use std::future::Future;
use std::sync::Arc;

use kube::{Client, Config};
use tokio::net::TcpListener;

use crate::agent::Agents;
use crate::api_server;
use crate::context::Context;
use crate::election::{Election, Terms};
use crate::http;
use crate::metrics::Metrics;
use crate::reconcile::controller;
use crate::risk::Policies;
use crate::settings::Settings;
use crate::system::Systems;
use crate::version;
use crate::wake;
use crate::watches::Watches;

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// There is no way to the API server.
    #[error(
        "cannot find the API server: {0}; set KUBECONFIG, or run in a pod with a ServiceAccount"
    )]
    Config(String),
    /// The way there cannot be used.
    #[error("cannot reach the API server: {0}")]
    Client(#[from] kube::Error),
    /// The address is taken or not ours.
    #[error("cannot listen at {0}: {1}; choose another with --listen")]
    Listen(std::net::SocketAddr, std::io::Error),
    /// Metrics are registered twice.
    #[error("cannot count: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A part broke that the rest cannot do without.
    #[error("{0} broke; the process ends, so that another one starts from what is stored")]
    Broken(&'static str),
}

/// Finds the API server as kubectl does, or as a pod does.
///
/// # Errors
/// When neither a kubeconfig nor a ServiceAccount is there.
pub async fn connect() -> Result<Client, OperatorError> {
    // One provider of cryptography in the whole process; a second call finds it there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = Config::infer().await.map_err(|error| OperatorError::Config(error.to_string()))?;
    Ok(Client::try_from(config)?)
}

/// Runs until `stop`, then gives the Lease up.
///
/// # Errors
/// As [`OperatorError`].
pub async fn run(
    client: Client,
    settings: Settings,
    terms: Terms,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), OperatorError> {
    let address = settings.listen;
    let listener =
        TcpListener::bind(address).await.map_err(|error| OperatorError::Listen(address, error))?;
    let namespace =
        settings.lease_namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let identity = settings.identity.clone();
    let mut election = Election::new(client.clone(), &namespace, identity.clone(), terms);
    let client = api_server::within(election.tenure(), client);
    let context = Arc::new(Context::new(client, settings, Metrics::new()?));
    let mut watches = Watches::start(&context);
    let (stopped, until_stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(listener, context.clone(), async move {
        let _ = until_stopped.await;
    }));
    tracing::info!(%address, identity, lease_namespace = namespace, "the operator is up");
    let ended = tokio::select! {
        () = stop => Ok(()),
        () = watches.broken() => Err(OperatorError::Broken("a watch")),
        error = lead(&context, &mut election) => Err(error),
        never = version::follow(&context) => match never {},
    };
    // Everything that worked is dropped by now: nothing is written after the Lease is given up.
    context.metrics.leading.set(0);
    match tokio::time::timeout(terms.retry, election.release()).await {
        Ok(Ok(())) => tracing::info!("the Lease is given up"),
        Ok(Err(error)) => tracing::warn!(%error, "the Lease could not be given up"),
        Err(_) => tracing::warn!("the Lease could not be given up in time"),
    }
    let _ = stopped.send(());
    let _ = tokio::time::timeout(terms.retry, server).await;
    ended
}

async fn lead(context: &Arc<Context>, election: &mut Election) -> OperatorError {
    context.progress.settled().await;
    version::look(context).await;
    loop {
        let since = election.win().await;
        tracing::info!("leads");
        context.leads();
        context.metrics.leading.set(1);
        let (systems, agents, policies) =
            (&context.queues.systems, &context.queues.agents, &context.queues.policies);
        [systems, agents, policies].into_iter().for_each(|queue| queue.release());
        wake::all(context);
        let broken = tokio::select! {
            // First: a lost Lease drops the work before anything else is looked at.
            biased;
            lost = election.hold(since) => {
                tracing::warn!(?lost, "leads no more; all work is dropped");
                None
            }
            _ = controller::run(Systems, context.clone(), systems.clone()) => Some("a reconcile of a TradingSystem"),
            _ = controller::run(Agents, context.clone(), agents.clone()) => Some("a reconcile of a TradingAgent"),
            _ = controller::run(Policies, context.clone(), policies.clone()) => Some("a reconcile of a RiskPolicy"),
        };
        context.metrics.leading.set(0);
        if let Some(part) = broken {
            return OperatorError::Broken(part);
        }
    }
}
