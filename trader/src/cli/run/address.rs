//! Where the page is: the address that a person gives, and what is said of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::uri::Authority;
use tokio::net::TcpListener;

use super::Failure;
use crate::api::token::Token;

/// Reads `--listen`.
///
/// # Errors
/// What is no address, with one that is.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "write an IP address and a port, such as 127.0.0.1:8081, or [::1]:8081".to_owned()
    })
}

/// Reads `--allowed-host`.
///
/// # Errors
/// What no request could be sent to, with a name that one could.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let authority: Option<Authority> = text.parse().ok();
    let is_host = authority.is_some_and(|authority| authority.host() == text && !text.is_empty());
    is_host.then(|| text.to_owned()).ok_or_else(|| {
        "write a host name or address alone, without scheme, port and path, such as trader.lan"
            .to_owned()
    })
}

/// What a person opens.
///
/// # Errors
/// When the listener has no address.
pub(super) fn link(listener: &TcpListener, token: &Token, chosen: bool) -> Result<String, Failure> {
    let address = reachable(listener.local_addr().map_err(Failure::run)?);
    // A token that a person chose is theirs to keep: it is not printed.
    let fragment = if chosen { String::new() } else { format!("/#token={}", token.reveal()) };
    Ok(format!("http://{address}{fragment}"))
}

/// An address that a browser on this machine can open: no page is at 0.0.0.0.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        named => named,
    };
    SocketAddr::new(loopback, address.port())
}

/// What others can do with an address that is not this machine's own.
pub(super) fn exposure(address: SocketAddr) -> Option<String> {
    (!address.ip().is_loopback()).then(|| {
        format!(
            "{address} can be reached from the network: everyone there can read the desk, and whoever has \
             the token can command it. --listen 127.0.0.1:{} keeps it to this machine",
            address.port()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0.0.0.0:8080", "127.0.0.1:8080", true)]
    #[case("[::]:8080", "[::1]:8080", true)]
    #[case("192.0.2.7:80", "192.0.2.7:80", true)]
    #[case("127.0.0.1:8080", "127.0.0.1:8080", false)]
    fn the_link_can_be_opened_and_the_network_is_named(
        #[case] bound: &str,
        #[case] link: &str,
        #[case] open: bool,
    ) {
        let bound = listen_address(bound).unwrap();
        assert_eq!(reachable(bound).to_string(), link);
        assert_eq!(exposure(bound).is_some(), open);
    }

    #[rstest]
    #[case("trader.lan", true)]
    #[case("192.0.2.7", true)]
    #[case("[::1]", true)]
    #[case("http://trader.lan", false)]
    #[case("trader.lan:8080", false)]
    #[case("me@trader.lan", false)]
    #[case("trader.lan/", false)]
    #[case("two words", false)]
    #[case("", false)]
    fn a_host_is_named_alone(#[case] text: &str, #[case] good: bool) {
        let read = host_name(text);
        assert_eq!(read.is_ok(), good);
        assert!(read.err().is_none_or(|words| words.contains("such as trader.lan")));
    }

    #[test]
    fn what_is_no_address_is_told_with_one_that_is() {
        for wrong in ["foo", "localhost:8080", "127.0.0.1", ":8080", ""] {
            assert!(listen_address(wrong).unwrap_err().contains("127.0.0.1:8081"), "{wrong}");
        }
    }
}
