//! Sends calls by tonic, one connection an instance.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use chassis::grpc::write_context;
use chassis::http::headers;
use contracts::grpc::status::from_status;
use contracts::{PortError, RemoteReason, Shape};
use futures::StreamExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{ConnectError, Request, Status, TimeoutExpired};
use tower::Service;

use super::codec::BytesCodec;
use crate::balance::Routed;
use crate::call::{Failures, Payload, Reply};
use crate::choices::WireKind;

/// The connections of an edge.
#[derive(Clone, Default)]
pub(super) struct Transport {
    channels: Arc<Mutex<HashMap<String, Channel>>>,
}

/// More connections than an edge ever needs: beyond it, those of instances long gone are dropped.
const MOST_CHANNELS: usize = 64;

impl Transport {
    fn channel(&self, address: &str) -> Result<Channel, String> {
        let mut channels = self.channels.lock();
        if let Some(channel) = channels.get(address) {
            return Ok(channel.clone());
        }
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|error| error.to_string())?
            .connect_timeout(Duration::from_secs(1))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        if channels.len() >= MOST_CHANNELS {
            channels.clear();
        }
        let channel = endpoint.connect_lazy();
        channels.insert(address.to_owned(), channel.clone());
        Ok(channel)
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
    let failures = Failures { operation: call.operation, wire: WireKind::Grpc };
    let channel = channel.map_err(|error| failures.not_sent(RemoteReason::Unreachable, error))?;
    let lost = move |status: Status| lost(failures, &address, &status);
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| failures.not_sent(RemoteReason::Unreachable, error.to_string()))?;
    let path = PathAndQuery::from_static(call.operation.grpc);
    let context = call.context;
    let body = match call.body {
        Payload::One(bytes) => futures::stream::once(async move { bytes }).boxed(),
        // the caller's own stream has no way to fail; what cannot be encoded ends it
        Payload::Many(messages) => messages.filter_map(|message| std::future::ready(message.ok())).boxed(),
    };
    let mut request = Request::new(body);
    write_context(&context, request.metadata_mut());
    if call.operation.shape == Shape::Unary {
        let request = request.map(|body| body);
        let response = grpc.client_streaming(request, path, BytesCodec).await.map_err(lost)?;
        return Ok(Reply { body: Payload::One(response.into_inner()) });
    }
    // gRPC's time-out would bound the whole stream, ours only the time to its first reply
    let left = u64::try_from(context.deadline.left().as_millis()).unwrap_or(u64::MAX);
    request.metadata_mut().remove("grpc-timeout");
    request.metadata_mut().as_mut().insert(headers::TIMEOUT, left.into());
    let response = grpc.streaming(request, path, BytesCodec).await.map_err(lost.clone())?;
    let messages = response.into_inner().map(move |message| message.map_err(lost.clone()));
    Ok(Reply { body: Payload::Many(messages.boxed()) })
}

fn lost(failures: Failures, address: &str, status: &Status) -> PortError {
    if let Some(problem) = from_status(status) {
        return problem.into();
    }
    let detail = format!("{address}: {}: {}", status.code(), status.message());
    if was_caused_by::<ConnectError>(status) {
        return failures.not_sent(RemoteReason::Unreachable, detail);
    }
    let reason = if was_caused_by::<TimeoutExpired>(status) {
        RemoteReason::TimedOut
    } else if status.source().is_some() {
        RemoteReason::Broken
    } else {
        // nothing failed on this side: something answered, and not as our services do
        RemoteReason::Garbled
    };
    failures.sent(reason, detail)
}

/// Whether the status was made on this side, because of an error of this kind.
fn was_caused_by<E: Error + 'static>(status: &Status) -> bool {
    std::iter::successors(status.source(), |&cause| cause.source()).any(|cause| cause.is::<E>())
}
