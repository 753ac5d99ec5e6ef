//! The supervisor's control API, on loopback: `GET /status`, `GET /topology`, `GET /move`, and for the operator `POST /down`,
//! `POST /processes/NAME/halt`, `POST /processes/NAME/resume`, `POST /move` and `POST /move/undo`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chassis::control::{Changes, Guard};
use chassis::http::Refusal;
use chassis::server::{Limits, Readiness, Server};
use contracts::{Code, Problem};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::moving::Mover;
use super::moving::status::MoveStatus;
use super::report::Reporter;
use super::shop::Shop;
use super::status::ShopStatus;
use super::supervise::Wanted;
use crate::topology::Topology;

struct Control {
    reporter: Reporter,
    shop: Arc<Shop>,
    mover: Arc<Mover>,
    down: CancellationToken,
}

/// Serves the API until `ended`; `down` is what `POST /down` fires.
pub(super) async fn serve(
    listener: TcpListener,
    reporter: Reporter,
    shop: Arc<Shop>,
    mover: Arc<Mover>,
    operator_token: String,
    down: CancellationToken,
    ended: CancellationToken,
) {
    let routes = Router::new()
        .route("/status", get(status))
        .route("/down", post(take_down))
        .route(
            "/processes/{name}/halt",
            post(async |control, name| want(control, name, Wanted::Halted).await),
        )
        .route(
            "/processes/{name}/resume",
            post(async |control, name| want(control, name, Wanted::Running).await),
        )
        .route("/topology", get(topology))
        .route("/move", get(how_it_moves).post(begin_to_move))
        .route("/move/undo", post(take_back))
        .with_state(Arc::new(Control { reporter, shop, mover, down }));
    let guarded = Guard::new(Some(operator_token)).protect(Changes::ByOperator, routes);
    let readiness = Readiness::default();
    readiness.ready();
    Server::new(guarded, &readiness, Limits::default()).serve(listener, ended).await;
}

async fn status(State(control): State<Arc<Control>>) -> Json<ShopStatus> {
    Json(control.reporter.status().await)
}

/// Says that it will be done; it is done when the data folder is free.
async fn take_down(State(control): State<Arc<Control>>) -> StatusCode {
    control.down.cancel();
    StatusCode::ACCEPTED
}

async fn topology(State(control): State<Arc<Control>>) -> Json<Topology> {
    Json(control.shop.arrangement().running().clone())
}

async fn how_it_moves(State(control): State<Arc<Control>>) -> Json<MoveStatus> {
    Json(control.mover.status())
}

/// Says that the move has begun, or is under way.
async fn begin_to_move(
    State(control): State<Arc<Control>>,
    Json(to): Json<Topology>,
) -> Result<Json<MoveStatus>, Refusal> {
    told(control.mover.begin(to))
}

/// Says that the move will be taken back.
async fn take_back(State(control): State<Arc<Control>>) -> Result<Json<MoveStatus>, Refusal> {
    told(control.mover.undo())
}

fn told(status: Result<MoveStatus, String>) -> Result<Json<MoveStatus>, Refusal> {
    status.map(Json).map_err(|why| Problem::new(Code::Conflict, why).into())
}

/// Halts a process or lets it run again; answers when that is so.
async fn want(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
    wanted: Wanted,
) -> Result<StatusCode, Refusal> {
    match control.shop.fleet.want(&name, wanted).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(why) => Err(Problem::new(Code::Conflict, why).into()),
    }
}
