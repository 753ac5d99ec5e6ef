//! The supervisor's control API, on loopback: `GET /status`, and for the operator `POST /down`,
//! `POST /processes/NAME/halt` and `POST /processes/NAME/resume`.

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

use super::fleet::Fleet;
use super::report::Reporter;
use super::status::ShopStatus;
use super::supervise::Wanted;

struct Control {
    reporter: Reporter,
    fleet: Arc<Fleet>,
    down: CancellationToken,
}

/// Serves the API until `ended`; `down` is what `POST /down` fires.
pub(super) async fn serve(
    listener: TcpListener,
    reporter: Reporter,
    fleet: Arc<Fleet>,
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
        .with_state(Arc::new(Control { reporter, fleet, down }));
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

/// Halts a process or lets it run again; answers when that is so.
async fn want(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
    wanted: Wanted,
) -> Result<StatusCode, Refusal> {
    match control.fleet.want(&name, wanted).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(why) => Err(Problem::new(Code::Conflict, why).into()),
    }
}
