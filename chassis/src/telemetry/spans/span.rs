//! One span: begun, described, and ended when it is dropped.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contracts::{Operation, TraceContext};
use opentelemetry::trace::{
    Link, SpanContext, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::Instrument as _;
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan as _;

use super::tracers;

/// The target of the spans that log lines stand in.
pub(in crate::telemetry) const TARGET: &str = "tradewind::span";

/// What a span is to be.
pub struct Begin<'a> {
    service: &'a str,
    kind: SpanKind,
    name: Name,
    parent: Option<&'a TraceContext>,
    links: Vec<&'a TraceContext>,
}

/// What a span is called; written out only where it is recorded.
enum Name {
    Text(Cow<'static, str>),
    Of(&'static Operation),
}

impl<'a> Begin<'a> {
    /// A span of the module `service`: the first of a new trace.
    pub fn new(kind: SpanKind, service: &'a str, name: impl Into<Cow<'static, str>>) -> Self {
        Self { service, kind, name: Name::Text(name.into()), parent: None, links: Vec::new() }
    }

    /// The same, named by the operation that is called or answered.
    pub fn operation(kind: SpanKind, service: &'a str, operation: &'static Operation) -> Self {
        Self { service, kind, name: Name::Of(operation), parent: None, links: Vec::new() }
    }

    /// The same as a child of `parent`.
    pub fn child_of(self, parent: &'a TraceContext) -> Self {
        Self { parent: Some(parent), ..self }
    }

    /// The same as a child of `parent`, where there is one.
    pub fn child_of_any(self, parent: Option<&'a TraceContext>) -> Self {
        Self { parent, ..self }
    }

    /// The same with a link to what it also belongs to.
    pub fn linked_to(mut self, other: &'a TraceContext) -> Self {
        self.links.push(other);
        self
    }

    /// Begins it.
    pub fn begin(self) -> Span {
        let Some(tracer) = tracers::of(self.service) else {
            let trace = self.parent.map_or_else(TraceContext::root, TraceContext::child);
            let log = log_span(&trace);
            return Span { recorded: None, trace, log };
        };
        let parent = self.parent.map_or_else(Context::new, |parent| {
            Context::new().with_remote_span_context(span_context(parent))
        });
        let name = match self.name {
            Name::Text(text) => text,
            Name::Of(operation) => operation.to_string().into(),
        };
        let mut builder = tracer.span_builder(name).with_kind(self.kind);
        if !self.links.is_empty() {
            builder = builder.with_links(self.links.into_iter().map(link).collect());
        }
        let context = Context::new().with_span(tracer.build_with_context(builder, &parent));
        let begun = context.span().span_context().clone();
        let trace = TraceContext {
            trace_id: u128::from_be_bytes(begun.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(begun.span_id().to_bytes()),
            sampled: begun.is_sampled(),
            // handed on as it came
            state: self.parent.and_then(|parent| parent.state.clone()),
        };
        let log = log_span(&trace);
        let recorded = begun.is_sampled().then(|| Recorded { context, tracer, order: Arc::default() });
        if let Some(recorded) = &recorded {
            remember(&log, recorded);
        }
        Span { recorded, trace, log }
    }
}

/// A span that has begun. It ends when it is dropped.
pub struct Span {
    recorded: Option<Recorded>,
    trace: TraceContext,
    log: tracing::Span,
}

impl Span {
    /// Where it is in its trace: what is handed on to whoever goes on from here.
    pub fn trace(&self) -> &TraceContext {
        &self.trace
    }

    /// Says more about it; asked only where it is recorded.
    pub fn describe<const N: usize>(&self, attributes: impl FnOnce() -> [KeyValue; N]) {
        if let Some(recorded) = &self.recorded {
            let span = recorded.context.span();
            attributes().into_iter().for_each(|attribute| span.set_attribute(attribute));
        }
    }

    /// It is about this order.
    pub fn about(&self, order: impl Display) {
        if let Some(recorded) = &self.recorded {
            recorded.about(order);
        }
    }

    /// Gives it a name that only became known now.
    pub fn rename(&self, name: impl FnOnce() -> String) {
        if let Some(recorded) = &self.recorded {
            recorded.context.span().update_name(name());
        }
    }

    /// It failed, for a cause of this kind: a name from a small set.
    pub fn fail(&self, kind: impl Display, why: impl Display) {
        if let Some(recorded) = &self.recorded {
            let span = recorded.context.span();
            span.set_attribute(KeyValue::new("error.type", kind.to_string()));
            span.set_status(Status::error(why.to_string()));
        }
    }

    /// Does work inside it: log lines and statements of the work belong to it.
    pub async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        work.instrument(self.log.clone()).await
    }

    /// Says something inside it.
    pub fn within<T>(&self, say: impl FnOnce() -> T) -> T {
        self.log.in_scope(say)
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(recorded) = &self.recorded {
            recorded.context.span().end();
        }
    }
}

/// A span that is recorded.
#[derive(Clone)]
pub(super) struct Recorded {
    pub context: Context,
    pub tracer: SdkTracer,
    /// Whether it is said which order it is about.
    order: Arc<AtomicBool>,
}

impl Recorded {
    /// It is about this order. Said once: the span would hold it twice otherwise.
    pub fn about(&self, order: impl Display) {
        if !self.order.swap(true, Ordering::Relaxed) {
            self.context.span().set_attribute(KeyValue::new(ORDER_ID, order.to_string()));
        }
    }
}

/// The attribute by which the trace of an order is found.
const ORDER_ID: &str = "tradewind.order.id";

/// What log lines show of a span.
fn log_span(trace: &TraceContext) -> tracing::Span {
    tracing::info_span!(
        target: TARGET,
        "work",
        trace_id = %format_args!("{:032x}", trace.trace_id),
        span_id = %format_args!("{:016x}", trace.span_id),
    )
}

/// Puts a span where the tap finds it.
fn remember(log: &tracing::Span, recorded: &Recorded) {
    log.with_subscriber(|(id, subscriber)| {
        let span = subscriber.downcast_ref::<Registry>().and_then(|registry| registry.span(id));
        if let Some(span) = span {
            span.extensions_mut().insert(recorded.clone());
        }
    });
}

fn span_context(trace: &TraceContext) -> SpanContext {
    let flags = if trace.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    SpanContext::new(trace.trace_id.into(), trace.span_id.into(), flags, true, TraceState::NONE)
}

fn link(to: &TraceContext) -> Link {
    Link::with_context(span_context(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_nobody_records_draws_its_id_all_the_same() {
        let parent = TraceContext { state: Some("vendor=1".to_owned()), ..TraceContext::root() };
        let span = Begin::new(SpanKind::Server, "orders", "orders.place").child_of(&parent).begin();
        assert_eq!(span.trace().trace_id, parent.trace_id);
        assert_ne!(span.trace().span_id, parent.span_id);
        assert_eq!(span.trace().state, parent.state);
        span.describe(|| -> [KeyValue; 0] { panic!("nobody would see it") });
    }

    #[test]
    fn contexts_are_told_as_they_are() {
        let trace = TraceContext { sampled: true, ..TraceContext::root() };
        let context = span_context(&trace);
        assert_eq!(context.trace_id().to_string(), trace.trace_id_hex());
        assert_eq!(context.span_id().to_string(), format!("{:016x}", trace.span_id));
        assert!(context.is_sampled() && context.is_remote());
        assert!(!span_context(&TraceContext { sampled: false, ..trace }).is_sampled());
    }
}
