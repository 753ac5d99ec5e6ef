//! Notifications as server-sent events (WHATWG HTML, "Server-sent events"), for browsers.
//!
//! Each event is one notification: its `id` is the notification's id, its `data` the notification as
//! JSON. A browser that comes back sends the last id it saw, and gets what came after. A stream that
//! ends with a problem ends with an event `problem`.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use contracts::error::ProblemJson;
use contracts::messages::MessageId;
use contracts::notifications::Notification;
use contracts::{PortResult, Streaming};
use futures::StreamExt as _;
use uuid::Uuid;

/// How long nothing may be sent before a comment shows that the connection lives: less than the minute
/// after which proxies give up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Whether the client accepts server-sent events.
pub fn is_accepted(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    ranges
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or("").trim())
        .any(|range| range.eq_ignore_ascii_case("text/event-stream"))
}

/// The last notification that the client has seen; none where it says what is no id of ours.
pub fn last_seen(headers: &HeaderMap) -> Option<MessageId> {
    let id = headers.get("last-event-id")?.to_str().ok()?;
    Uuid::try_parse(id.trim()).ok().map(MessageId)
}

/// Answers with a stream of notifications.
pub fn notifications(notifications: Streaming<PortResult<Notification>>) -> Response {
    let events = notifications.map(|notification| Ok::<_, Infallible>(event(notification)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

fn event(notification: PortResult<Notification>) -> Event {
    match notification {
        Ok(notification) => Event::default().id(notification.id.to_string()).data(json(&notification)),
        Err(error) => {
            Event::default().event("problem").data(json(&ProblemJson::new(&error.into_problem(), None)))
        }
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        [(header::HeaderName::from_static(name), HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn an_id_that_is_not_ours_is_none() {
        let id = Uuid::from_u128(7);
        let ours = headers("last-event-id", " 00000000-0000-0000-0000-000000000007");
        assert_eq!(last_seen(&ours), Some(MessageId(id)));
        for bad in ["", "7", "abc"] {
            assert_eq!(last_seen(&headers("last-event-id", bad)), None, "{bad}");
        }
    }

    #[test]
    fn a_browser_and_only_a_browser_gets_events() {
        assert!(is_accepted(&headers("accept", "application/json, Text/Event-Stream;q=0.9")));
        assert!(!is_accepted(&headers("accept", "application/x-ndjson")));
        assert!(!is_accepted(&HeaderMap::new()));
    }
}
