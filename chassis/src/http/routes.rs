//! One operation, one route: method and path come from the operation's own line.

use axum::extract::Extension;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use contracts::{Operation, Verb};

/// The route of `operation`, answered by `handler`. The handler's extractors find the operation in
/// the request's extensions.
pub fn route<H, T, S>(operation: &'static Operation, handler: H) -> axum::Router<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    let method = match operation.verb {
        Verb::Get => MethodFilter::GET,
        Verb::Post => MethodFilter::POST,
        Verb::Put => MethodFilter::PUT,
    };
    axum::Router::new().route(operation.path, on(method, handler)).layer(Extension(operation))
}
