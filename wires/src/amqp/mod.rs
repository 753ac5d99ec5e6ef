//! The `amqp` wire: JSON by messages through the broker. Requests go to the queue that all instances of a
//! service share, and so the broker balances; replies take the direct way back (`chassis::messaging::rpc`
//! says what both look like). All edges of a process share one channel.

mod catalog;
mod conversation;
mod inventory;
mod line;
mod notifications;
mod orders;
mod payments;
mod recommendations;
mod shipping;
mod switchboard;
mod transport;

use std::sync::Arc;

use bytes::Bytes;
use chassis::http::streams::until_error;
use contracts::{Context, Operation, PortResult, Problem, RemoteReason, Streaming};
use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::call::{Call, EdgeName, Failures, Payload, Reply, Wire};
use crate::choices::WireKind;
use crate::connect::Reach;
use crate::stack;

pub use switchboard::Switchboard;

/// Calls a service over AMQP. Implements every port.
#[derive(Clone)]
pub struct AmqpClient {
    edge: Arc<EdgeName>,
    wire: Wire,
    switchboard: Arc<Switchboard>,
}

impl AmqpClient {
    /// The client of the edge from `caller` to `callee`.
    pub fn new(caller: &str, callee: &'static str, switchboard: Arc<Switchboard>) -> Self {
        let edge = Arc::new(EdgeName { caller: caller.to_owned(), callee });
        let transport = transport::Transport::over(switchboard.clone());
        let wire = stack::around_unbalanced(WireKind::Amqp, transport);
        Self { edge, wire, switchboard }
    }

    /// Connects ahead of the first call.
    pub(crate) fn reach(&self) -> Arc<dyn Reach> {
        Arc::new(switchboard::Ahead { callee: self.edge.callee, switchboard: self.switchboard.clone() })
    }

    /// One request, one reply.
    async fn call<In, Out>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        request: &In,
    ) -> PortResult<Out>
    where
        In: Serialize,
        Out: DeserializeOwned,
    {
        let failures = Failures { operation, wire: WireKind::Amqp };
        let reply = self.send(operation, ctx, Payload::One(encode(request)?)).await?;
        decode(failures, &stack::only(reply, failures)?)
    }

    /// One request, many replies.
    async fn call_for_many<In, Out>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        request: &In,
    ) -> PortResult<Streaming<PortResult<Out>>>
    where
        In: Serialize,
        Out: DeserializeOwned + 'static,
    {
        self.stream(operation, ctx, Payload::One(encode(request)?)).await
    }

    /// Many requests, many replies.
    async fn exchange<In, Out>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        requests: Streaming<In>,
    ) -> PortResult<Streaming<PortResult<Out>>>
    where
        In: Serialize + Send + 'static,
        Out: DeserializeOwned + 'static,
    {
        let requests = Payload::Many(requests.map(|request| encode(&request)).boxed());
        self.stream(operation, ctx, requests).await
    }

    async fn stream<Out: DeserializeOwned + 'static>(
        &self,
        operation: &'static Operation,
        ctx: &Context,
        body: Payload,
    ) -> PortResult<Streaming<PortResult<Out>>> {
        let failures = Failures { operation, wire: WireKind::Amqp };
        match self.send(operation, ctx, body).await?.body {
            Payload::Many(items) => Ok(until_error(items.map(move |item| decode(failures, &item?))).boxed()),
            Payload::One(_) => Err(failures.sent(RemoteReason::Garbled, "one reply came back, not a stream")),
        }
    }

    async fn send(&self, operation: &'static Operation, ctx: &Context, body: Payload) -> PortResult<Reply> {
        let target = operation.to_string();
        let call = Call { edge: self.edge.clone(), operation, context: ctx.clone(), target, body };
        self.wire.clone().oneshot(call).await
    }
}

fn encode<In: Serialize>(request: &In) -> PortResult<Bytes> {
    serde_json::to_vec(request).map(Bytes::from).map_err(|error| {
        tracing::error!("a request cannot be written as JSON: {error}");
        Problem::internal().into()
    })
}

fn decode<Out: DeserializeOwned>(failures: Failures, bytes: &Bytes) -> PortResult<Out> {
    serde_json::from_slice(bytes).map_err(|error| failures.sent(RemoteReason::Garbled, error.to_string()))
}
