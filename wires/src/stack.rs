//! The layers round every outgoing call, outermost first.

use std::sync::Arc;

use bytes::Bytes;
use chassis::discovery::Discovery;
use contracts::{Code, PortError, Problem, RemoteReason};
use tower::{Service, ServiceExt, service_fn};

use crate::balance::{Balance, Routed};
use crate::call::{Call, Failures, Reply, Wire};
use crate::choices::WireKind;
use crate::observe::Observed;

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
    // outermost: observes the call as the caller meets it, and bounds it whatever happens beneath
    Wire::new(service_fn(move |call| observed(wire, call, transport.clone())))
}

async fn observed<S>(wire: WireKind, mut call: Call, inner: S) -> Result<Reply, PortError>
where
    S: Service<Call, Response = Reply, Error = PortError> + Send,
    S::Future: Send,
{
    let observed = Observed::begin(&call.edge.caller, call.operation, wire, &call.context.trace);
    call.context.trace.clone_from(observed.trace());
    observed.around(within_deadline(wire, call, inner)).await
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
