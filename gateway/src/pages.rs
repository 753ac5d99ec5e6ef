//! The page at `/`, for people who find a port and wonder, and the list of routes at `/api`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use http::HeaderValue;
use serde::Serialize;

use crate::gateway::Gateway;
use crate::routes::{Method, Protocol, Route};

/// A route as the list shows it.
#[derive(Serialize)]
struct Listed {
    path: String,
    methods: Vec<Method>,
    protocol: Protocol,
    service: String,
    timeout_ms: u64,
}

impl From<&Route> for Listed {
    fn from(route: &Route) -> Self {
        let config = route.config().clone();
        Self {
            path: config.path,
            methods: config.methods,
            protocol: config.protocol,
            service: config.service,
            timeout_ms: config.timeout_ms,
        }
    }
}

/// `GET /api`
pub(crate) async fn list(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    let rules = gateway.rules();
    Json(rules.table.routes().iter().map(Listed::from).collect::<Vec<_>>())
}

/// `GET /`: HTML for browsers, plain text for everybody else.
pub(crate) async fn index(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let text = describe(gateway.rules().table.routes(), host(&headers));
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response =
        if accepts.contains("text/html") { Html(page(&text)).into_response() } else { text.into_response() };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

fn describe(routes: &[Route], host: &str) -> String {
    let mut text = format!(
        "Tradewind's API gateway: the one door to the shop's services.\n\n\
         Try:   curl 'http://{host}/api/products?limit=3'\n\
         List:  curl http://{host}/api\n\nPublic over REST:\n"
    );
    let of = |protocol| routes.iter().filter(move |route| route.protocol() == protocol);
    for route in of(Protocol::Http) {
        let methods: Vec<_> = route.config().methods.iter().map(|method| method.as_str()).collect();
        // writing into a text cannot fail
        let _ = writeln!(text, "  {:<5} {:<34} {}", methods.join(","), route.config().path, route.service());
    }
    text.push_str("\nPublic over gRPC (HTTP/2 without TLS):\n");
    for route in of(Protocol::Grpc) {
        let _ = writeln!(text, "  {:<40} {}", route.config().path, route.service());
    }
    text
}

fn page(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Tradewind</title>\n\
         <h1>Tradewind</h1>\n<p><a href=\"/api/products\">Products</a> · <a href=\"/api\">Routes</a></p>\n\
         <pre>{text}</pre>\n</html>\n"
    )
}

/// The host to show in examples. People paste these into a shell, so nothing but a plain host and port
/// is taken from the request.
fn host(headers: &HeaderMap) -> &str {
    let plain = |text: &&str| {
        text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
    };
    let named = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    named.filter(plain).unwrap_or("127.0.0.1:8080")
}
