//! /healthz, /readyz and /metrics.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::context::Context;
use crate::watches::Progress;

#[derive(Clone)]
struct Answers {
    context: Arc<Context>,
    progress: Progress,
}

/// Answers until `stop`.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    context: Arc<Context>,
    progress: Progress,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let answers = Answers { context, progress };
    let router = Router::new()
        // Answering is all that a restart could mend; losing the API server is not.
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(answers);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// Ready to take over: everything has been read once. A standby is ready.
async fn ready(State(answers): State<Answers>) -> Response {
    let missing = answers.progress.missing();
    if missing.is_empty() {
        return "ok\n".into_response();
    }
    let words = format!("not read yet: {}\n", missing.join(", "));
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}

async fn metrics(State(answers): State<Answers>) -> Response {
    match answers.context.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
