//! Metrics through the OpenTelemetry API, readable at `/metrics` in Prometheus' text format.

use std::sync::LazyLock;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder, Registry, TextEncoder};

struct Metrics {
    registry: Registry,
    meter: Meter,
    // keeps the pipeline alive
    provider: SdkMeterProvider,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let registry = Registry::new();
    let mut provider = SdkMeterProvider::builder();
    match opentelemetry_prometheus::exporter().with_registry(registry.clone()).build() {
        Ok(exporter) => provider = provider.with_reader(exporter),
        // only a name registered twice can fail, and the registry is new; if it does, no metrics are
        // better than no service
        Err(error) => tracing::error!(%error, "metrics are not available: {error}"),
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
