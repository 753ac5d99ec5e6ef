//! The control endpoint: `GET` says how the latest replay stands, `POST` begins one.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use chassis::http::{Answer, Refusal, answer};

use super::{ReplayStatus, Replays};

/// The routes, below `/control/recommendations`.
pub fn routes(replays: Arc<Replays>) -> Router {
    Router::new().route("/replay", get(status).post(begin)).with_state(replays)
}

async fn status(State(replays): State<Arc<Replays>>) -> Answer<ReplayStatus> {
    answer(replays.status().await)
}

async fn begin(State(replays): State<Arc<Replays>>) -> Result<(StatusCode, Json<ReplayStatus>), Refusal> {
    Ok((StatusCode::ACCEPTED, Json(replays.begin().await?)))
}
