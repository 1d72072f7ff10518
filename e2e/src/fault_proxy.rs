//! An API server with bad days, for one client: a proxy that answers as it is told.
//!
//! The client gets a kubeconfig of the proxy's. Requests go through to the API server with the client's
//! own token, unless a [`Fault`] was asked for: the next so many requests that match are refused with a
//! code, delayed, dropped before or after they took effect. The proxy can also go away as a whole, and
//! come back at its old address.

mod asked;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

pub use asked::{Asked, Matching};

use crate::error::Error;

/// The largest body of a request that is let through, in bytes: more than the API server takes.
const LARGEST: usize = 8 << 20;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with a code and never reaches the API server.
    Refused {
        /// The HTTP status: 409, 410, 429, 500…
        code: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// It reaches the API server late.
    Delayed(Duration),
    /// The connection breaks, and the request never reaches the API server.
    Dropped,
    /// The request takes effect, and the connection breaks before its answer.
    Unanswered,
    /// A watch begins and says at once that its version is too old (an `ERROR` event with code 410).
    Expired,
}

/// How a fault goes on: dropped, it stays.
#[derive(Debug, Clone)]
pub struct Handle {
    state: Arc<Mutex<State>>,
    number: usize,
}

impl Handle {
    /// How many requests it has met.
    pub fn met(&self) -> usize {
        lock(&self.state).rules.get(self.number).map_or(0, |rule| rule.met)
    }

    /// Ends it.
    pub fn end(&self) {
        if let Some(rule) = lock(&self.state).rules.get_mut(self.number) {
            rule.left = 0;
        }
    }
}

#[derive(Debug)]
struct Rule {
    matching: Matching,
    fault: Fault,
    left: usize,
    met: usize,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    asked: Vec<Asked>,
    /// Connections are closed as they come.
    away: bool,
    connections: Vec<AbortHandle>,
}

/// A proxy before an API server; it ends when this is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    kubeconfig: PathBuf,
    state: Arc<Mutex<State>>,
    _listening: JoinSet<()>,
}

impl FaultProxy {
    /// A proxy before the API server of `kubeconfig`, whose user must have a token (as
    /// [`Cluster::service_account_kubeconfig`](crate::Cluster::service_account_kubeconfig) gives). It
    /// runs on the runtime in which it is started.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used or no port is free.
    pub async fn start(kubeconfig: &Path) -> Result<Self, Error> {
        let upstream = anonymous(kubeconfig).await?;
        let place = || Error::file("cannot listen at", "127.0.0.1");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(place())?;
        let address = listener.local_addr().map_err(place())?;
        let own = kubeconfig.with_extension(format!("through-{}.kubeconfig", address.port()));
        redirect(kubeconfig, &own, address)?;
        let state = Arc::new(Mutex::new(State::default()));
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, upstream, state.clone()));
        Ok(Self { address, kubeconfig: own, state, _listening: listening })
    }

    /// The kubeconfig that leads through the proxy.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next `times` requests that match meet the fault. Of several faults the first that matches
    /// and has not ended is met.
    pub fn next(&self, times: usize, matching: Matching, fault: Fault) -> Handle {
        let mut state = lock(&self.state);
        state.rules.push(Rule { matching, fault, left: times, met: 0 });
        Handle { state: self.state.clone(), number: state.rules.len() - 1 }
    }

    /// All requests that match meet the fault, until it is ended.
    pub fn all(&self, matching: Matching, fault: Fault) -> Handle {
        self.next(usize::MAX, matching, fault)
    }

    /// What was asked so far, in order, faults included.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state).asked.clone()
    }

    /// Breaks all connections, watches among them. New ones are taken.
    pub fn cut(&self) {
        lock(&self.state).connections.drain(..).for_each(|connection| connection.abort());
    }

    /// Goes away: breaks all connections and closes new ones as they come.
    pub fn go_away(&self) {
        lock(&self.state).away = true;
        self.cut();
    }

    /// Comes back.
    pub fn come_back(&self) {
        lock(&self.state).away = false;
    }
}

/// A client without a user: requests bear their own.
async fn anonymous(kubeconfig: &Path) -> Result<Client, Error> {
    let mut file = Kubeconfig::read_from(kubeconfig)?;
    file.auth_infos.iter_mut().for_each(|user| user.auth_info = Some(AuthInfo::default()));
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    // A quiet watch is no fault.
    config.read_timeout = None;
    Ok(Client::try_from(config)?)
}

