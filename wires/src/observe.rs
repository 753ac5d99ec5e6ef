//! Each call as its caller meets it: measured, and a span of the caller's in the trace, on every wire.

use std::sync::LazyLock;
use std::time::Instant;

use chassis::telemetry::metrics::meter;
use chassis::telemetry::spans::{Begin, Span, SpanKind};
use contracts::{Operation, PortError, TraceContext};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

use crate::choices::WireKind;

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("tradewind.call.duration")
        .with_unit("s")
        .with_description("Time of a call from one module to another, by edge, operation, wire and outcome")
        .with_boundaries(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])
        .build()
});

/// A call that is about to be made.
pub(crate) struct Observed {
    caller: String,
    operation: &'static Operation,
    wire: WireKind,
    begun: Instant,
    span: Span,
}

impl Observed {
    /// Begins to observe a call that is made from `parent` in its trace. It goes on from [`Self::trace`].
    pub fn begin(caller: &str, operation: &'static Operation, wire: WireKind, parent: &TraceContext) -> Self {
        let span = Begin::operation(SpanKind::Client, caller, operation).child_of(parent).begin();
        span.describe(|| {
            [
                KeyValue::new("rpc.service", operation.port),
                KeyValue::new("rpc.method", operation.name),
                KeyValue::new("peer.service", operation.port),
                KeyValue::new("tradewind.wire", wire.as_str()),
            ]
        });
        Self { caller: caller.to_owned(), operation, wire, begun: Instant::now(), span }
    }

    /// Where the call is in its trace.
    pub fn trace(&self) -> &TraceContext {
        self.span.trace()
    }

    /// Makes the call, and notes what came of it.
    pub async fn around<T>(self, call: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
        let result = self.span.around(call).await;
        self.span.within(|| self.ended(result.as_ref().err()));
        result
    }

    fn ended(&self, error: Option<&PortError>) {
        let Self { caller, operation, wire, begun, span } = self;
        let outcome = match error {
            None => "ok",
            Some(PortError::Problem(problem)) => problem.code.as_str(),
            Some(PortError::Remote(_)) => "remote_failure",
        };
        match error {
            None => {}
            Some(PortError::Problem(problem)) => span.fail(outcome, &problem.detail),
            // who is told of a failed call hears no addresses: they stand here
            Some(PortError::Remote(failure)) => {
                span.fail(outcome, failure);
                let callee = operation.port;
                tracing::warn!(caller, callee, %wire, %failure, "{failure}");
            }
        }
        let callee = operation.port;
        tracing::debug!(caller, callee, %wire, outcome, "{caller} called {operation} over {wire}: {outcome}");
        DURATION.record(
            begun.elapsed().as_secs_f64(),
            &[
                KeyValue::new("caller", caller.clone()),
                KeyValue::new("operation", operation.to_string()),
                KeyValue::new("wire", wire.as_str()),
                KeyValue::new("outcome", outcome),
            ],
        );
    }
}

/// The span of the callee in the same process, where no server begins one.
pub(crate) fn answered_here(operation: &'static Operation, parent: &TraceContext) -> Span {
    let span = Begin::operation(SpanKind::Server, operation.port, operation).child_of(parent).begin();
    span.describe(|| {
        [
            KeyValue::new("rpc.service", operation.port),
            KeyValue::new("rpc.method", operation.name),
            KeyValue::new("tradewind.wire", WireKind::Local.as_str()),
        ]
    });
    span
}
