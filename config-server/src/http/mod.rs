//! Both APIs: routes, and the layers round them.

mod preconditions;
mod render;
mod spring;
mod typed;
mod watch;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{delete, get, post, put};
use chassis::control::{Changes, Guard};
use chassis::http::problems;

use crate::core::Core;

/// Larger than any schema of ours.
const LARGEST_BODY: usize = 256 * 1024;

pub(crate) fn router(core: &Arc<Core>, guard: &Guard) -> Router {
    let operators = Router::new()
        .route("/api/status", get(typed::status))
        .route("/api/applications", get(typed::applications))
        .route("/api/applications/{application}/instances", get(typed::instances))
        .route("/api/applications/{application}/{profile}/effective", get(typed::effective))
        .route("/api/applications/{application}/{profile}/watch", get(watch::watch))
        .route("/api/applications/{application}/{profile}/history", get(typed::history))
        .route("/api/applications/{application}/{profile}/rollback", post(typed::rollback))
        .route("/api/applications/{application}/{profile}/keys/{key}", put(typed::set))
        .route("/api/applications/{application}/{profile}/keys/{key}", delete(typed::unset))
        .route("/{document}", get(spring::document))
        .route("/{application}/{profile}", get(spring::environment))
        .route("/{application}/{profile}/{label}", get(spring::labelled));
    let services =
        Router::new().route("/api/applications/{application}/instances/{instance}", put(typed::report));
    guard
        .protect(Changes::ByOperator, operators)
        .merge(guard.protect(Changes::ByServices, services))
        .fallback(problems::unknown_route)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        // outermost, so that the guard's refusals get their bodies, too
        .layer(from_fn(problems::write))
        .with_state(Arc::clone(core))
}
