//! The listener, its connections, and how they end.

mod patience;
mod places;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderName, Method, Request, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::{Router, body::Body, extract::DefaultBodyLimit, extract::State, http::StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::limit::RequestBodyLimitLayer;

use super::error::{ApiError, ErrorCode};
use super::guard::host::AllowedHosts;
use super::guard::rate::RateLimit;
use super::guard::{caller, host};
use super::routes::{self, StreamPlaces};
use super::{Api, App, envelope};
use patience::Patient;
use places::{Place, Places};

/// Largest body of a request, in bytes.
const BODY_MAX: usize = 64 * 1024;
/// Largest head of a request, in bytes; beyond it the answer is 431.
const HEAD_MAX: usize = 16 * 1024;
/// Before the next try when the system has no room for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error(
        "{address} is in use by another process: stop it, or listen elsewhere, such as `--listen {0}`, or with make \
         `make run ARGS=\"--listen {0}\"`",
        next_port(address)
    )]
    InUse {
        /// Where.
        address: SocketAddr,
    },
    /// Ports below 1024 are the system's.
    #[error("{address} may not be listened on: choose a port from 1024 up with `--listen`")]
    NotAllowed {
        /// Where.
        address: SocketAddr,
    },
    /// The machine has no such address.
    #[error(
        "{address} is no address of this machine: use 127.0.0.1 or 0.0.0.0 in `--listen`, or one \
         that `ip address` shows"
    )]
    NotOurs {
        /// Where.
        address: SocketAddr,
    },
    /// The system's word.
    #[error("{address} cannot be listened on: {error}; choose another with `--listen`")]
    Other {
        /// Where.
        address: SocketAddr,
        /// What it said.
        error: io::Error,
    },
}

fn next_port(address: &SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(8080))
}

/// Listens on `address`; port 0 takes a free one.
///
/// # Errors
/// See [`BindError`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address },
        io::ErrorKind::PermissionDenied => BindError::NotAllowed { address },
        io::ErrorKind::AddrNotAvailable => BindError::NotOurs { address },
        _ => BindError::Other { address, error },
    })
}

/// Serves `api` until `stop` is ready. Then takes no more connections, ends the streams, and gives
/// requests that are under way [`shutdown_grace`](super::ApiConfig::shutdown_grace) to end.
///
/// # Errors
/// A listener without an address, or a description that is no JSON (a defect).
pub async fn serve(
    listener: TcpListener,
    api: Api,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let local = listener.local_addr()?;
    let (stopping, told_to_stop) = watch::channel(false);
    let (router, app) = router(api, local, told_to_stop)?;
    let grace = app.config.shutdown_grace;
    tracing::info!(address = %local, "the API listens");

    let open = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let room = Arc::new(Semaphore::new(app.config.max_connections));
    let places = Arc::new(Places::new(app.config.max_connections_per_address));
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer, permit) = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &room) => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of files or memory: connections that end will help.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let address = peer.ip().to_canonical();
        // A proxy brings many people along.
        let is_proxy = app.config.trusted_proxies.iter().any(|network| network.contains(address));
        let place = (!is_proxy).then(|| places.take(address));
        let connection = converse(stream, peer, place, router.clone(), app.clone(), open.watcher());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    // Nobody listens when every stream has gone already.
    let _ = stopping.send(true);
    if tokio::time::timeout(grace, open.shutdown()).await.is_err() {
        tracing::info!(cut = connections.len(), "connections were cut: their grace is over");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

/// One connection, to its end. Only HTTP/1: a proxy in front speaks it, and so does every browser
/// without TLS.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    place: Option<Place>,
    router: Router,
    app: Arc<App>,
    watcher: Watcher,
) {
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Patient::new(stream, app.config.write_timeout));
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = place.as_ref().map(Place::answer);
        let answer = router.clone().oneshot(request.map(Body::new));
        async move {
            let answer = answer.await.map_err(|never: Infallible| never)?;
            Ok::<_, Infallible>(match answering {
                Some(answering) => answering.until_sent(answer),
                None => answer,
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.config.header_timeout)
        .max_buf_size(HEAD_MAX)
        .serve_connection(io, service);
    let makes_room = async {
        match &place {
            Some(place) => place.left().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = watcher.watch(connection) => if let Err(error) = ended {
            // Clients come and go as they like.
            tracing::debug!(%peer, %error, "a connection broke");
        },
        () = makes_room => tracing::debug!(%peer, "a connection made room for its address's next"),
    }
}

/// The layers, the outermost last.
fn router(
    api: Api,
    local: SocketAddr,
    stopping: watch::Receiver<bool>,
) -> io::Result<(Router, Arc<App>)> {
    let (routes, description) = routes::all();
    let description = description.to_pretty_json().map_err(io::Error::other)?;
    let app = Arc::new(App {
        rate: api.config.requests_per_minute.map(RateLimit::new),
        stream_rate: api.config.requests_per_minute.map(RateLimit::new),
        wrong_tokens: RateLimit::new(api.config.wrong_tokens_per_minute),
        hosts: AllowedHosts::new(local, &api.config.allowed_hosts),
        streams: StreamPlaces::default(),
        published: api.published,
        commands: api.commands,
        lineage: api.lineage,
        metrics: api.metrics,
        page: api.page,
        config: api.config,
        stopping,
        description: description.into(),
    });
    let mut router = routes
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(from_fn_with_state(app.clone(), timely))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(BODY_MAX))
        .layer(from_fn_with_state(app.clone(), caller::check));
    // Without origins no answer names one, and browsers keep other pages out.
    if !app.config.cors_origins.is_empty() {
        router = router.layer(cors(&app));
    }
    let router = router
        .layer(from_fn_with_state(app.clone(), host::check))
        .layer(from_fn_with_state(app.clone(), envelope::envelope))
        .with_state(app.clone());
    Ok((router, app))
}

fn cors(app: &App) -> CorsLayer {
    const AN_HOUR: Duration = Duration::from_secs(3600);
    let origins = app.config.cors_origins.iter().map(super::Origin::header);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("last-event-id"),
            envelope::CORRELATION_ID,
        ])
        .expose_headers([envelope::CORRELATION_ID, header::RETRY_AFTER])
        .max_age(AN_HOUR)
}

/// An answer has a deadline; a stream has only that of its head.
async fn timely(
    State(app): State<Arc<App>>,
    request: axum::extract::Request,
    next: Next,
) -> Result<Response, ApiError> {
    let limit = app.config.request_timeout;
    tokio::time::timeout(limit, next.run(request)).await.map_err(|_| {
        let seconds = limit.as_secs_f32();
        ApiError::new(
            ErrorCode::Unavailable,
            format!("no answer within {seconds} s: the machine is busy; see /healthz"),
        )
    })
}
