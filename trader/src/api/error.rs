//! One shape for everything that goes wrong.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What every answer of 400 and above holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// The kind, for programs.
    pub code: ErrorCode,
    /// What, where, and what to do, for people.
    pub message: String,
    /// The request's id: the log's lines about it have it too.
    pub correlation_id: String,
}

/// The kinds of errors, one per status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ErrorCode {
    /// 400: the query or the JSON cannot be read.
    BadRequest,
    /// 401: a command without the token, or a wrong one.
    Unauthorized,
    /// 403: not from here, or not on this server.
    Forbidden,
    /// 404: there is no such thing.
    NotFound,
    /// 405: not with this method.
    MethodNotAllowed,
    /// 408: the body did not come in time.
    RequestTimeout,
    /// 409: it makes no sense now.
    Conflict,
    /// 413: the body is larger than 64 KiB.
    BodyTooLarge,
    /// 415: the body is not JSON.
    UnsupportedMediaType,
    /// 422: the JSON is not what the command takes.
    Unprocessable,
    /// 429: asked too often.
    TooManyRequests,
    /// 500: a defect.
    Internal,
    /// 503: not now.
    Unavailable,
}

impl ErrorCode {
    const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            408 => Self::RequestTimeout,
            409 => Self::Conflict,
            413 => Self::BodyTooLarge,
            415 => Self::UnsupportedMediaType,
            422 => Self::Unprocessable,
            429 => Self::TooManyRequests,
            503 => Self::Unavailable,
            400..500 => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

/// An answer that says what went wrong. It becomes JSON in the [envelope](super::envelope), which
/// knows the correlation id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    code: ErrorCode,
    message: String,
    retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// Adds `retry-after`, in whole seconds, at least one.
    pub(super) const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// A defect: logged whole, told in general.
    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed through a defect of the server");
        Self::new(
            ErrorCode::Internal,
            "the server failed at this request; its log says how, under the correlation id",
        )
    }

    /// What a library answered with a bare status: `asked` is the request's method and path.
    pub(super) fn of_status(status: StatusCode, asked: &str) -> Self {
        let code = ErrorCode::of(status);
        let message = match code {
            ErrorCode::NotFound => {
                format!("{asked}: there is no such page; /api/openapi.json lists what there is")
            }
            ErrorCode::MethodNotAllowed => {
                format!("{asked}: not with this method; the `allow` header lists those that are")
            }
            ErrorCode::BodyTooLarge => format!("{asked}: the body is larger than 64 KiB"),
            _ => format!("{asked}: {}", status.canonical_reason().unwrap_or("not possible")),
        };
        Self::new(code, message)
    }

    pub(super) fn into_body(self, correlation_id: String) -> ErrorBody {
        ErrorBody { error: ErrorDetail { code: self.code, message: self.message, correlation_id } }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            if let Ok(seconds) = HeaderValue::from_str(&seconds.to_string()) {
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
        }
        if self.code == ErrorCode::Unauthorized {
            let challenge = HeaderValue::from_static("Bearer realm=\"sapphire\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(self);
        response
    }
}
