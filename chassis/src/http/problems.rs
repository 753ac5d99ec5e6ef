//! Writes every problem as RFC 9457 `application/problem+json`, whoever found it.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use contracts::error::ProblemJson;
use contracts::{Code, Problem, TraceContext};

use super::Refusal;

/// The layer: gives a problem its body, its `Location` and its trace. Problems that the router or a
/// library reports with a bare status get a body as well.
pub async fn write(request: Request, next: Next) -> Response {
    let trace_id = request.extensions().get::<TraceContext>().map(TraceContext::trace_id_hex);
    let target = format!("{} {}", request.method(), request.uri().path());
    let mut response = next.run(request).await;
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None => match bare(response.status(), &target) {
            Some(problem) if !has_body(&response) => problem,
            _ => return response,
        },
    };
    render(&problem, trace_id, &response)
}

fn has_body(response: &Response) -> bool {
    response.headers().contains_key(header::CONTENT_TYPE)
}

fn render(problem: &Problem, trace_id: Option<String>, bare: &Response) -> Response {
    let body = serde_json::to_vec(&ProblemJson::new(problem, trace_id)).unwrap_or_default();
    let mut response = (bare.status(), body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(location) = problem.resource.as_deref().and_then(|path| HeaderValue::from_str(path).ok()) {
        headers.insert(header::LOCATION, location);
    }
    for name in [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = bare.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    response
}

/// The problem behind a status that came without one.
fn bare(status: StatusCode, target: &str) -> Option<Problem> {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => (Code::NotFound, format!("there is nothing at {target}")),
        StatusCode::METHOD_NOT_ALLOWED => {
            (Code::MethodNotAllowed, format!("{target}: the header Allow lists the methods of this path"))
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            (Code::TooLarge, "the body is larger than this service reads".into())
        }
        StatusCode::BAD_REQUEST => (Code::Malformed, format!("{target}: the request could not be read")),
        _ => return None,
    };
    Some(Problem::new(code, detail))
}

/// What the router answers where no route matches.
pub async fn unknown_route(request: Request) -> Refusal {
    Problem::new(Code::NotFound, format!("there is nothing at {} {}", request.method(), request.uri().path()))
        .into()
}
