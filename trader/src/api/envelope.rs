//! What every answer has, whoever made it: a correlation id, the security headers, JSON for what
//! went wrong, a line in the log and a place in the metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::App;
use super::error::ApiError;

/// Marks an answer of 400 and above that has a body of its own by contract.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told;

/// The header of the correlation id, in and out.
pub(super) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// Names one request in every line of the log that it causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CorrelationId(String);

impl CorrelationId {
    /// The caller's, when it is 1 to 64 of `A-Z a-z 0-9 . _ -`; a new one otherwise: nothing else
    /// may get into the log by this way.
    fn of(headers: &HeaderMap) -> Self {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let given = headers.get(CORRELATION_ID).and_then(|value| value.to_str().ok());
        given
            .filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(legal))
            .map_or_else(Self::generate, |id| Self(id.to_owned()))
    }

    /// Unique over restarts, not secret: the process's start and a count.
    fn generate() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        static START: std::sync::LazyLock<u128> = std::sync::LazyLock::new(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros()
        });
        Self(format!("{:x}-{:x}", *START, COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The page is our own files and nothing else: no inline script, no other origin, no frame.
const SECURITY_HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
         object-src 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The outermost layer of every route.
pub(super) async fn envelope(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = CorrelationId::of(request.headers());
    let span = tracing::info_span!("request", correlation_id = id.as_str());
    let method = method_label(request.method());
    let path = request.uri().path().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |route| route.as_str().to_owned());
    request.extensions_mut().insert(id.clone());
    async move {
        let mut response = next.run(request).await;
        let status = response.status();
        let failed = status.is_client_error() || status.is_server_error();
        if failed && response.extensions().get::<Told>().is_none() {
            response = tell(response, &format!("{method} {path}"), &id);
        }
        dress(response.headers_mut(), &id);
        let took = began.elapsed();
        app.metrics.http.answered(&route, method, status.as_u16(), took);
        log(method, &path, status, took);
        response
    }
    .instrument(span)
    .await
}

/// A known few, so that strangers cannot make series and lines of their own.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The error's body in JSON, with the headers (`allow`, `retry-after`) that it came with.
fn tell(mut response: Response, asked: &str, id: &CorrelationId) -> Response {
    let status = response.status();
    let error = response.extensions_mut().remove::<ApiError>();
    let error = error.unwrap_or_else(|| ApiError::of_status(status, asked));
    let (mut told, from) = (
        (status, Json(error.into_body(id.as_str().to_owned()))).into_response(),
        std::mem::take(response.headers_mut()),
    );
    for (name, value) in &from {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH {
            told.headers_mut().append(name, value.clone());
        }
    }
    told
}

fn dress(headers: &mut HeaderMap, id: &CorrelationId) {
    for (name, value) in &SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(CORRELATION_ID, id);
    }
    // The page's files say how long they last; everything else is of the moment.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Reads are of interest to who looks for them; commands and refusals to everybody. Those for their number would
/// themselves be too many: the metrics count them. Never a query, a header or a body.
fn log(method: &str, path: &str, status: StatusCode, took: std::time::Duration) {
    let (status, micros) = (status.as_u16(), took.as_micros());
    if status >= 500 {
        tracing::warn!(method, path, status, micros, "answered");
    } else if status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
        tracing::debug!(method, path, status, micros, "answered");
    } else if status >= 400 || !matches!(method, "GET" | "HEAD" | "OPTIONS") {
        tracing::info!(method, path, status, micros, "answered");
    } else {
        tracing::debug!(method, path, status, micros, "answered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("abc-1.2_3", true)]
    #[case("", false)]
    #[case("with space", false)]
    #[case("line%0abreak", false)]
    #[case(&"a".repeat(64), true)]
    #[case(&"a".repeat(65), false)]
    fn a_callers_id_is_kept_when_it_is_harmless(#[case] given: &str, #[case] kept: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(CORRELATION_ID, HeaderValue::from_str(given).unwrap());
        assert_eq!(CorrelationId::of(&headers).as_str() == given, kept);
    }

    #[test]
    fn new_ids_differ() {
        let none = HeaderMap::new();
        assert_ne!(CorrelationId::of(&none), CorrelationId::of(&none));
    }
}
