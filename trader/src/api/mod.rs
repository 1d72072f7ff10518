//! The HTTP API, its stream and the embedded page.
//!
//! The desk thread shows what it does through a `Publisher` and takes
//! commands from its own queue, into which a `CommandSender` puts them;
//! it never waits for a reader. Everything else is here: [`bind`], then [`serve`].
//!
//! A request passes, from the outside in: the envelope (correlation id, security headers, errors in
//! JSON, log and metrics), the host check, cross-origin rules, the caller's token and rate, the
//! body's limit, the deadline, and its route.

pub mod commands;
mod config;
mod envelope;
mod error;
mod extract;
mod guard;
pub mod lineage;
mod openapi;
pub mod published;
mod routes;
mod server;
pub mod token;
pub mod view;

pub use config::{ApiConfig, Network, NetworkError, Origin, OriginError};
pub use error::{ErrorBody, ErrorCode, ErrorDetail};
pub use openapi::description;
pub use routes::Page;
pub use server::{BindError, bind, serve};

use std::sync::Arc;

use axum::body::Bytes;
use sapphire_engine::ids::AgentId;
use sapphire_engine::instrument::SymbolId;
use tokio::sync::watch;

use crate::telemetry::metrics::Metrics;
use commands::CommandSender;
use error::ApiError;
use guard::host::AllowedHosts;
use guard::rate::RateLimit;
use lineage::LineageSource;
use published::Published;

/// What a server serves.
pub struct Api {
    /// What the desk shows.
    pub published: Published,
    /// Where commands go.
    pub commands: CommandSender,
    /// Who answers `/api/why`.
    pub lineage: Arc<dyn LineageSource>,
    /// What `/metrics` tells.
    pub metrics: Arc<Metrics>,
    /// Mission Control.
    pub page: Page,
    /// How.
    pub config: ApiConfig,
}

/// What every request can reach.
struct App {
    published: Published,
    commands: CommandSender,
    lineage: Arc<dyn LineageSource>,
    metrics: Arc<Metrics>,
    page: Page,
    config: ApiConfig,
    rate: Option<RateLimit>,
    stream_rate: Option<RateLimit>,
    wrong_tokens: RateLimit,
    hosts: AllowedHosts,
    streams: StreamPlaces,
    stopping: watch::Receiver<bool>,
    description: Bytes,
}

use routes::StreamPlaces;

impl App {
    fn symbol(&self, name: &str) -> Result<SymbolId, ApiError> {
        self.published.symbol(name).ok_or_else(|| {
            let known = self.published.facts.instruments.iter().map(|i| i.symbol.as_str());
            unknown("symbol", name, known)
        })
    }

    fn agent(&self, name: &str) -> Result<AgentId, ApiError> {
        self.published.agent(name).ok_or_else(|| {
            unknown("agent", name, self.published.facts.agents.iter().map(String::as_str))
        })
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> ApiError {
    let name: String = name.chars().take(40).collect();
    let known: Vec<&str> = known.take(20).collect();
    let known = known.join(", ");
    ApiError::new(
        error::ErrorCode::NotFound,
        format!("this desk has no {what} `{name}`; it has: {known}"),
    )
}
