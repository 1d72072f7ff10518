//! Against DNS rebinding: a page of a stranger's, whose name was made to point at this machine,
//! reaches a loopback listener through the reader's browser. It cannot forge the `host` header.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use crate::api::App;
use crate::api::error::{ApiError, ErrorCode};

/// The names under which this server may be asked. `None`: any.
#[derive(Debug, Clone)]
pub(in crate::api) struct AllowedHosts(Option<Vec<String>>);

impl AllowedHosts {
    /// For a listener at `local`, with `listed` names besides.
    pub(in crate::api) fn new(local: SocketAddr, listed: &[String]) -> Self {
        let mut names: Vec<String> = listed.iter().map(|name| name.to_ascii_lowercase()).collect();
        if local.ip().is_loopback() {
            names.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
            // 127.0.0.2 and the like.
            names.push(local.ip().to_string());
        }
        Self((!names.is_empty()).then_some(names))
    }

    fn allow(&self, host: &str) -> bool {
        let Some(names) = &self.0 else { return true };
        let name = without_port(host).to_ascii_lowercase();
        names.contains(&name)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Refuses what was asked of another name.
pub(in crate::api) async fn check(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let header = headers.next().and_then(|host| host.to_str().ok());
    // Two servers on a request's way could each believe another one (RFC 9112, 3.2).
    if headers.next().is_some() {
        return Err(ApiError::new(
            ErrorCode::BadRequest,
            "the request has more than one `host` header: send one",
        ));
    }
    // A target in absolute form wins over the header (RFC 9112, 3.2.2).
    let host = request.uri().authority().map(axum::http::uri::Authority::as_str).or(header);
    if app.hosts.allow(host.unwrap_or_default()) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::new(
        ErrorCode::Forbidden,
        "this server is not asked under that name: use http://127.0.0.1 or http://localhost with \
         its port, or start it with the name among its allowed hosts",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("127.0.0.1:8080", true)]
    #[case("localhost", true)]
    #[case("LOCALHOST:8080", true)]
    #[case("[::1]:8080", true)]
    #[case("desk.example:443", true)]
    #[case("evil.example", false)]
    #[case("127.0.0.1.evil.example", false)]
    #[case("localhost:8080@evil.example", false)]
    #[case("localhost.", false)]
    #[case("", false)]
    fn a_loopback_listener_knows_its_names(#[case] host: &str, #[case] allowed: bool) {
        let hosts =
            AllowedHosts::new("127.0.0.1:8080".parse().unwrap(), &["Desk.Example".to_owned()]);
        assert_eq!(hosts.allow(host), allowed);
    }

    #[test]
    fn a_public_listener_asks_for_names_only_when_some_are_listed() {
        let public = "0.0.0.0:8080".parse().unwrap();
        assert!(AllowedHosts::new(public, &[]).allow("anything.example"));
        assert!(!AllowedHosts::new(public, &["desk.example".to_owned()]).allow("evil.example"));
    }
}
