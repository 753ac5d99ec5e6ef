//! Orders over REST.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use chassis::http::{Answer, Created, Ctx, Input, Refusal, answer, created, route};
use contracts::orders::{
    AUDIT, CANCEL, CancelOrder, GetOrder, GetTimeline, LIST, ListOrders, ORDER, Order, Orders, PLACE,
    PlaceOrder, TIMELINE, Timeline,
};
use contracts::types::{Page, PageRequest};

/// The routes of `port`.
pub fn routes(port: Arc<dyn Orders>) -> Router {
    Router::new()
        .merge(route(&PLACE, place))
        .merge(route(&ORDER, order))
        .merge(route(&CANCEL, cancel))
        .merge(route(&LIST, list))
        .merge(route(&TIMELINE, timeline))
        .merge(route(&AUDIT, audit))
        .with_state(port)
}

type Port = State<Arc<dyn Orders>>;

async fn place(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<PlaceOrder>,
) -> Result<Created<Order>, Refusal> {
    created(port.place(&ctx, request).await, |order| format!("/orders/{}", order.id))
}

async fn order(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<GetOrder>) -> Answer<Order> {
    answer(port.order(&ctx, request).await)
}

async fn cancel(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<CancelOrder>) -> Answer<Order> {
    answer(port.cancel(&ctx, request).await)
}

async fn list(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<ListOrders>) -> Answer<Page<Order>> {
    answer(port.list(&ctx, request).await)
}

async fn timeline(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<GetTimeline>) -> Answer<Timeline> {
    answer(port.timeline(&ctx, request).await)
}

async fn audit(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<PageRequest>) -> Answer<Page<Order>> {
    answer(port.audit(&ctx, request).await)
}
