//! Ports that stay free.

use std::net::{Ipv4Addr, TcpListener};

/// Below the range from which Linux takes the ports of outgoing connections (32768 and up): a server
/// that is restarted on its port must find it free.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A port of loopback on which nobody listens, or 0 when there is none in reach.
///
/// Whoever takes it should be ready to ask again: another process may have been quicker.
pub fn free() -> u16 {
    let width = u64::from(RANGE.end - RANGE.start);
    for attempt in 0..100 {
        let offset = u16::try_from(random(attempt) % width).unwrap_or(0);
        let port = RANGE.start + offset;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    0
}

/// Any number: the hasher of the standard library is seeded anew in each process and each call.
pub(crate) fn random(salt: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(salt)
}
