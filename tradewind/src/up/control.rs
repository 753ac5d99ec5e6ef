//! The supervisor's control API, on loopback: `GET /status`, and `POST /down` for the operator.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chassis::control::{Changes, Guard};
use chassis::server::{Limits, Readiness, Server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::report::Reporter;
use super::status::ShopStatus;

struct Control {
    reporter: Reporter,
    down: CancellationToken,
}

/// Serves the API until `ended`; `down` is what `POST /down` fires.
pub(super) async fn serve(
    listener: TcpListener,
    reporter: Reporter,
    operator_token: String,
    down: CancellationToken,
    ended: CancellationToken,
) {
    let routes = Router::new()
        .route("/status", get(status))
        .route("/down", post(take_down))
        .with_state(Arc::new(Control { reporter, down }));
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
