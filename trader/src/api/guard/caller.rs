//! Who asks: the address, and whether it has the token.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::api::App;
use crate::api::config::Network;
use crate::api::error::{ApiError, ErrorCode};
use crate::api::routes::STREAM;

/// For who has no token, or a wrong one.
const WHERE_THE_TOKEN_IS: &str = "`sapphire-trader run` prints a link that ends in #token=, and what \
     follows is the token, unless one was chosen with --token or SAPPHIRE_API_TOKEN";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Caller {
    /// From where, as far as trusted proxies tell.
    pub(in crate::api) address: IpAddr,
    /// Whether the request has the token.
    pub(in crate::api) authorized: bool,
}

/// Finds out who asks, and turns away wrong tokens and those who ask too often.
pub(in crate::api) async fn check(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let address = address(peer.ip(), request.headers(), &app.config.trusted_proxies);
    let authorized = match bearer(request.headers()) {
        Some(presented) => authorize(&app, address, presented)?,
        None => false,
    };
    if !authorized && request.uri().path().starts_with("/api/") {
        admit(&app, address, request.uri().path() == STREAM)?;
    }
    request.extensions_mut().insert(Caller { address, authorized });
    Ok(next.run(request).await)
}

/// The page's own files and the probes do not count: a browser and a kubelet fetch them unasked.
/// Streams are counted apart: whoever watches the desk still can while a script of the same machine
/// uses its requests up.
fn admit(app: &App, address: IpAddr, stream: bool) -> Result<(), ApiError> {
    let rate = if stream { &app.stream_rate } else { &app.rate };
    let Some(rate) = rate else { return Ok(()) };
    rate.admit(address, Instant::now()).map_err(|wait| {
        app.metrics.http.rate_limited.inc();
        let limit = rate.limit();
        let message = if stream {
            format!(
                "{limit} streams a minute are opened per address without a token: wait as \
                 `retry-after` says, or send `authorization: Bearer` with the token"
            )
        } else {
            format!(
                "{limit} requests a minute are answered per address without a token: wait as \
                 `retry-after` says, use /api/stream instead of polling, or send \
                 `authorization: Bearer` with the token"
            )
        };
        ApiError::new(ErrorCode::TooManyRequests, message).retry_after(wait)
    })
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// The right token is taken whatever else its address sent: nobody who shares an address with its
/// holder can keep a halt away from the desk. What a limit on wrong ones is for is the log, which a
/// flood of them would fill: it is a token's length that no guessing overcomes ([`TOKEN_MIN`]).
///
/// [`TOKEN_MIN`]: crate::api::token::TOKEN_MIN
fn authorize(app: &App, address: IpAddr, presented: &[u8]) -> Result<bool, ApiError> {
    let Some(token) = &app.config.token else {
        // Nothing to compare with; commands say that they are switched off.
        return Ok(false);
    };
    if token.is(presented) {
        return Ok(true);
    }
    app.metrics.http.unauthorized.inc();
    app.wrong_tokens.admit(address, Instant::now()).map_err(|wait| {
        app.metrics.http.rate_limited.inc();
        ApiError::new(
            ErrorCode::TooManyRequests,
            "too many wrong tokens came from this address: wait as `retry-after` says",
        )
        .retry_after(wait)
    })?;
    tracing::warn!(%address, "a wrong token was presented");
    Err(ApiError::new(
        ErrorCode::Unauthorized,
        format!("that is not this desk's token: {WHERE_THE_TOKEN_IS}"),
    ))
}

/// The nearest address that is not a trusted proxy's, read from the right: what is left of it in
/// `x-forwarded-for` was written by the caller, and proves nothing.
fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer.to_canonical();
    let mut hops: Vec<&str> = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        hops.extend(value.to_str().unwrap_or_default().split(','));
    }
    while is_trusted(nearest) {
        match hops.pop().map(|hop| hop.trim().parse::<IpAddr>()) {
            Some(Ok(hop)) => nearest = hop.to_canonical(),
            _ => break,
        }
    }
    nearest
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Self>().copied();
        caller.ok_or_else(|| ApiError::internal("a route without the caller's check"))
    }
}

/// A caller who may command the desk.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Operator;

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if app.config.token.is_none() {
            return Err(ApiError::new(
                ErrorCode::Forbidden,
                "this server takes no commands: it was started without a token",
            ));
        }
        if caller.authorized {
            return Ok(Self);
        }
        app.metrics.http.unauthorized.inc();
        Err(ApiError::new(
            ErrorCode::Unauthorized,
            format!(
                "commands need `authorization: Bearer` with the desk's token: {WHERE_THE_TOKEN_IS}"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use rstest::rstest;

    #[rstest]
    #[case("9.9.9.9", &[], "1.2.3.4", "9.9.9.9")]
    #[case("10.0.0.1", &["10.0.0.0/8"], "1.2.3.4", "1.2.3.4")]
    #[case("10.0.0.1", &["10.0.0.0/8"], "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4")]
    #[case("10.0.0.1", &["10.0.0.0/8"], "", "10.0.0.1")]
    #[case("10.0.0.1", &["10.0.0.0/8"], "1.2.3.4, nonsense", "10.0.0.1")]
    #[case("9.9.9.9", &["10.0.0.0/8"], "1.2.3.4", "9.9.9.9")]
    #[case("::ffff:9.9.9.9", &[], "", "9.9.9.9")]
    fn only_trusted_proxies_are_believed(
        #[case] peer: &str,
        #[case] trusted: &[&str],
        #[case] forwarded: &str,
        #[case] caller: &str,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_str(forwarded).unwrap());
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let found = address(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(found, caller.parse::<IpAddr>().unwrap());
    }

    #[rstest]
    #[case("Bearer abc", Some("abc"))]
    #[case("bearer  abc ", Some("abc"))]
    #[case("Basic dXNlcjpwYXNz", None)]
    #[case("Bearer", None)]
    #[case("", None)]
    fn only_the_bearer_scheme_is_ours(#[case] value: &str, #[case] token: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        assert_eq!(bearer(&headers), token.map(str::as_bytes));
    }
}
