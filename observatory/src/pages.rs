//! The pages, which travel in the executable, and who may look at them.

mod files;
mod hosts;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::get;

pub(crate) use hosts::Hosts;

/// On each answer. Nothing comes from elsewhere, nothing is within a page of another site, and a file is what it says.
const HEADERS: [(HeaderName, &str); 2] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'self'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// The pages beside the queries that they make, for whoever asks for them by one of these hosts.
pub(crate) fn routes(queries: Router, hosts: Hosts) -> Router {
    let well = || std::future::ready("ok");
    files::routes()
        .route("/livez", get(well))
        .route("/readyz", get(well))
        .merge(queries)
        .layer(from_fn_with_state(hosts, hosts::check))
        .layer(map_response(guard))
}

async fn guard(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
