//! Notifications over REST. The stream answers with server-sent events where the client accepts them,
//! and otherwise, as between services, with one JSON document a line.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chassis::http::{Answer, Ctx, Input, Refusal, answer, route, sse, streams};
use contracts::messages::MessageId;
use contracts::notifications::{
    AUDIT, LIST, ListNotifications, Notification, Notifications, STREAM, StreamNotifications,
};
use contracts::types::{Page, PageRequest};

type Port = State<Arc<dyn Notifications>>;

/// The routes.
pub fn routes(port: Arc<dyn Notifications>) -> Router {
    Router::new()
        .merge(route(&LIST, list))
        .merge(route(&STREAM, stream))
        .merge(route(&AUDIT, audit))
        .with_state(port)
}

async fn list(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<ListNotifications>,
) -> Answer<Page<Notification>> {
    answer(port.list(&ctx, request).await)
}

async fn stream(
    State(port): Port,
    Ctx(ctx): Ctx,
    headers: HeaderMap,
    Input(mut request): Input<StreamNotifications>,
) -> Result<Response, Refusal> {
    if !sse::is_accepted(&headers) {
        return Ok(streams::ndjson(port.stream(&ctx, request).await?));
    }
    // a browser that comes back repeats its first request, and says in a header how far it has come
    request.after = sse::last_seen(&headers).map(MessageId).or(request.after);
    Ok(sse::events(port.stream(&ctx, request).await?, |notification| notification.id))
}

async fn audit(
    State(port): Port,
    Ctx(ctx): Ctx,
    Input(request): Input<PageRequest>,
) -> Answer<Page<Notification>> {
    answer(port.audit(&ctx, request).await)
}
