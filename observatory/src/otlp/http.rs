//! OTLP by HTTP: a request in protobuf or JSON is answered in the same.
//!
//! There is no CORS, and neither format can be sent by a page of another site without it.

mod body;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use prost::Message as _;
use tonic_types::pb::Status;

use super::receive::{AGAIN, Format, Receiver, Refusal};
use super::signal::{Logs, Metrics, Signal, Traces};
use crate::refused::Refused;

/// The routes.
pub(crate) fn routes(receiver: Receiver) -> Router {
    Router::new()
        .route(Traces::PATH, post(export::<Traces>))
        .route(Metrics::PATH, post(export::<Metrics>))
        .route(Logs::PATH, post(export::<Logs>))
        .with_state(receiver)
}

async fn export<S: Signal>(State(receiver): State<Receiver>, request: Request) -> Response {
    receiver.counts().requests.received(1);
    let format = format(request.headers().get(header::CONTENT_TYPE));
    let outcome = match format {
        Some(format) => answer::<S>(&receiver, request, format).await,
        None => Err(Refusal::Unsupported(format!(
            "a request is {} or {}",
            Format::Protobuf.media_type(),
            Format::Json.media_type()
        ))),
    };
    // whoever sends something else reads JSON, or nothing
    let format = format.unwrap_or(Format::Json);
    outcome.map_or_else(|refusal| refused(&receiver, &refusal, format), |body| respond(format, body))
}

async fn answer<S: Signal>(
    receiver: &Receiver,
    request: Request,
    format: Format,
) -> Result<Vec<u8>, Refusal> {
    let body = body::read(request, receiver.limits().request_bytes).await?;
    receiver.receive::<S>(&body, format)
}

fn refused(receiver: &Receiver, refusal: &Refusal, format: Format) -> Response {
    receiver.counts().requests.dropped(&Refused::all(refusal.reason(), 1));
    let (status, code) = match refusal {
        Refusal::Malformed(_) => (StatusCode::BAD_REQUEST, tonic::Code::InvalidArgument),
        Refusal::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, tonic::Code::ResourceExhausted),
        Refusal::Unsupported(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, tonic::Code::InvalidArgument),
        Refusal::Full => (StatusCode::SERVICE_UNAVAILABLE, tonic::Code::Unavailable),
    };
    let (code, message) = (code as i32, refusal.to_string());
    let body = match format {
        Format::Protobuf => Status { code, message, details: Vec::new() }.encode_to_vec(),
        Format::Json => serde_json::json!({ "code": code, "message": message }).to_string().into_bytes(),
    };
    let mut response = (status, respond(format, body)).into_response();
    if *refusal == Refusal::Full {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(AGAIN.as_secs()));
    }
    response
}

fn respond(format: Format, body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, format.media_type())], body).into_response()
}

fn format(content_type: Option<&HeaderValue>) -> Option<Format> {
    let named = content_type?.to_str().ok()?.split(';').next()?.trim();
    [Format::Protobuf, Format::Json]
        .into_iter()
        .find(|format| named.eq_ignore_ascii_case(format.media_type()))
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}
