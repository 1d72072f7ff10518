//! How the server is set up. The defaults are for a desk on one machine.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderValue, Uri};

use super::token::Token;

/// The server's settings.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// What commands need, and what lifts the request limit. `None`: commands are refused.
    pub token: Option<Token>,
    /// Requests to `/api` that one address has answered in a minute without a token. `None`: no limit.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Wrong tokens from one address in a minute that are logged and told apart; what comes beyond is
    /// told to wait. The right one is always taken.
    pub wrong_tokens_per_minute: NonZeroU32,
    /// Pages of other origins that may read the API.
    pub cors_origins: Vec<Origin>,
    /// Names under which the server may be asked, besides its own loopback names. A server that
    /// listens beyond loopback asks for none unless some are listed.
    pub allowed_hosts: Vec<String>,
    /// Proxies whose `x-forwarded-for` is believed. Empty: the header is ignored.
    pub trusted_proxies: Vec<Network>,
    /// Connections at once; more wait until one ends.
    pub max_connections: usize,
    /// Connections at once from one address, proxies that are trusted aside. For one more, the oldest
    /// that asks for nothing is closed.
    pub max_connections_per_address: usize,
    /// Event streams at once.
    pub max_streams: usize,
    /// Event streams at once from one address.
    pub max_streams_per_address: usize,
    /// How often a stream that has nothing to tell says that it lives.
    pub keep_alive: Duration,
    /// How long a request's head may take, and how long a connection may be idle.
    pub header_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long an answer may take.
    pub request_timeout: Duration,
    /// How long a client may take nothing of what it asked for before it is dropped.
    pub write_timeout: Duration,
    /// For how long the desk thread may be silent before `/healthz` fails.
    pub stalled_after: Duration,
    /// How long requests may take to end when the server stops.
    pub shutdown_grace: Duration,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            token: None,
            requests_per_minute: NonZeroU32::new(60),
            wrong_tokens_per_minute: NonZeroU32::MIN.saturating_add(9),
            cors_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            max_connections: 1024,
            max_connections_per_address: 64,
            max_streams: 64,
            max_streams_per_address: 8,
            keep_alive: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            stalled_after: Duration::from_secs(30),
            shutdown_grace: Duration::from_millis(500),
        }
    }
}

/// The origin of a page, such as `https://desk.example:8443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no origin: write scheme, host and, where it is not the scheme's own, port, such as \
     https://desk.example or http://localhost:5173; `*` is not possible, list the origins"
)]
pub struct OriginError(String);

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let wrong = || OriginError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let scheme =
            uri.scheme_str().filter(|s| matches!(*s, "http" | "https")).ok_or_else(wrong)?;
        let authority = uri.authority().ok_or_else(wrong)?;
        // Browsers write an origin in exactly this way, and comparison is by bytes.
        let written = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
        if written != text || authority.as_str().contains('@') {
            return Err(wrong());
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| wrong())
    }
}

impl Origin {
    /// As browsers send it.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Addresses that share their first bits, such as `10.0.0.0/8` or `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address or network: write one such as 10.0.0.0/8, 192.168.1.7 or fd00::/8")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    /// Whether `address` is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let differing = match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                (u32::from(ours) ^ u32::from(theirs)).leading_zeros()
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                (u128::from(ours) ^ u128::from(theirs)).leading_zeros()
            }
            _ => return false,
        };
        differing >= u32::from(self.bits)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://desk.example", true)]
    #[case("http://localhost:5173", true)]
    #[case("http://[::1]:5173", true)]
    #[case("*", false)]
    #[case("null", false)]
    #[case("desk.example", false)]
    #[case("https://desk.example/", false)]
    #[case("https://desk.example/page", false)]
    #[case("https://Desk.example", false)]
    #[case("https://u:p@desk.example", false)]
    #[case("ftp://desk.example", false)]
    #[case("", false)]
    fn an_origin_is_what_a_browser_sends(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<Origin>().is_ok(), good);
    }

    #[rstest]
    #[case("10.0.0.0/8", "10.255.0.1", true)]
    #[case("10.0.0.0/8", "11.0.0.1", false)]
    #[case("10.0.0.0/8", "::ffff:10.1.2.3", true)]
    #[case("192.168.1.7", "192.168.1.7", true)]
    #[case("192.168.1.7", "192.168.1.6", false)]
    #[case("0.0.0.0/0", "8.8.8.8", true)]
    #[case("0.0.0.0/0", "2001:db8::1", false)]
    #[case("fd00::/8", "fd12::1", true)]
    #[case("fd00::/8", "fe80::1", false)]
    fn a_network_holds_what_shares_its_bits(
        #[case] network: &str,
        #[case] address: &str,
        #[case] inside: bool,
    ) {
        let network: Network = network.parse().unwrap();
        assert_eq!(network.contains(address.parse().unwrap()), inside);
    }

    #[rstest]
    #[case("10.0.0.0/33")]
    #[case("::/129")]
    #[case("10.0.0/8")]
    #[case("10.0.0.0/")]
    #[case("desk.example")]
    fn what_is_no_network_is_refused(#[case] text: &str) {
        assert!(text.parse::<Network>().is_err());
    }
}
