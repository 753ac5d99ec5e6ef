//! The `grpc` wire: protocol buffers over HTTP/2. A call's body is an encoded message, so that the
//! layers above the transport are the same for every wire; encoding happens here, above them.

mod catalog;
mod codec;
mod inventory;
mod notifications;
mod orders;
mod payments;
mod recommendations;
mod shipping;
mod transport;

use std::sync::Arc;

use bytes::Bytes;
use chassis::discovery::Discovery;
use contracts::grpc::Proto;
use contracts::{Context, Operation, PortResult, RemoteReason, Streaming};
use futures::StreamExt;
use prost::Message;
use tower::ServiceExt;

use crate::call::{Call, EdgeName, Failures, Payload, Reply, Tie, Wire};
use crate::choices::WireKind;
use crate::connect::{Instances, Reach};
use crate::stack;

/// Calls a service over gRPC. Implements every port.
#[derive(Clone)]
pub struct GrpcClient {
    edge: Arc<EdgeName>,
    wire: Wire,
    reach: Arc<dyn Reach>,
}

impl GrpcClient {
    /// The client of the edge from `caller` to `callee`.
    pub fn new(caller: &str, callee: &'static str, discovery: Arc<dyn Discovery>) -> Self {
        let edge = Arc::new(EdgeName { caller: caller.to_owned(), callee });
        let transport = transport::Transport::default();
        let reach = Arc::new(Instances::new(callee, discovery.clone(), transport.clone()));
        let wire = stack::around(callee, WireKind::Grpc, discovery, transport);
        Self { edge, wire, reach }
    }

    /// Connects ahead of the first call.
    pub(crate) fn reach(&self) -> Arc<dyn Reach> {
        self.reach.clone()
    }

    /// One request, one reply.
    async fn call<In: Proto, Out: Proto>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        request: In,
    ) -> PortResult<Out> {
        let failures = Failures { operation, wire: WireKind::Grpc };
        let reply = self.send(operation, ctx, Payload::One(encode(request))).await?;
        decode(failures, &stack::only(reply, failures)?)
    }

    /// One request, many replies.
    async fn call_for_many<In: Proto, Out: Proto + 'static>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        request: In,
    ) -> PortResult<Streaming<PortResult<Out>>> {
        self.stream(operation, ctx, Payload::One(encode(request))).await
    }

    /// Many requests, many replies.
    async fn exchange<In: Proto + Send + 'static, Out: Proto + 'static>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        requests: Streaming<In>,
    ) -> PortResult<Streaming<PortResult<Out>>> {
        let (requests, tie) = Tie::to(requests);
        let messages = Payload::Many(requests.map(|request| Ok(encode(request))).boxed());
        Ok(tie.holding(self.stream(operation, ctx, messages).await?))
    }

    async fn stream<Out: Proto + 'static>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        body: Payload,
    ) -> PortResult<Streaming<PortResult<Out>>> {
        let failures = Failures { operation, wire: WireKind::Grpc };
        match self.send(operation, ctx, body).await?.body {
            Payload::Many(messages) => Ok(messages.map(move |message| decode(failures, &message?)).boxed()),
            Payload::One(_) => {
                Err(failures.sent(RemoteReason::Garbled, "one message came back, not a stream"))
            }
        }
    }

    async fn send(&self, operation: &'static Operation, ctx: &Context, body: Payload) -> PortResult<Reply> {
        let target = operation.grpc.to_owned();
        let call = Call { edge: self.edge.clone(), operation, context: ctx.clone(), target, body };
        self.wire.clone().oneshot(call).await
    }
}

fn encode<In: Proto>(request: In) -> Bytes {
    request.into_message().encode_to_vec().into()
}

fn decode<Out: Proto>(failures: Failures, bytes: &Bytes) -> PortResult<Out> {
    let garbled = |detail: String| failures.sent(RemoteReason::Garbled, detail);
    let message = Out::Message::decode(&bytes[..]).map_err(|error| garbled(error.to_string()))?;
    Out::from_message(message).map_err(|problem| garbled(problem.detail))
}
