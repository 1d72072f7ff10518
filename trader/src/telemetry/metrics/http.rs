//! The server's series.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntGauge};

use super::Registrar;

/// From a cached answer to a command that waits for the disk.
const SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The server's part of the metrics.
#[derive(Debug)]
pub struct HttpMetrics {
    duration: HistogramVec,
    /// Requests refused because their address had asked too often.
    pub rate_limited: IntCounter,
    /// Requests refused because of their token.
    pub unauthorized: IntCounter,
    /// Streams that are open.
    pub streams: IntGauge,
}

impl HttpMetrics {
    pub(super) fn new(registrar: &Registrar<'_>) -> prometheus::Result<Self> {
        let opts = HistogramOpts::new(
            "sapphire_http_request_duration_seconds",
            "From a request's head to its answer's, by route, method and status.",
        )
        .buckets(SECONDS.to_vec());
        let counter = |name: &str, help: &str| registrar.register(IntCounter::new(name, help)?);
        Ok(Self {
            duration: registrar
                .register(HistogramVec::new(opts, &["route", "method", "status"])?)?,
            rate_limited: counter(
                "sapphire_http_requests_rate_limited_total",
                "Requests refused because their address had asked too often.",
            )?,
            unauthorized: counter(
                "sapphire_http_requests_unauthorized_total",
                "Requests refused because of a missing or wrong token.",
            )?,
            streams: registrar.register(IntGauge::new(
                "sapphire_http_streams",
                "Event streams that are open.",
            )?)?,
        })
    }

    /// A request was answered. `route` is the route's pattern and `method` one of a known few, so
    /// that strangers cannot make series.
    pub fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let status = status.to_string();
        self.duration.with_label_values(&[route, method, &status]).observe(took.as_secs_f64());
    }
}
