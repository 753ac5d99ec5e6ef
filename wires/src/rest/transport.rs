//! Sends calls by reqwest.

use std::task::{Context as Poller, Poll};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use chassis::http::streams::NDJSON;
use chassis::http::write_context;
use contracts::error::{ProblemJson, chain};
use contracts::{PortError, RemoteReason, Shape, Verb};
use futures::StreamExt;
use futures::future::BoxFuture;
use reqwest::{Client, Method, Response};
use tower::Service;

use crate::balance::Routed;
use crate::call::{Failures, Payload, Reply};
use crate::choices::WireKind;
use crate::connect::Connect;

/// The largest reply that is read, in bytes: what gRPC allows a message by default.
const LARGEST_REPLY: usize = 4 * 1024 * 1024;
/// How long connecting ahead may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// One connection pool an edge.
#[derive(Clone)]
pub(super) struct Transport {
    client: Client,
}

impl Transport {
    pub(super) fn new() -> Self {
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(1))
            // our servers close what idles for ten seconds (`head_patience`): a call must not meet that
            .pool_idle_timeout(Duration::from_secs(4))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            // only TLS back ends and system proxies can fail here, and we use neither
            .unwrap_or_default();
        Self { client }
    }
}

#[async_trait]
impl Connect for Transport {
    async fn connect(&self, address: &str) -> Result<(), String> {
        let answer =
            self.client.get(format!("http://{address}/livez")).timeout(CONNECT_PATIENCE).send().await;
        let answer = answer.and_then(Response::error_for_status);
        answer.map(drop).map_err(|error| format!("{address}: {}", chain(&error)))
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
        Box::pin(send(self.client.clone(), routed))
    }
}

async fn send(client: Client, Routed { call, address }: Routed) -> Result<Reply, PortError> {
    let operation = call.operation;
    let failures = Failures { operation, wire: WireKind::Rest };
    let method = match operation.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
    };
    let mut request = client.request(method, format!("http://{address}{}", call.target));
    let mut headers = HeaderMap::new();
    write_context(&call.context, &mut headers);
    request = request.headers(headers);
    request = match call.body {
        Payload::One(_) if operation.verb == Verb::Get => request,
        Payload::One(bytes) => request.header(header::CONTENT_TYPE, "application/json").body(bytes),
        Payload::Many(lines) => {
            request.header(header::CONTENT_TYPE, NDJSON).body(reqwest::Body::wrap_stream(lines))
        }
    };
    if operation.shape != Shape::Unary {
        request = request.header(header::ACCEPT, NDJSON);
    }
    let response = request.send().await.map_err(|error| lost(failures, &address, &error))?;
    if !response.status().is_success() {
        return Err(refused(failures, &address, response).await);
    }
    if operation.shape == Shape::Unary {
        return Ok(Reply { body: Payload::One(whole(failures, &address, response).await?) });
    }
    let chunks =
        response.bytes_stream().map(move |chunk| chunk.map_err(|error| lost(failures, &address, &error)));
    Ok(Reply { body: Payload::Many(chunks.boxed()) })
}

/// A whole body, of bounded size: a callee gone mad must not take its caller's memory.
async fn whole(failures: Failures, address: &str, mut response: Response) -> Result<Bytes, PortError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(failures, address, &error))? {
        if body.len() + chunk.len() > LARGEST_REPLY {
            let detail = format!("{address} answered with more than {LARGEST_REPLY} bytes");
            return Err(failures.sent(RemoteReason::Garbled, detail));
        }
        if body.is_empty() && response.content_length() == Some(chunk.len() as u64) {
            return Ok(chunk);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn lost(failures: Failures, address: &str, error: &reqwest::Error) -> PortError {
    let detail = format!("{address}: {}", chain(error));
    if error.is_connect() {
        return failures.not_sent(RemoteReason::Unreachable, detail);
    }
    if error.is_timeout() {
        return failures.sent(RemoteReason::TimedOut, detail);
    }
    failures.sent(RemoteReason::Broken, detail)
}

async fn refused(failures: Failures, address: &str, response: Response) -> PortError {
    let status = response.status();
    let body = match whole(failures, address, response).await {
        Ok(body) => body,
        Err(error) => return error,
    };
    let problem = serde_json::from_slice::<ProblemJson>(&body).ok().and_then(ProblemJson::into_problem);
    match problem {
        Some(problem) => problem.into(),
        None => failures
            .sent(RemoteReason::Garbled, format!("{address} answered {status} without a problem of ours")),
    }
}
