//! Queries and bodies that say what is wrong with them.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::App;
use super::error::{ApiError, ErrorCode};

/// A query whose every name and value is known.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::try_from_uri(&parts.uri).map_err(|rejection| {
            let text = rejection.body_text();
            let what = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, what)| what);
            let path = parts.uri.path();
            ApiError::new(
                ErrorCode::BadRequest,
                format!("{path}: the query cannot be read: {what}; see /api/openapi.json"),
            )
        })?;
        Ok(Self(query.0))
    }
}

/// `value`, or `default` when it is not given; refused outside `range`.
pub(super) fn within<T: PartialOrd + Display + Copy>(
    name: &str,
    value: Option<T>,
    default: T,
    range: RangeInclusive<T>,
) -> Result<T, ApiError> {
    let value = value.unwrap_or(default);
    if range.contains(&value) {
        return Ok(value);
    }
    Err(ApiError::new(
        ErrorCode::BadRequest,
        format!("`{name}` is {value}: choose {} to {}", range.start(), range.end()),
    ))
}

/// A JSON body whose every field is known.
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Sent<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                ErrorCode::UnsupportedMediaType,
                "commands are JSON: send them with `content-type: application/json`",
            ));
        }
        let patience = app.config.body_timeout;
        let body = tokio::time::timeout(patience, Bytes::from_request(request, app)).await;
        let body = body.map_err(|_| {
            ApiError::new(
                ErrorCode::RequestTimeout,
                format!("the body did not come within {} s", patience.as_secs_f32()),
            )
        })?;
        let body = body.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::new(ErrorCode::BodyTooLarge, "the body is larger than 64 KiB")
            } else {
                ApiError::new(ErrorCode::BadRequest, "the body broke off: send it whole")
            }
        })?;
        Json::from_bytes(&body).map(|Json(sent)| Self(sent)).map_err(|rejection| {
            let (code, fault) = match &rejection {
                JsonRejection::JsonDataError(_) => (ErrorCode::Unprocessable, "is not a command"),
                _ => (ErrorCode::BadRequest, "is not JSON"),
            };
            let text = rejection.body_text();
            let what = text.split_once(": ").map_or(text.as_str(), |(_, what)| what);
            ApiError::new(code, format!("the body {fault}: {what}; see /api/openapi.json"))
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
