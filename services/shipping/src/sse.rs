//! Tracking as server-sent events (WHATWG HTML, "Server-sent events"), for browsers.
//!
//! Each event is one station: its `id` is the station's sequence, its `data` the station as JSON. A
//! browser that comes back sends the last id it saw, and gets what came after. The stream ends after
//! `delivered` or `cancelled`; a client closes it then, since a browser would open it again. A stream
//! that ends with a problem ends with an event `problem`.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use contracts::error::ProblemJson;
use contracts::shipping::TrackingEvent;
use contracts::{PortResult, Streaming};
use futures::StreamExt as _;

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

/// The last station that the client has seen; 0 where it has seen none, or says what is no id of ours.
pub fn last_seen(headers: &HeaderMap) -> u32 {
    let id = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    id.and_then(|id| id.trim().parse().ok()).unwrap_or(0)
}

/// Answers with the stations after `seen`.
pub fn stations(stations: Streaming<PortResult<TrackingEvent>>, seen: u32) -> Response {
    let news = stations.filter(move |station| {
        let is_news = station.as_ref().map_or(true, |station| station.sequence > seen);
        std::future::ready(is_news)
    });
    let events = news.map(|station| Ok::<_, Infallible>(event(station)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

fn event(station: PortResult<TrackingEvent>) -> Event {
    match station {
        Ok(station) => Event::default().id(station.sequence.to_string()).data(json(&station)),
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
    fn a_browser_and_only_a_browser_gets_events() {
        for accepted in ["text/event-stream", "application/json, Text/Event-Stream;q=0.9"] {
            assert!(is_accepted(&headers("accept", accepted)), "{accepted}");
        }
        for other in ["*/*", "application/x-ndjson", "text/event-streams"] {
            assert!(!is_accepted(&headers("accept", other)), "{other}");
        }
        assert!(!is_accepted(&HeaderMap::new()));
    }

    #[test]
    fn an_id_that_is_not_ours_means_from_the_start() {
        assert_eq!(last_seen(&headers("last-event-id", "2")), 2);
        for bad in ["", "-1", "99999999999", "abc"] {
            assert_eq!(last_seen(&headers("last-event-id", bad)), 0, "{bad}");
        }
    }
}
