//! What the process says of itself: [logs] for people and machines, [metrics] for Prometheus.

pub mod logs;
pub mod metrics;
