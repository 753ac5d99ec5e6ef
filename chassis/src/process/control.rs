//! The control endpoints that every module has: `/control/MODULE/…`, behind the guard.

use axum::routing::get;
use axum::{Json, Router};

use super::Bootstrap;
use crate::config::Configuration;
use crate::control::{Changes, Guard};

/// `GET /control/MODULE/config` says what the module runs with and where each value came from; beside
/// it stand the module's own endpoints.
pub(super) fn routes(bootstrap: &Bootstrap, module: &str, configuration: Configuration, own: Router) -> Router {
    let guard = Guard::new(bootstrap.operator_token.clone())
        .with_hosts(bootstrap.advertise.iter().filter_map(|address| address.split(':').next().map(str::to_owned)));
    let endpoints = Router::new().route("/config", get(async move || Json(configuration.report()))).merge(own);
    Router::new().nest(&format!("/control/{module}"), guard.protect(Changes::ByOperator, endpoints))
}
