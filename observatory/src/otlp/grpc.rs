//! OTLP by gRPC.
//!
//! Requests are taken as bytes, not as messages: they are counted before they are taken apart, as those are that come
//! by HTTP.

mod codec;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use self::codec::Raw;
use super::receive::{AGAIN, Format, Receiver, Refusal};
use super::signal::{Logs, Metrics, Signal, Traces};
use crate::refused::{Reason, Refused};

/// The services.
pub(crate) fn routes(receiver: Receiver) -> Router {
    Router::new()
        .route(Traces::METHOD, post(export::<Traces>))
        .route(Metrics::METHOD, post(export::<Metrics>))
        .route(Logs::METHOD, post(export::<Logs>))
        .fallback(async || Status::unimplemented("").into_http::<axum::body::Body>())
        .with_state(receiver)
}

async fn export<S: Signal>(State(receiver): State<Receiver>, request: Request) -> Response {
    receiver.counts().requests.received(1);
    let mut grpc = tonic::server::Grpc::new(Raw)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(receiver.limits().request_bytes);
    let service = tower::service_fn(|request: tonic::Request<Bytes>| {
        let outcome = receiver.receive::<S>(request.get_ref(), Format::Protobuf);
        std::future::ready(
            outcome.map(|body| tonic::Response::new(body.into())).map_err(|refusal| status(&refusal)),
        )
    });
    let response = grpc.unary(service, request).await;
    match response.extensions().get::<Status>().cloned() {
        None => response.into_response(),
        Some(status) => {
            let (reason, status) = explained(status, receiver.limits().request_bytes);
            receiver.counts().requests.dropped(&Refused::all(reason, 1));
            status.into_http::<axum::body::Body>()
        }
    }
}

fn status(refusal: &Refusal) -> Status {
    let words = refusal.to_string();
    match refusal {
        Refusal::Malformed(_) | Refusal::Unsupported(_) => Status::invalid_argument(words),
        // without a time to try again, which says that trying again is of no use
        Refusal::TooLarge(_) => Status::resource_exhausted(words),
        Refusal::Full => {
            let details = ErrorDetails::with_retry_info(Some(AGAIN));
            Status::with_error_details(Code::Unavailable, words, details)
        }
    }
}

/// Why a request was refused, and what its sender is told. What tonic itself says to one that is too large is
/// `OUT_OF_RANGE`, upon which OTLP's senders try again.
fn explained(status: Status, most: usize) -> (Reason, Status) {
    match status.code() {
        Code::OutOfRange => (Reason::TooLarge, self::status(&Refusal::TooLarge(most))),
        Code::ResourceExhausted => (Reason::TooLarge, status),
        Code::Unavailable => (Reason::Full, status),
        // another compression; the status names those that are known
        Code::Unimplemented => (Reason::Unsupported, status),
        // frames that are none, or a stream that ended within one
        _ => (Reason::Malformed, status),
    }
}
