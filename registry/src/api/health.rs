//! `/v1/health/…`: how it goes.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::params::Params;
use super::reply::Answer;
use super::views;
use crate::Registry;
use crate::state::{Check, Service, State as Memory, Status};

/// `GET /service/{name}`: the instances with their checks; with `?passing` only those that pass all.
pub(super) async fn service(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    params: Params,
) -> Answer<impl IntoResponse> {
    let passing = params.switch("passing")?;
    let wanted = |state: &Memory, service: &Service| {
        let mut checks = state.node_checks().chain(state.checks_of(&service.id));
        params.all("tag").all(|tag| service.tags.iter().any(|own| own == tag))
            && (!passing || checks.all(|check| check.status == Status::Passing))
    };
    let view = |state: &Memory| {
        let instances = state.instances(&name).filter(|service| wanted(state, service));
        instances.map(|service| views::health(&registry, state, service)).collect::<Vec<_>>()
    };
    registry.store.query(params.wait()?, |state| state.service_index(&name), view).await
}

/// `GET /checks/{name}`: the checks of a service.
pub(super) async fn checks(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    params: Params,
) -> Answer<impl IntoResponse> {
    let view = |state: &Memory| {
        let checks = state.instances(&name).flat_map(|service| state.checks_of(&service.id));
        checks.map(|check| json!(views::check_view(&registry, state, check))).collect::<Vec<_>>()
    };
    registry.store.query(params.wait()?, |state| state.service_index(&name), view).await
}

/// `GET /state/{state}`: the checks in a state, or in `any`.
pub(super) async fn state(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    params: Params,
) -> Answer<impl IntoResponse> {
    let status = Status::named(&name);
    let view = |state: &Memory| all(&registry, state, |check| name == "any" || status == Some(check.status));
    registry.store.query(params.wait()?, |state| state.checks_index(), view).await
}

/// `GET /node/{node}`: the checks on a node.
pub(super) async fn node(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    params: Params,
) -> Answer<impl IntoResponse> {
    let view = |state: &Memory| all(&registry, state, |_| name == registry.config.node_name);
    registry.store.query(params.wait()?, |state| state.checks_index(), view).await
}

fn all(registry: &Registry, state: &Memory, wanted: impl Fn(&Check) -> bool) -> Vec<Value> {
    let checks = state.checks().filter(|check| wanted(check));
    checks.map(|check| json!(views::check_view(registry, state, check))).collect()
}
