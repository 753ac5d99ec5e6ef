//! Sends calls by tonic, one connection an instance.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::uri::PathAndQuery;
use bytes::Bytes;
use chassis::grpc::write_context;
use chassis::http::headers;
use contracts::error::chain;
use contracts::grpc::status::from_status;
use contracts::{Context, PortError, RemoteReason, Shape};
use futures::StreamExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{ConnectError, Request, Status, TimeoutExpired};
use tower::Service;

use super::codec::BytesCodec;
use crate::balance::Routed;
use crate::call::{Call, Failures, Payload, Reply};
use crate::choices::WireKind;
use crate::connect::Connect;

/// The connections of an edge.
#[derive(Clone, Default)]
pub(super) struct Transport {
    channels: Arc<Mutex<HashMap<String, Channel>>>,
}

/// More connections than an edge ever needs: beyond it, those of instances long gone are dropped.
const MOST_CHANNELS: usize = 64;

impl Transport {
    fn channel(&self, address: &str) -> Result<Channel, String> {
        if let Some(channel) = self.channels.lock().get(address) {
            return Ok(channel.clone());
        }
        let channel = endpoint(address)?.connect_lazy();
        self.keep(address, channel.clone());
        Ok(channel)
    }

    fn keep(&self, address: &str, channel: Channel) {
        let mut channels = self.channels.lock();
        if channels.len() >= MOST_CHANNELS {
            channels.clear();
        }
        channels.insert(address.to_owned(), channel);
    }
}

fn endpoint(address: &str) -> Result<Endpoint, String> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|error| error.to_string())?;
    Ok(endpoint
        .connect_timeout(Duration::from_secs(1))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10)))
}

#[async_trait]
impl Connect for Transport {
    async fn connect(&self, address: &str) -> Result<(), String> {
        let connected = endpoint(address)?.connect().await;
        let channel = connected.map_err(|error| format!("{address}: {}", chain(&error)))?;
        self.keep(address, channel);
        Ok(())
    }
}

impl Service<Routed> for Transport {
    type Response = Reply;
    type Error = PortError;
    type Future = BoxFuture<'static, Result<Reply, PortError>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), PortError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, routed: Routed) -> Self::Future {
        let channel = self.channel(&routed.address);
        Box::pin(send(channel, routed))
    }
}

async fn send(
    channel: Result<Channel, String>,
    Routed { call, address }: Routed,
) -> Result<Reply, PortError> {
    let Call { operation, context, body, .. } = call;
    let failures = Failures { operation, wire: WireKind::Grpc };
    let channel = channel.map_err(|error| failures.not_sent(RemoteReason::Unreachable, error))?;
    let lost = move |status: Status| lost(failures, &address, &status);
    let path = PathAndQuery::from_static(operation.grpc);
    let body = match body {
        Payload::One(message) if operation.shape == Shape::Unary => {
            let first = unary(channel.clone(), path.clone(), &context, message.clone()).await;
            let reply = match first {
                // the connection closed as the call set out: a new one serves as well
                Err(status) if was_never_sent(&status) => unary(channel, path, &context, message).await,
                other => other,
            };
            return Ok(Reply { body: Payload::One(reply.map_err(lost)?) });
        }
        Payload::One(message) => futures::stream::iter([message]).boxed(),
        // the caller's own stream has no way to fail; what cannot be encoded ends it
        Payload::Many(messages) => messages.filter_map(|message| std::future::ready(message.ok())).boxed(),
    };
    let mut request = Request::new(body);
    write_context(&context, request.metadata_mut());
    // gRPC's time-out would bound the whole stream, ours only the time to its first reply
    let left = u64::try_from(context.deadline.left().as_millis()).unwrap_or(u64::MAX);
    request.metadata_mut().remove("grpc-timeout");
    request.metadata_mut().as_mut().insert(headers::TIMEOUT, left.into());
    let mut grpc = ready(channel).await.map_err(lost.clone())?;
    let response = grpc.streaming(request, path, BytesCodec).await.map_err(lost.clone())?;
    let messages = response.into_inner().map(move |message| message.map_err(lost.clone()));
    Ok(Reply { body: Payload::Many(messages.boxed()) })
}

async fn unary(
    channel: Channel,
    path: PathAndQuery,
    context: &Context,
    message: Bytes,
) -> Result<Bytes, Status> {
    let mut request = Request::new(message);
    write_context(context, request.metadata_mut());
    Ok(ready(channel).await?.unary(request, path, BytesCodec).await?.into_inner())
}

async fn ready(channel: Channel) -> Result<Grpc<Channel>, Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    Ok(grpc)
}

fn lost(failures: Failures, address: &str, status: &Status) -> PortError {
    if let Some(problem) = from_status(status) {
        return problem.into();
    }
    let detail = format!("{address}: {}: {}", status.code(), status.message());
    if causes(status).any(|cause| cause.is::<ConnectError>()) || was_never_sent(status) {
        return failures.not_sent(RemoteReason::Unreachable, detail);
    }
    let reason = if causes(status).any(|cause| cause.is::<TimeoutExpired>()) {
        RemoteReason::TimedOut
    } else if status.source().is_some() {
        RemoteReason::Broken
    } else {
        // nothing failed on this side: something answered, and not as our services do
        RemoteReason::Garbled
    };
    failures.sent(reason, detail)
}

/// Whether the connection closed before the request was given to it.
fn was_never_sent(status: &Status) -> bool {
    causes(status).filter_map(|cause| cause.downcast_ref()).any(hyper::Error::is_canceled)
}

/// What a status that was made on this side was made of, outermost first.
fn causes(status: &Status) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(status.source(), |&cause| cause.source())
}
