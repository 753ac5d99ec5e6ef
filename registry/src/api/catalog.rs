//! `/v1/catalog/…`: what is registered, healthy or not.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::params::Params;
use super::reply::Answer;
use super::views;
use crate::Registry;

/// `GET /datacenters`
pub(super) async fn datacenters(State(registry): State<Registry>, _: Params) -> Json<Value> {
    Json(json!([registry.config.datacenter]))
}

/// `GET /nodes`
pub(super) async fn nodes(State(registry): State<Registry>, params: Params) -> Answer<impl IntoResponse> {
    registry.store.query(params.wait()?, |state| state.node_index(), |_| [views::node(&registry)]).await
}

/// `GET /services`: the names, each with the tags that its instances have between them.
pub(super) async fn services(State(registry): State<Registry>, params: Params) -> Answer<impl IntoResponse> {
    let tags_by_name = |state: &crate::state::State| {
        // Consul lists itself among its services, and clients expect at least that one.
        let mut names = BTreeMap::from([("consul".to_owned(), BTreeSet::new())]);
        for service in state.services() {
            names.entry(service.name.clone()).or_default().extend(service.tags.iter().cloned());
        }
        names
    };
    registry.store.query(params.wait()?, |state| state.services_index(), tags_by_name).await
}

/// `GET /service/{name}`
pub(super) async fn service(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    params: Params,
) -> Answer<impl IntoResponse> {
    let view = |state: &crate::state::State| {
        let tagged = state
            .instances(&name)
            .filter(|service| params.all("tag").all(|tag| service.tags.iter().any(|own| own == tag)));
        tagged.map(|service| views::catalog_service(&registry, service)).collect::<Vec<_>>()
    };
    registry.store.query(params.wait()?, |state| state.service_index(&name), view).await
}