fn redirect(from: &Path, to: &Path, address: SocketAddr) -> Result<(), Error> {
    let text = std::fs::read_to_string(from).map_err(Error::file("cannot read", from))?;
    let broken = |error: serde_json::Error| Error::Command {
        command: format!("reading {}", from.display()),
        output: error.to_string(),
    };
    let mut file: serde_json::Value = serde_json::from_str(&text).map_err(broken)?;
    file["clusters"][0]["cluster"] = json!({ "server": format!("http://{address}") });
    // The same name with the same rights: it holds a token.
    std::fs::copy(from, to).map_err(Error::file("cannot write", to))?;
    std::fs::write(to, format!("{file:#}")).map_err(Error::file("cannot write", to))
}

async fn listen(listener: TcpListener, upstream: Client, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let mut held = lock(&state);
                if held.away {
                    continue;
                }
                held.connections.retain(|connection| !connection.is_finished());
                let served = serve(stream, upstream.clone(), state.clone());
                held.connections.push(connections.spawn(served));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, upstream: Client, state: Arc<Mutex<State>>) {
    let answer = service_fn(|request| answer(request, &upstream, &state));
    // A client that leaves is no error of ours.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

/// The connection breaks: hyper closes it when the service fails.
#[derive(Debug, thiserror::Error)]
#[error("the connection breaks, as it was told")]
struct Broken;

async fn answer(
    request: Request<Incoming>,
    upstream: &Client,
    state: &Mutex<State>,
) -> Result<Response<Body>, Broken> {
    let asked = Asked::of(request.method(), request.uri());
    let fault = {
        let mut state = lock(state);
        let fault = state.meet(&asked);
        state.asked.push(asked);
        fault
    };
    match fault {
        None => pass(request, upstream).await,
        Some(Fault::Refused { code, retry_after }) => Ok(refusal(code, retry_after)),
        Some(Fault::Delayed(time)) => {
            tokio::time::sleep(time).await;
            pass(request, upstream).await
        }
        Some(Fault::Dropped) => Err(Broken),
        Some(Fault::Unanswered) => {
            let answer = pass(request, upstream).await?;
            // The effect is there once the answer is.
            let _ = to_bytes(answer.into_body(), LARGEST).await;
            Err(Broken)
        }
        Some(Fault::Expired) => {
            let event = json!({ "type": "ERROR", "object": status(410) });
            Ok(written(StatusCode::OK, format!("{event}\n")))
        }
    }
}

impl State {
    fn meet(&mut self, asked: &Asked) -> Option<Fault> {
        let mut rules = self.rules.iter_mut();
        let rule = rules.find(|rule| rule.left > 0 && rule.matching.takes(asked))?;
        rule.left -= 1;
        rule.met += 1;
        Some(rule.fault)
    }
}

/// To the API server and back; the answer's body flows as it comes.
async fn pass(request: Request<Incoming>, upstream: &Client) -> Result<Response<Body>, Broken> {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), LARGEST).await.map_err(|_| Broken)?;
    // The next leg has its own host and framing.
    for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        parts.headers.remove(name);
    }
    let request = Request::from_parts(parts, kube::client::Body::from(body));
    let answer = upstream.send(request).await.map_err(|_| Broken)?;
    let (mut parts, body) = answer.into_parts();
    parts.headers.remove(header::TRANSFER_ENCODING);
    parts.version = http::Version::HTTP_11;
    Ok(Response::from_parts(parts, Body::new(body)))
}

fn refusal(code: u16, retry_after: Option<u32>) -> Response<Body> {
    let kind = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = written(kind, status(code).to_string());
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

fn written(code: StatusCode, text: String) -> Response<Body> {
    let mut answer = Response::new(Body::from(text));
    *answer.status_mut() = code;
    let json = header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

/// The API server's own words for a code.
fn status(code: u16) -> serde_json::Value {
    let (reason, message) = match code {
        409 => ("Conflict", "the object has been modified; please apply your changes to it"),
        410 => ("Expired", "too old resource version"),
        429 => ("TooManyRequests", "too many requests, please try again later"),
        500 => ("InternalError", "etcdserver: request timed out"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        _ => ("Unknown", "as this test wants it"),
    };
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "reason": reason, "message": message, "code": code,
    })
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
