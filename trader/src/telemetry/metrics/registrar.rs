//! Makes series.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
};

/// Makes a series and registers it.
pub(super) struct Registrar<'r> {
    registry: &'r Registry,
}

impl<'r> Registrar<'r> {
    pub(super) const fn new(registry: &'r Registry) -> Self {
        Self { registry }
    }

    pub(super) fn register<C: Collector + Clone + 'static>(
        &self,
        collector: C,
    ) -> prometheus::Result<C> {
        self.registry.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    pub(super) fn build_info(&self) -> prometheus::Result<()> {
        let opts = Opts::new("sapphire_build_info", "What this process was built from; always 1.");
        let info = self.register(IntGaugeVec::new(opts, &["version", "commit"])?)?;
        let commit = option_env!("SAPPHIRE_COMMIT").unwrap_or("unknown");
        info.with_label_values(&[env!("CARGO_PKG_VERSION"), commit]).set(1);
        Ok(())
    }

    pub(super) fn process_start_time(&self) -> prometheus::Result<()> {
        let help = "When the process began, in seconds since 1970-01-01 UTC.";
        let start = self.register(Gauge::new("process_start_time_seconds", help)?)?;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        start.set(since_1970.as_secs_f64());
        Ok(())
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        self.register(Gauge::new(name, help)?)
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.register(IntCounter::new(name, help)?)
    }

    pub(super) fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        self.register(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn states(&self, name: &str, help: &str) -> prometheus::Result<IntGaugeVec> {
        self.register(IntGaugeVec::new(Opts::new(name, help), &["state"])?)
    }

    pub(super) fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> prometheus::Result<Histogram> {
        let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.register(Histogram::with_opts(opts)?)
    }
}
