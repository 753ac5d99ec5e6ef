//! The layers round every outgoing call, outermost first.

use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Instant;

use bytes::Bytes;
use chassis::discovery::Discovery;
use chassis::telemetry::metrics::meter;
use contracts::{Code, PortError, Problem, RemoteReason};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use tower::{Service, ServiceExt, service_fn};

use crate::balance::{Balance, Routed};
use crate::call::{Call, Failures, Reply, Wire};
use crate::choices::WireKind;

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("tradewind.call.duration")
        .with_unit("s")
        .with_description("Time of a call from one module to another, by edge, operation, wire and outcome")
        .with_boundaries(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])
        .build()
});

/// A wire to `service` over `transport`.
pub fn around<S>(service: &'static str, wire: WireKind, discovery: Arc<dyn Discovery>, transport: S) -> Wire
where
    S: Service<Routed, Response = Reply, Error = PortError> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    // innermost: chooses the instance as late as possible, when everything else has let the call pass
    around_unbalanced(wire, Balance::new(service, wire, discovery, transport))
}

/// A wire over a transport that finds the callee by itself: where a broker stands between, it balances.
pub fn around_unbalanced<S>(wire: WireKind, transport: S) -> Wire
where
    S: Service<Call, Response = Reply, Error = PortError> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    // outermost: measures the call as the caller meets it, and bounds it whatever happens beneath
    Wire::new(service_fn(move |call| measured(wire, call, transport.clone())))
}

async fn measured<S>(wire: WireKind, call: Call, inner: S) -> Result<Reply, PortError>
where
    S: Service<Call, Response = Reply, Error = PortError> + Send,
    S::Future: Send,
{
    let (edge, operation) = (call.edge.clone(), call.operation);
    let begun = Instant::now();
    let result = within_deadline(wire, call, inner).await;
    let outcome = match &result {
        Ok(_) => "ok",
        Err(PortError::Problem(problem)) => problem.code.as_str(),
        Err(PortError::Remote(_)) => "remote_failure",
    };
    // who is told of a failed call hears no addresses: they stand here
    if let Err(PortError::Remote(failure)) = &result {
        tracing::warn!(caller = edge.caller, callee = edge.callee, wire = %wire, %failure, "{failure}");
    }
    tracing::debug!(
        caller = edge.caller,
        callee = edge.callee,
        wire = %wire,
        outcome,
        "{} called {operation} over {wire}: {outcome}",
        edge.caller,
    );
    DURATION.record(
        begun.elapsed().as_secs_f64(),
        &[
            KeyValue::new("caller", edge.caller.clone()),
            KeyValue::new("operation", operation.to_string()),
            KeyValue::new("wire", wire.to_string()),
            KeyValue::new("outcome", outcome),
        ],
    );
    result
}

/// Begins nothing whose time is up, and waits no longer than the call may take.
async fn within_deadline<S>(wire: WireKind, mut call: Call, inner: S) -> Result<Reply, PortError>
where
    S: Service<Call, Response = Reply, Error = PortError> + Send,
    S::Future: Send,
{
    let operation = call.operation;
    call.context = call.context.within(operation.deadline);
    // whoever hands in the context: it is the edge's tail that calls
    call.context.caller.clone_from(&call.edge.caller);
    let deadline = call.context.deadline;
    if deadline.passed() {
        return Err(too_late(operation));
    }
    match tokio::time::timeout_at(deadline.instant(), inner.oneshot(call)).await {
        Ok(result) => result,
        Err(_) => Err(Failures { operation, wire }.sent(RemoteReason::TimedOut, "the deadline passed")),
    }
}

/// The time was up before the call was made: nothing happened.
pub(crate) fn too_late(operation: &contracts::Operation) -> PortError {
    Problem::new(Code::DeadlineExceeded, format!("the time was up before {operation} was called")).into()
}

/// The only message of a reply to a unary call.
pub(crate) fn only(reply: Reply, failures: Failures) -> Result<Bytes, PortError> {
    match reply.body {
        crate::call::Payload::One(bytes) => Ok(bytes),
        crate::call::Payload::Many(_) => Err(failures.sent(RemoteReason::Garbled, "a stream came back")),
    }
}
