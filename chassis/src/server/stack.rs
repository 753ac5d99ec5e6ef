//! The middleware of every server, outermost first.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use contracts::Problem;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use super::Limits;
use crate::http::{Refusal, problems};
use crate::telemetry::requests;

/// `routes` with the middleware around them. `service` is what they are in traces as a whole; where they are several
/// modules', each operation is its own module's.
pub(super) fn around(routes: Router, limits: &Limits, service: Option<&'static str>) -> Router {
    // axum wraps each layer around those before it, so this reads from the innermost outward
    routes
        .fallback(unknown)
        // bounds what any handler can be made to hold in memory
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        // a bug in one request must not take the connection's other requests with it
        .layer(CatchPanicLayer::custom(panicked))
        // outside of all that can refuse, so that every refusal gets its body
        .layer(axum::middleware::from_fn(problems::write))
        // outermost: sees every request, whatever becomes of it, and gives it the trace that problems name
        .layer(axum::middleware::from_fn_with_state(service, requests::observe))
}

/// The same for a door that will be closed: from `draining` on, answers over HTTP/1.1 end their connection, so
/// that no client begins its next request on one that is about to be closed. (HTTP/2 has GOAWAY for this.)
pub(super) fn leaving(routes: Router, draining: &CancellationToken) -> Router {
    let draining = draining.clone();
    routes.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
        let draining = draining.clone();
        async move {
            let is_http1 = request.version() <= Version::HTTP_11;
            let mut response = next.run(request).await;
            if is_http1 && draining.is_cancelled() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    }))
}

/// Answers what no route matches, in the asker's own protocol.
async fn unknown(request: Request) -> Response {
    let grpc = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    if grpc {
        let mut response = tonic::Status::unimplemented(format!("there is no {}", request.uri().path()))
            .into_http::<axum::body::Body>();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        return response;
    }
    problems::unknown_route(request).await.into_response()
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!("a request handler panicked: {message}");
    Refusal(Problem::internal()).into_response()
}
