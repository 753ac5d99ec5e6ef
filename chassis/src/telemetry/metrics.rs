//! Metrics through the OpenTelemetry API, readable at `/metrics` in Prometheus' text format.

use std::sync::{Arc, LazyLock, OnceLock, Weak};
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality};
use prometheus::{Encoder, Registry, TextEncoder};

struct Metrics {
    registry: Registry,
    meter: Meter,
    // keeps the pipeline alive
    provider: SdkMeterProvider,
}

/// What metrics are of that are sent, and by what they are collected. Without it they are only read here.
static SENT: OnceLock<(Resource, Collected)> = OnceLock::new();

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let registry = Registry::new();
    let mut provider = SdkMeterProvider::builder();
    match opentelemetry_prometheus::exporter().with_registry(registry.clone()).build() {
        Ok(exporter) => provider = provider.with_reader(exporter),
        // only a name registered twice can fail, and the registry is new; if it does, no metrics are
        // better than no service
        Err(error) => tracing::error!(%error, "metrics are not available: {error}"),
    }
    if let Some((resource, collected)) = SENT.get() {
        provider = provider.with_resource(resource.clone()).with_reader(collected.clone());
    }
    let provider = provider.build();
    let meter = provider.meter("tradewind");
    Metrics { registry, meter, provider }
});

/// What instruments are made of: `meter().u64_counter("…").build()`.
pub fn meter() -> &'static Meter {
    &METRICS.meter
}

/// Makes this the process's global meter provider, for code that is not ours to hand a meter to. What it measures
/// is at `/metrics` from then on, too.
pub fn share() {
    opentelemetry::global::set_meter_provider(METRICS.provider.clone());
}

/// Everything measured so far, in Prometheus' text exposition format.
pub fn render() -> String {
    let mut text = Vec::new();
    if let Err(error) = TextEncoder::new().encode(&METRICS.registry.gather(), &mut text) {
        tracing::warn!(%error, "metrics cannot be written: {error}");
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Has metrics collected to be sent, as those of `resource`. Nothing where something was measured already: then
/// there is no other reader any more.
pub(super) fn collected(resource: Resource) -> Option<Collected> {
    let collected = Collected(Arc::new(ManualReader::builder().build()));
    if LazyLock::get(&METRICS).is_some() || SENT.set((resource, collected.clone())).is_err() {
        return None;
    }
    LazyLock::force(&METRICS);
    Some(collected)
}

/// Collects everything measured, when it is asked to.
#[derive(Debug, Clone)]
pub(super) struct Collected(Arc<ManualReader>);

impl Collected {
    pub fn collect(&self) -> Result<ResourceMetrics, opentelemetry_sdk::error::OTelSdkError> {
        let mut metrics = ResourceMetrics::default();
        self.0.collect(&mut metrics)?;
        Ok(metrics)
    }
}

impl MetricReader for Collected {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
