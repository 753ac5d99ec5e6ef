//! `/v1/status/…`: the one node leads itself.

use axum::Json;
use axum::extract::State;

use super::params::Params;
use crate::Registry;

/// `GET /leader`
pub(super) async fn leader(State(registry): State<Registry>, _: Params) -> Json<String> {
    Json(address(&registry))
}

/// `GET /peers`
pub(super) async fn peers(State(registry): State<Registry>, _: Params) -> Json<[String; 1]> {
    Json([address(&registry)])
}

/// Where Consul's servers would talk to each other; nobody listens there.
fn address(registry: &Registry) -> String {
    format!("{}:8300", registry.config.node_address)
}
