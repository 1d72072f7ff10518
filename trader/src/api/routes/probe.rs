//! What machines ask: is it alive, is it ready, what are its figures.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, http};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::App;
use crate::api::error::{ApiError, ErrorBody, ErrorCode};
use crate::api::published::Liveness;
use crate::api::view::Phase;
use crate::telemetry::metrics::CONTENT_TYPE;

/// The process lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct Healthy {
    /// `ok`.
    status: String,
}

/// Whether the desk is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct Readiness {
    /// `ready`, `starting`, `stopping` or `failed`.
    status: String,
    /// Why not; null when it is.
    reason: Option<String>,
}

/// Fails only when a restart would help: the desk thread is gone, or silent for 30 s.
#[utoipa::path(get, path = "/healthz", tag = "probes", responses(
    (status = OK, description = "The process lives.", body = Healthy),
    (status = SERVICE_UNAVAILABLE, description = "The desk thread died or stalled.", body = ErrorBody),
))]
pub(super) async fn healthz(State(app): State<Arc<App>>) -> Result<Json<Healthy>, ApiError> {
    let unwell = match app.published.liveness(app.config.stalled_after) {
        Liveness::Alive | Liveness::Ended => return Ok(Json(Healthy { status: "ok".to_owned() })),
        Liveness::Stalled(silent) => {
            format!("the desk thread has been silent for {} s: restart it", silent.as_secs())
        }
        Liveness::Dead => "the desk thread died: restart it; its log says of what".to_owned(),
    };
    Err(ApiError::new(ErrorCode::Unavailable, unwell))
}

/// Whether the desk can show its state and take commands.
#[utoipa::path(get, path = "/readyz", tag = "probes", responses(
    (status = OK, description = "The desk shows its state and takes commands.", body = Readiness),
    (status = SERVICE_UNAVAILABLE, description = "Not yet, or not any more.", body = Readiness),
))]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let phase = app.published.status.current().map(|edition| edition.value.phase);
    let (status, reason) = match phase {
        Some(Phase::Running | Phase::Finished) => ("ready", None),
        Some(Phase::Stopping) => ("stopping", Some("the desk was told to leave")),
        Some(Phase::Failed) => ("failed", Some("the desk cannot go on: see /api/health-metrics")),
        Some(Phase::Starting) => ("starting", Some("the desk reads its journal and its data")),
        None => ("starting", Some("the desk has not shown anything yet")),
    };
    let code = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let readiness = Readiness { status: status.to_owned(), reason: reason.map(str::to_owned) };
    let mut response = Json(readiness).into_response();
    *response.status_mut() = code;
    response.extensions_mut().insert(crate::api::envelope::Told);
    response
}

/// The process' figures, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "probes", responses(
    (status = OK, description = "Prometheus' text format.", content_type = "text/plain", body = String),
))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let text = app.metrics.render().map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "probes", responses(
    (status = OK, description = "OpenAPI 3.1.", content_type = "application/json", body = Object),
))]
pub(super) async fn openapi(State(app): State<Arc<App>>) -> Response {
    let json = http::HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], app.description.clone()).into_response()
}
