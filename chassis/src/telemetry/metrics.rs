//! Metrics through the OpenTelemetry API, readable at `/metrics` in Prometheus' text format.

use std::sync::LazyLock;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder, Registry, TextEncoder};

struct Metrics {
    registry: Registry,
    meter: Meter,
    // keeps the pipeline alive
    _provider: SdkMeterProvider,
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
    Metrics { registry, meter, _provider: provider }
});

/// What instruments are made of: `meter().u64_counter("…").build()`.
pub fn meter() -> &'static Meter {
    &METRICS.meter
}

/// Everything measured so far, in Prometheus' text exposition format.
pub fn render() -> String {
    let mut text = Vec::new();
    if let Err(error) = TextEncoder::new().encode(&METRICS.registry.gather(), &mut text) {
        tracing::warn!(%error, "metrics cannot be written: {error}");
    }
    String::from_utf8(text).unwrap_or_default()
}
