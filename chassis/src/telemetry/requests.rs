//! Observes every request: joins it to its trace, opens its span, measures it.
//! Names follow OpenTelemetry's semantic conventions for HTTP and RPC.
//!
//! A request for an operation is a span of the module that answers it, named by the operation on every wire. Others
//! are spans only where the server as a whole is a service of its own: at the shop's door, say. Who asks for health
//! or metrics is in no trace.

mod operations;

use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use contracts::{Operation, TraceContext};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

use super::metrics::meter;
use super::spans::{Begin, Span, SpanKind};
use crate::http;

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("http.server.request.duration")
        .with_unit("s")
        .with_description("Time from the head of a request to the head of its response")
        .with_boundaries(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
        .build()
});

/// What answers at `/livez`, `/readyz` and `/metrics`, also where the server is a service of its own.
const UNTRACED: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// The layer. It stands outermost, so that what other layers refuse is seen too. `service` is what the server is as
/// a whole, where that is a service in traces.
pub async fn observe(
    State(service): State<Option<&'static str>>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut asked = Asked::by(&request);
    let parent = http::read_trace(request.headers());
    let begun = Instant::now();
    match asked.span(service, &request, parent.as_ref()) {
        Some(span) => {
            let extensions = request.extensions_mut();
            extensions.insert(span.trace().clone());
            let taken = Taken::default();
            extensions.insert(taken.clone());
            let response = span.around(next.run(request)).await;
            if let Some(route) = taken.route() {
                asked.took(route, &span);
            }
            span.describe(|| [KeyValue::new("http.route", asked.route.clone())]);
            answered(&span, &response);
            span.within(|| asked.measure(&response, begun));
            response
        }
        None => {
            request.extensions_mut().insert(parent.unwrap_or_else(TraceContext::root));
            let response = next.run(request).await;
            asked.measure(&response, begun);
            response
        }
    }
}

/// By which a handler behind a route for everything says which of its own routes a request took. It is among the
/// request's extensions.
#[derive(Debug, Clone, Default)]
pub struct Taken(Arc<OnceLock<String>>);

impl Taken {
    /// It took this one: a template, of which there are few.
    pub fn is(&self, route: &str) {
        self.0.get_or_init(|| route.to_owned());
    }

    fn route(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// What a request asks for.
struct Asked {
    method: &'static str,
    route: String,
    operation: Option<&'static Operation>,
    is_grpc: bool,
}

impl Asked {
    fn by(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        let is_grpc = is_grpc(request.headers());
        let operation = if is_grpc {
            operations::by_method(request.uri().path())
        } else {
            operations::by_route(request.method(), route)
        };
        // a gRPC service is one route, whatever its method
        let route = match operation {
            Some(operation) if is_grpc => operation.grpc.to_owned(),
            _ => route.to_owned(),
        };
        Self { method: known(request.method()), route, operation, is_grpc }
    }

    fn took(&mut self, route: &str, span: &Span) {
        route.clone_into(&mut self.route);
        span.rename(|| format!("{} {route}", self.method));
    }

    fn wire(&self) -> &'static str {
        if self.is_grpc { "grpc" } else { "rest" }
    }

    fn span(
        &self,
        service: Option<&'static str>,
        request: &Request,
        parent: Option<&TraceContext>,
    ) -> Option<Span> {
        let span = match (service, self.operation) {
            (Some(service), _) if !UNTRACED.contains(&self.route.as_str()) => {
                let name = format!("{} {}", self.method, self.route);
                Begin::new(SpanKind::Server, service, name)
            }
            (None, Some(operation)) => Begin::operation(SpanKind::Server, operation.port, operation),
            _ => return None,
        };
        let span = span.child_of_any(parent).begin();
        span.describe(|| {
            [
                KeyValue::new("http.request.method", self.method),
                KeyValue::new("url.path", request.uri().path().to_owned()),
                KeyValue::new("url.scheme", "http"),
                KeyValue::new("network.protocol.version", version(request.version())),
            ]
        });
        if let (None, Some(operation)) = (service, self.operation) {
            span.describe(|| {
                [
                    KeyValue::new("rpc.service", operation.port),
                    KeyValue::new("rpc.method", operation.name),
                    KeyValue::new("tradewind.wire", self.wire()),
                ]
            });
        }
        Some(span)
    }

    fn measure(&self, response: &Response, begun: Instant) {
        let elapsed = begun.elapsed();
        let (method, route, status) = (self.method, &self.route, response.status().as_u16());
        let mut labels = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route.clone()),
            KeyValue::new("http.response.status_code", i64::from(status)),
        ];
        if let Some(operation) = self.operation {
            labels.push(KeyValue::new("operation", operation.to_string()));
            labels.push(KeyValue::new("wire", self.wire()));
        }
        labels.extend(grpc_refusal(response).map(|code| KeyValue::new("rpc.grpc.status_code", code)));
        DURATION.record(elapsed.as_secs_f64(), &labels);
        tracing::debug!(
            method,
            route,
            status,
            micros = elapsed.as_micros() as u64,
            "{method} {route} answered {status}"
        );
    }
}

/// The codes of gRPC that are the server's fault: unknown, deadline exceeded, unimplemented, internal, unavailable,
/// data loss.
const SERVERS_FAULT: [i64; 6] = [2, 4, 12, 13, 14, 15];

/// The code with which gRPC refused a call: it says so in the head, under a status of HTTP that is always 200.
fn grpc_refusal(response: &Response) -> Option<i64> {
    let code = response.headers().get("grpc-status")?.to_str().ok()?.parse().ok()?;
    (0..=16).contains(&code).then_some(code)
}

fn answered(span: &Span, response: &Response) {
    let status = response.status();
    span.describe(|| [KeyValue::new("http.response.status_code", i64::from(status.as_u16()))]);
    if status.is_server_error() {
        span.fail(status.as_u16(), status);
    }
    let Some(code) = grpc_refusal(response) else { return };
    span.describe(|| [KeyValue::new("rpc.grpc.status_code", code)]);
    if SERVERS_FAULT.contains(&code) {
        span.fail(format_args!("grpc {code}"), format_args!("gRPC status {code}"));
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
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
