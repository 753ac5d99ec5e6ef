//! Shipping over REST. Tracking answers with server-sent events where the client accepts them, and
//! otherwise, as between services, with one JSON document a line. The stream ends after `delivered` or
//! `cancelled`; a browser is to close it then, since it would open it again.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chassis::http::{Answer, Ctx, Input, Refusal, answer, route, sse, streams};
use contracts::shipping::{
    AUDIT, CANCEL, CancelShipment, GetShipment, QUOTE, Quote, QuoteShipping, SCHEDULE, SHIPMENT,
    ScheduleShipment, Shipment, Shipping, TRACK, TrackShipment, TrackingEvent,
};
use contracts::types::{Page, PageRequest};
use contracts::{PortResult, Streaming};
use futures::StreamExt as _;

type Port = State<Arc<dyn Shipping>>;

/// The routes.
pub fn routes(port: Arc<dyn Shipping>) -> Router {
    Router::new()
        .merge(route(&QUOTE, quote))
        .merge(route(&SCHEDULE, schedule))
        .merge(route(&CANCEL, cancel))
        .merge(route(&SHIPMENT, shipment))
        .merge(route(&TRACK, track))
        .merge(route(&AUDIT, audit))
        .with_state(port)
}

async fn quote(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<QuoteShipping>) -> Answer<Quote> {
    answer(port.quote(&ctx, request).await)
}

async fn schedule(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<ScheduleShipment>,
) -> Answer<Shipment> {
    answer(port.schedule(&ctx, request).await)
}

async fn cancel(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<CancelShipment>) -> Answer<Shipment> {
    answer(port.cancel(&ctx, request).await)
}

async fn shipment(State(port): Port, Ctx(ctx): Ctx, Input(request): Input<GetShipment>) -> Answer<Shipment> {
    answer(port.shipment(&ctx, request).await)
}

async fn track(
    State(port): Port,
    Ctx(ctx): Ctx,
    headers: HeaderMap,
    Input(request): Input<TrackShipment>,
) -> Result<Response, Refusal> {
    let stations = port.track(&ctx, request).await?;
    if sse::is_accepted(&headers) {
        let news = after(sse::last_seen(&headers).unwrap_or(0), stations);
        return Ok(sse::events(news, |station| station.sequence));
    }
    Ok(streams::ndjson(stations))
}

/// The stations after number `seen`, for a browser that comes back.
fn after(seen: u32, stations: Streaming<PortResult<TrackingEvent>>) -> Streaming<PortResult<TrackingEvent>> {
    let is_news = move |station: &PortResult<TrackingEvent>| {
        std::future::ready(station.as_ref().map_or(true, |station| station.sequence > seen))
    };
    stations.filter(is_news).boxed()
}

async fn audit(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<PageRequest>,
) -> Answer<Page<Shipment>> {
    answer(port.audit(&ctx, request).await)
}
