//! /healthz, /readyz and /metrics.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::census;
use crate::context::Context;

/// Answers until `stop`.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    context: Arc<Context>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        // Answering is all that a restart could mend; losing the API server is not.
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(context);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// Ready to take over: all that may be read has been read once. A standby is ready.
async fn ready(State(context): State<Arc<Context>>) -> Response {
    let missing = context.progress.missing();
    let words = match missing.as_slice() {
        [] => "ok\n".to_owned(),
        missing => format!("not read yet: {}\n", missing.join(", ")),
    };
    if context.progress.is_settled() {
        return words.into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}

async fn metrics(State(context): State<Arc<Context>>) -> Response {
    census::take(&context);
    match context.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
