//! What the pages ask besides: how full the window is, who called whom, how a service fares. Plain JSON.

mod metrics;
mod status;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::params::{BadParam, Params};
use crate::series::{Map, ServiceReport};
use crate::store::{Interrupted, Store};
use status::Status;

/// Minutes that the map looks back when nobody says how many.
const MAP_MINUTES: u64 = 15;
/// The same for a service.
const SERVICE_MINUTES: u64 = 60;

/// The routes, below `/api/observatory`, and `/metrics`.
pub(crate) fn routes() -> Router<Arc<Store>> {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/api/observatory/status", get(status))
        .route("/api/observatory/map", get(map))
        .route("/api/observatory/services/{service}", get(service))
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Param(#[from] BadParam),
    #[error(transparent)]
    Path(#[from] PathRejection),
    #[error("there is no service {0:?} that did anything lately")]
    NoService(String),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Param(_) | Self::Path(_) => StatusCode::BAD_REQUEST,
            Self::NoService(_) => StatusCode::NOT_FOUND,
            Self::Interrupted(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

async fn status(State(store): State<Arc<Store>>) -> Json<Status> {
    Json(Status::of(&store))
}

/// For Prometheus.
async fn metrics(State(store): State<Arc<Store>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::text(&Status::of(&store)))
}

async fn map(State(store): State<Arc<Store>>, params: Params) -> Result<Json<Map>, Refusal> {
    let lately = lately(&params, MAP_MINUTES, &store)?;
    Ok(Json(store.read(move |store| store.series().map(lately, store.now())).await?))
}

async fn service(
    State(store): State<Arc<Store>>,
    service: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<ServiceReport>, Refusal> {
    let Path(name) = service?;
    let lately = lately(&params, SERVICE_MINUTES, &store)?;
    let wanted = name.clone();
    let report = store.read(move |store| store.series().service(&wanted, lately, store.now())).await?;
    report.map(Json).ok_or(Refusal::NoService(name))
}

/// How far to look back: as far as is asked, and as far as is remembered.
fn lately(params: &Params, usual: u64, store: &Store) -> Result<Duration, BadParam> {
    let minutes = |text: &str| text.parse::<u64>().ok().filter(|minutes| *minutes > 0);
    let minutes = params.read("minutes", "a whole number from 1 on, such as 15", minutes)?.unwrap_or(usual);
    Ok(Duration::from_secs(minutes.saturating_mul(60)).min(store.limits().memory_of_series))
}

#[cfg(test)]
mod tests;
