//! `/v1/agent/…`: what the services of this node say about themselves.

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::body::{self, UpdateBody};
use super::params::Params;
use super::reply::Answer;
use super::{registration, views};
use crate::Registry;
use crate::error::Refusal;
use crate::state::{ExistingChecks, Report, Status};

/// `GET /self`
pub(super) async fn itself(State(registry): State<Registry>, _: Params) -> Json<Value> {
    let config = &registry.config;
    Json(json!({
        "Config": {
            "Datacenter": config.datacenter,
            "NodeName": config.node_name,
            "NodeID": &*registry.node_id,
            "Revision": "",
            "Server": true,
            "Version": env!("CARGO_PKG_VERSION"),
        },
        "Member": member(&registry),
        "Meta": {},
    }))
}

/// `GET /members`
pub(super) async fn members(State(registry): State<Registry>, _: Params) -> Json<Value> {
    Json(json!([member(&registry)]))
}

fn member(registry: &Registry) -> Value {
    json!({
        "Name": registry.config.node_name,
        "Addr": registry.config.node_address,
        "Port": 8301,
        "Tags": { "role": "consul", "dc": registry.config.datacenter, "id": &*registry.node_id },
        "Status": 1,
        "ProtocolMin": 1,
        "ProtocolMax": 5,
        "ProtocolCur": 2,
        "DelegateMin": 2,
        "DelegateMax": 5,
        "DelegateCur": 4,
    })
}

/// `GET /services`
pub(super) async fn services(State(registry): State<Registry>, _: Params) -> Json<Value> {
    let shown = registry.store.read(|state| {
        let pair = |service| (views::agent_service(service), service);
        let named = state.services().map(pair).map(|(view, service)| (service.id.clone(), json!(view)));
        named.collect::<Map<_, _>>()
    });
    Json(shown.into())
}

/// `GET /checks`
pub(super) async fn checks(State(registry): State<Registry>, _: Params) -> Json<Value> {
    let shown = registry.store.read(|state| {
        // The node's own check belongs to the catalog, not to the agent.
        let own = state.checks().filter(|check| check.id != crate::state::NODE_CHECK);
        own.map(|check| (check.id.clone(), json!(views::check_view(&registry, state, check))))
            .collect::<Map<_, _>>()
    });
    Json(shown.into())
}

/// `PUT /service/register`
pub(super) async fn service_register(
    State(registry): State<Registry>,
    params: Params,
    body: Bytes,
) -> Answer<()> {
    let existing = match params.has("replace-existing-checks") {
        true if params.switch("replace-existing-checks")? => ExistingChecks::Replace,
        _ => ExistingChecks::Keep,
    };
    let (service, checks) = registration::service(body::read(&body)?)?;
    registry.store.change(|state, now| state.register(service, checks, existing, now))
}

/// `PUT /service/deregister/{id}`
pub(super) async fn service_deregister(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    _: Params,
) -> Answer<()> {
    registry.store.change(|state, now| state.deregister(&id, now))
}

/// `PUT /service/maintenance/{id}`
pub(super) async fn service_maintenance(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    params: Params,
) -> Answer<()> {
    if params.get("enable").is_none_or(str::is_empty) {
        return Err(Refusal::bad("Missing value for enable"));
    }
    let reason = params.get("reason").filter(|reason| !reason.is_empty());
    let reason =
        reason.unwrap_or("Maintenance mode is enabled for this service, but no reason was provided.");
    let reason = params.switch("enable")?.then(|| reason[..reason.floor_char_boundary(512)].to_owned());
    registry.store.change(|state, now| state.maintenance(&id, reason, now))
}

/// `PUT /check/register`
pub(super) async fn check_register(State(registry): State<Registry>, _: Params, body: Bytes) -> Answer<()> {
    let check = registration::check(body::read(&body)?)?;
    registry.store.change(|state, now| state.register_check(check, now))
}

/// `PUT /check/deregister/{id}`
pub(super) async fn check_deregister(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    _: Params,
) -> Answer<()> {
    registry.store.change(|state, now| state.deregister_check(&id, now))
}

/// `PUT /check/pass/{id}`
pub(super) async fn check_pass(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    params: Params,
) -> Answer<()> {
    note(&registry, &id, Status::Passing, &params)
}

/// `PUT /check/warn/{id}`
pub(super) async fn check_warn(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    params: Params,
) -> Answer<()> {
    note(&registry, &id, Status::Warning, &params)
}

/// `PUT /check/fail/{id}`
pub(super) async fn check_fail(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    params: Params,
) -> Answer<()> {
    note(&registry, &id, Status::Critical, &params)
}

/// `PUT /check/update/{id}`
pub(super) async fn check_update(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    _: Params,
    body: Bytes,
) -> Answer<()> {
    let UpdateBody { status, output } = body::read(&body)?;
    let status = Status::named(&status)
        .ok_or_else(|| Refusal::bad(format!("Invalid check status: '{}'", status.escape_debug())))?;
    registry.store.change(|state, now| state.report(&id, Report { status, output }, now))
}

fn note(registry: &Registry, id: &str, status: Status, params: &Params) -> Answer<()> {
    let output = params.get("note").unwrap_or_default().to_owned();
    registry.store.change(|state, now| state.report(id, Report { status, output }, now))
}
