//! Which traces are recorded: a share of those that begin here, and of others what their beginner decided.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

/// The share of traces that a service records, from 0 to 1; changed while it runs.
#[derive(Debug, Clone)]
pub(in crate::telemetry) struct Share(Arc<AtomicU64>);

impl Share {
    pub fn of(share: f64) -> Self {
        Self(Arc::new(AtomicU64::new(share.to_bits())))
    }

    pub fn set(&self, share: f64) {
        self.0.store(share.to_bits(), Ordering::Relaxed);
    }

    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// The sampler that goes by it where a trace begins.
    pub fn sampler(&self) -> Sampler {
        Sampler::ParentBased(Box::new(self.clone()))
    }
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        Sampler::TraceIdRatioBased(self.get()).should_sample(parent, trace, name, kind, attributes, links)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::SamplingDecision;

    use super::*;

    fn recorded(share: &Share, of: u64) -> usize {
        let decided = |id: u64| {
            let id = TraceId::from(u128::from(id.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            share.sampler().should_sample(None, id, "", &SpanKind::Server, &[], &[]).decision
        };
        (1..=of).filter(|id| decided(*id) == SamplingDecision::RecordAndSample).count()
    }

    #[test]
    fn the_share_holds_as_soon_as_it_is_changed() {
        let share = Share::of(1.0);
        assert_eq!(recorded(&share, 1000), 1000);
        share.set(0.0);
        assert_eq!(recorded(&share, 1000), 0);
        share.set(0.1);
        assert!((50..200).contains(&recorded(&share, 1000)));
    }
}
