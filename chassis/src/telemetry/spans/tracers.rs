//! Whose spans they are. Each module is a service of its own in every trace, also where several share a process: so
//! a trace looks the same in every topology.

use std::collections::HashMap;
use std::sync::OnceLock;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanLimits};
use parking_lot::RwLock;

use super::queue;
use super::sampler::Share;
use crate::telemetry::otlp::Collector;

/// How much one span may hold.
const MOST: u32 = 64;

/// The tracers of this process, where it sends spans anywhere.
pub(in crate::telemetry) struct Tracers {
    collector: Collector,
    instance: String,
    known: RwLock<HashMap<String, Service>>,
}

struct Service {
    tracer: SdkTracer,
    share: Share,
}

static TRACERS: OnceLock<Tracers> = OnceLock::new();

/// From now on spans are recorded and sent to `collector`; the `instance`th of each service. Once a process.
pub(in crate::telemetry) fn begin(collector: Collector, instance: String) {
    let tracers = Tracers { collector, instance, known: RwLock::default() };
    if TRACERS.set(tracers).is_err() {
        tracing::warn!("spans are sent already: a second collector is not used");
    }
}

/// Whether this process records any spans.
pub fn recording() -> bool {
    TRACERS.get().is_some()
}

/// Whose share of traces is `share` from now on.
pub(in crate::telemetry) fn sample(service: &str, share: f64) {
    if let Some(tracers) = TRACERS.get() {
        tracers.with(service, |service| service.share.set(share));
    }
}

/// The tracer of a service; nothing where spans are not sent.
pub(super) fn of(service: &str) -> Option<SdkTracer> {
    TRACERS.get().map(|tracers| tracers.with(service, |service| service.tracer.clone()))
}

impl Tracers {
    fn with<T>(&self, service: &str, take: impl Fn(&Service) -> T) -> T {
        if let Some(known) = self.known.read().get(service) {
            return take(known);
        }
        // services come from the code of modules, and there are few
        let mut known = self.known.write();
        take(known.entry(service.to_owned()).or_insert_with(|| self.service(service)))
    }

    fn service(&self, name: &str) -> Service {
        let share = Share::of(1.0);
        let resource = self.collector.resource(name, &self.instance);
        let limits = SpanLimits {
            max_attributes_per_span: MOST,
            max_events_per_span: MOST,
            max_links_per_span: MOST,
            ..SpanLimits::default()
        };
        let provider = self.provider(resource).with_sampler(share.sampler()).with_span_limits(limits).build();
        Service { tracer: provider.tracer("tradewind"), share }
    }

    fn provider(&self, resource: Resource) -> opentelemetry_sdk::trace::TracerProviderBuilder {
        let builder = SdkTracerProvider::builder().with_resource(resource.clone());
        match queue::begin(&self.collector, &resource) {
            Ok(queue) => builder.with_span_processor(queue),
            Err(error) => {
                tracing::error!("spans cannot be sent: {error}");
                builder
            }
        }
    }
}
