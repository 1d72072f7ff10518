//! What the process counts.

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

/// From a millisecond to half a minute.
const SECONDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

/// From ten milliseconds to a minute: what a halt may take until every pod acts on it.
const ACKNOWLEDGEMENT: [f64; 13] =
    [0.01, 0.025, 0.05, 0.1, 0.175, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The process's metrics, in a registry of their own.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// Reconciles, by controller and outcome (done, stalled, waiting, transient).
    pub reconciles: IntCounterVec,
    /// How long they took, by controller.
    pub reconcile_seconds: HistogramVec,
    /// Objects that are due, by controller.
    pub queue_depth: IntGaugeVec,
    /// Objects that fail and are tried again, by controller.
    pub failing: IntGaugeVec,
    /// Objects that wait for a person, by kind and reason.
    pub stalled: IntGaugeVec,
    /// Writes of children, by kind and verb.
    pub writes: IntCounterVec,
    /// Statuses, by kind and result (written, unchanged, failed, late, gone).
    pub status_writes: IntCounterVec,
    /// Applies that met a field which somebody else declares, by kind.
    pub conflicts: IntCounterVec,
    /// Round trip of an apply.
    pub apply_seconds: Histogram,
    /// Failed or broken watches, by kind.
    pub watch_errors: IntCounterVec,
    /// Objects of our kinds that cannot be decoded, by kind.
    pub undecodable: IntGaugeVec,
    /// From the sight of a policy's generation to the sight of each pod's confirmation.
    pub acknowledgements: Histogram,
    /// TradingSystems that were let go, by why (flat, never-released, orphaned, forced, namespace).
    pub released: IntCounterVec,
    /// Migration pods that the cluster took away and that were made anew.
    pub migration_retries: IntCounter,
    /// 1 on the leader.
    pub leading: IntGauge,
    /// -1 while the installed definitions are older than this release, 1 while they are newer.
    pub definitions_skew: IntGauge,
}

impl Metrics {
    /// A new set.
    ///
    /// # Errors
    /// When two metrics have one name, which a test would have found.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauges.clone()))?;
            Ok::<_, prometheus::Error>(gauges)
        };
        let reconcile_seconds = HistogramVec::new(
            HistogramOpts::new("sapphire_operator_reconcile_seconds", "Duration of reconciles")
                .buckets(SECONDS.to_vec()),
            &["controller"],
        )?;
        registry.register(Box::new(reconcile_seconds.clone()))?;
        let apply_seconds = Histogram::with_opts(
            HistogramOpts::new("sapphire_operator_apply_seconds", "Round trip of an apply")
                .buckets(SECONDS.to_vec()),
        )?;
        registry.register(Box::new(apply_seconds.clone()))?;
        let acknowledgements = Histogram::with_opts(
            HistogramOpts::new(
                "sapphire_operator_policy_acknowledgement_seconds",
                "From the sight of a RiskPolicy's generation to the sight of a pod's confirmation",
            )
            .buckets(ACKNOWLEDGEMENT.to_vec()),
        )?;
        registry.register(Box::new(acknowledgements.clone()))?;
        let leading = IntGauge::new("sapphire_operator_leading", "1 on the leader")?;
        registry.register(Box::new(leading.clone()))?;
        let definitions_skew = IntGauge::new(
            "sapphire_operator_crds_version_skew",
            "-1 while the installed definitions are older than this release, 1 while they are newer",
        )?;
        registry.register(Box::new(definitions_skew.clone()))?;
        let migration_retries = IntCounter::new(
            "sapphire_operator_migration_retries_total",
            "Migration pods that the cluster took away and that were made anew",
        )?;
        registry.register(Box::new(migration_retries.clone()))?;
        Ok(Self {
            reconciles: counters(
                "sapphire_operator_reconciles_total",
                "Reconciles by outcome",
                &["controller", "outcome"],
            )?,
            queue_depth: gauges(
                "sapphire_operator_queue_depth",
                "Objects that are due",
                &["controller"],
            )?,
            failing: gauges(
                "sapphire_operator_failing_objects",
                "Objects that fail and are tried again",
                &["controller"],
            )?,
            stalled: gauges(
                "sapphire_operator_stalled_objects",
                "Objects that wait for a person",
                &["kind", "reason"],
            )?,
            writes: counters(
                "sapphire_operator_child_writes_total",
                "Writes of children",
                &["kind", "verb"],
            )?,
            status_writes: counters(
                "sapphire_operator_status_writes_total",
                "Statuses by result",
                &["kind", "result"],
            )?,
            conflicts: counters(
                "sapphire_operator_conflicts_total",
                "Applies that met a field which somebody else declares",
                &["kind"],
            )?,
            watch_errors: counters(
                "sapphire_operator_watch_errors_total",
                "Failed or broken watches",
                &["kind"],
            )?,
            undecodable: gauges(
                "sapphire_operator_undecodable_objects",
                "Objects that cannot be decoded",
                &["kind"],
            )?,
            released: counters(
                "sapphire_operator_systems_released_total",
                "TradingSystems that were let go when they were deleted",
                &["why"],
            )?,
            reconcile_seconds,
            apply_seconds,
            acknowledgements,
            migration_retries,
            leading,
            definitions_skew,
            registry,
        })
    }

    /// All of it as Prometheus reads it.
    ///
    /// # Errors
    /// When a metric cannot be written as text.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new().unwrap();
        metrics.leading.set(1);
        metrics.reconciles.with_label_values(&["system", "done"]).inc();
        let text = metrics.text().unwrap();
        assert!(text.contains("sapphire_operator_leading 1"), "{text}");
        assert!(text.contains("controller=\"system\",outcome=\"done\"} 1"), "{text}");
    }
}
