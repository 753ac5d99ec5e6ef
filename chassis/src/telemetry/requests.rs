//! Observes every request: joins it to its trace, opens its span, measures it.
//! Names follow OpenTelemetry's semantic conventions for HTTP and RPC.

use std::sync::LazyLock;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use contracts::TraceContext;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use tracing::Instrument;

use super::metrics::meter;
use crate::http;

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("http.server.request.duration")
        .with_unit("s")
        .with_description("Time from the head of a request to the head of its response")
        .with_boundaries(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
        .build()
});

/// The layer. It stands outermost, so that what other layers refuse is seen too.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let trace = http::read_trace(request.headers()).map_or_else(TraceContext::root, |parent| parent.child());
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", trace_id = trace.trace_id_hex(), method, route);
    request.extensions_mut().insert(trace);
    let begun = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let elapsed = begun.elapsed();
    DURATION.record(
        elapsed.as_secs_f64(),
        &[
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route.clone()),
            KeyValue::new("http.response.status_code", i64::from(status)),
        ],
    );
    span.in_scope(|| {
        tracing::debug!(status, micros = elapsed.as_micros() as u64, "{method} {route} answered {status}");
    });
    response
}

/// The method as a label: anybody can invent methods, and each would be a series of its own.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
