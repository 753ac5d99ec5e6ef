//! The control endpoints of a process and of every module in it: `/control/process/…` and `/control/MODULE/…`,
//! behind the guard.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};

use super::{Bootstrap, messages};
use crate::config::Configuration;
use crate::control::{Changes, Guard};
use crate::http::Refusal;
use crate::messaging::Bus;

/// `GET /control/MODULE/config` says what the module runs with and where each value came from; beside
/// it stand the module's own endpoints. Reading is open to this machine; others show the operator token,
/// since a process that listens to the world (the gateway, say) must not tell the world how it is set up.
pub(super) fn routes(
    bootstrap: &Bootstrap,
    module: &str,
    configuration: Configuration,
    own: Router,
) -> Router {
    let endpoints =
        Router::new().route("/config", get(async move || Json(configuration.report()))).merge(own);
    guarded(bootstrap, module, endpoints)
}

/// What is the process' and no module's: its messages.
pub(super) fn process_routes(bootstrap: &Bootstrap, bus: Option<Bus>) -> Router {
    guarded(bootstrap, "process", messages::routes(bus))
}

fn guarded(bootstrap: &Bootstrap, name: &str, endpoints: Router) -> Router {
    let guard = Guard::new(bootstrap.operator_token.clone()).with_hosts(bootstrap.names());
    let endpoints = endpoints.layer(from_fn_with_state(guard.clone(), from_near_or_by_operator));
    Router::new().nest(&format!("/control/{name}"), guard.protect(Changes::ByOperator, endpoints))
}

async fn from_near_or_by_operator(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if !peer.is_some_and(|ConnectInfo(peer)| peer.ip().is_loopback()) {
        guard.check_token(request.headers())?;
    }
    Ok(next.run(request).await)
}
