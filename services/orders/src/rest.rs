//! Orders over REST. An order's steps are streamed as server-sent events where the client accepts them, and
//! otherwise, as between services, as one JSON document a line.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use chassis::http::{Answer, Ctx, Input, Refusal, answer, route, sse, streams};
use contracts::orders::{
    AUDIT, CANCEL, CancelOrder, FOLLOW, FollowOrder, GetOrder, GetTimeline, LIST, ListOrders, ORDER, Order,
    OrderStatus, Orders, PLACE, PlaceOrder, TIMELINE, Timeline,
};
use contracts::types::{Page, PageRequest};

use crate::prefer::{Applied, Preferences};

/// The routes of `port`.
pub fn routes(port: Arc<dyn Orders>) -> Router {
    Router::new()
        .merge(route(&PLACE, place))
        .merge(route(&ORDER, order))
        .merge(route(&CANCEL, cancel))
        .merge(route(&LIST, list))
        .merge(route(&TIMELINE, timeline))
        .merge(route(&FOLLOW, follow))
        .merge(route(&AUDIT, audit))
        .with_state(port)
}

type Port = State<Arc<dyn Orders>>;

async fn place(
    State(port): Port,
    Ctx(ctx): Ctx,
    headers: HeaderMap,
    Input(mut request): Input<PlaceOrder>,
) -> Result<Response, Refusal> {
    let applied = Preferences::read(&headers)?.fill(&mut request, PLACE.deadline);
    Ok(placed(&port.place(&ctx, request).await?, &applied))
}

/// 201 where the order came to its end, 202 where it is under way; either with its address.
fn placed(order: &Order, applied: &Applied) -> Response {
    let status = match order.status {
        OrderStatus::Placed => StatusCode::ACCEPTED,
        _ => StatusCode::CREATED,
    };
    let mut response = (status, Json(order)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&format!("/orders/{}", order.id)) {
        headers.insert(header::LOCATION, location);
    }
    if let Some(applied) = applied.header(order) {
        headers.insert(HeaderName::from_static("preference-applied"), applied);
    }
    response
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

async fn follow(
    State(port): Port,
    Ctx(ctx): Ctx,
    headers: HeaderMap,
    Input(mut request): Input<FollowOrder>,
) -> Result<Response, Refusal> {
    // a browser that comes back asks for the same address, and says in a header what it has seen
    request.after = sse::last_seen(&headers).or(request.after);
    let steps = port.follow(&ctx, request).await?;
    if sse::is_accepted(&headers) {
        return Ok(sse::events_or_no_content(steps, |step| step.version));
    }
    Ok(streams::ndjson(steps))
}

async fn audit(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<PageRequest>) -> Answer<Page<Order>> {
    answer(port.audit(&ctx, request).await)
}
