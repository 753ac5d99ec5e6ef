//! The inventory over REST.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use chassis::http::{Answer, Ctx, Input, Refusal, answer, route, streams};
use contracts::inventory::{
    AUDIT, COMMIT, CommitStock, GetReservation, GetStock, Inventory, InventoryRecord, RELEASE, RESERVATION,
    RESERVE, ReleaseStock, Reservation, ReserveStock, STOCK, StockLevel, WATCH,
};
use contracts::types::{Page, PageRequest};

type Port = State<Arc<dyn Inventory>>;

/// One route an operation.
pub fn routes(port: Arc<dyn Inventory>) -> Router {
    Router::new()
        .merge(route(&STOCK, stock))
        .merge(route(&RESERVE, reserve))
        .merge(route(&COMMIT, commit))
        .merge(route(&RELEASE, release))
        .merge(route(&RESERVATION, reservation))
        .merge(route(&WATCH, watch))
        .merge(route(&AUDIT, audit))
        .with_state(port)
}

async fn stock(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<GetStock>) -> Answer<StockLevel> {
    answer(port.stock(&ctx, request).await)
}

async fn reserve(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<ReserveStock>,
) -> Answer<Reservation> {
    answer(port.reserve(&ctx, request).await)
}

async fn commit(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<CommitStock>) -> Answer<Reservation> {
    answer(port.commit(&ctx, request).await)
}

async fn release(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<ReleaseStock>,
) -> Answer<Reservation> {
    answer(port.release(&ctx, request).await)
}

async fn reservation(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<GetReservation>,
) -> Answer<Reservation> {
    answer(port.reservation(&ctx, request).await)
}

/// One JSON document a line, each way and at the same time.
async fn watch(State(port): Port, Ctx(ctx): Ctx, body: Body) -> Result<Response, Refusal> {
    Ok(streams::ndjson(port.watch(&ctx, streams::requests(body)).await?))
}

async fn audit(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<PageRequest>,
) -> Answer<Page<InventoryRecord>> {
    answer(port.audit(&ctx, request).await)
}
