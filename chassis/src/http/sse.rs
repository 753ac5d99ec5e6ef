//! Streams as server-sent events (WHATWG HTML, "Server-sent events"), for browsers.
//!
//! Each event is one item: its `id` is the item's number or name, its `data` the item as JSON. A browser that
//! comes back sends the last id it saw, and is to get what came after. A stream that ends with a problem ends
//! with an event `problem`.

use std::convert::Infallible;
use std::fmt::Display;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use contracts::error::ProblemJson;
use contracts::{PortResult, Streaming};
use futures::{FutureExt as _, StreamExt as _};
use serde::Serialize;

use super::streams::until_error;

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

/// The id of the last item that the client has seen; nothing where it has seen none, or says what is no id
/// of ours.
pub fn last_seen<I: FromStr>(headers: &HeaderMap) -> Option<I> {
    headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok()
}

/// Answers with `items`, each under its `id`, which is written in one line.
pub fn events<T, I>(items: Streaming<PortResult<T>>, id: fn(&T) -> I) -> Response
where
    T: Serialize + Send + 'static,
    I: Display + 'static,
{
    let events = until_error(items).map(move |item| Ok::<_, Infallible>(event(item, id)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// The same, except that one who has seen everything is answered with 204: a browser opens a stream that
/// ended again, and that tells it to stop.
pub fn events_or_no_content<T, I>(items: Streaming<PortResult<T>>, id: fn(&T) -> I) -> Response
where
    T: Serialize + Send + 'static,
    I: Display + 'static,
{
    let mut items = items.peekable();
    if let Some(None) = Pin::new(&mut items).peek().now_or_never() {
        return StatusCode::NO_CONTENT.into_response();
    }
    events(items.boxed(), id)
}

fn event<T: Serialize, I: Display>(item: PortResult<T>, id: fn(&T) -> I) -> Event {
    match item {
        Ok(item) => Event::default().id(id(&item).to_string()).data(json(&item)),
        Err(error) => {
            Event::default().event("problem").data(json(&ProblemJson::new(&error.into_problem(), None)))
        }
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use contracts::{Code, Problem};
    use futures::stream;
    use uuid::Uuid;

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        [(header::HeaderName::from_static(name), HeaderValue::from_static(value))].into_iter().collect()
    }

    async fn text(response: Response) -> (StatusCode, String) {
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    /// The answer of each function.
    async fn answered(items: Vec<PortResult<u64>>) -> [(StatusCode, String); 2] {
        let items = || stream::iter(items.clone()).boxed();
        let number = |number: &u64| *number;
        [text(events(items(), number)).await, text(events_or_no_content(items(), number)).await]
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
        assert_eq!(last_seen(&headers("last-event-id", "2")), Some(2_u64));
        for bad in ["", "-1", "99999999999999999999", "abc"] {
            assert_eq!(last_seen::<u64>(&headers("last-event-id", bad)), None, "{bad}");
        }
        assert_eq!(last_seen::<u32>(&headers("last-event-id", "99999999999")), None, "no number of a u32");
        assert_eq!(last_seen::<u64>(&HeaderMap::new()), None);
    }

    #[test]
    fn an_id_need_not_be_a_number() {
        let ours = headers("last-event-id", " 00000000-0000-0000-0000-000000000007");
        assert_eq!(last_seen(&ours), Some(Uuid::from_u128(7)));
        for bad in ["", "7", "abc"] {
            assert_eq!(last_seen::<Uuid>(&headers("last-event-id", bad)), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn each_item_is_an_event_under_its_id_and_a_problem_is_the_last() {
        let gone = Err(Problem::new(Code::Unavailable, "stopping").into());
        for (status, body) in answered(vec![Ok(7), Ok(8), gone, Ok(9)]).await {
            assert_eq!(status, StatusCode::OK);
            assert!(
                body.starts_with("id: 7\ndata: 7\n\nid: 8\ndata: 8\n\nevent: problem\ndata: {"),
                "{body}"
            );
            assert!(!body.contains("id: 9"), "a stream that has failed is over: {body}");
        }
    }

    #[tokio::test]
    async fn whoever_has_seen_everything_gets_nothing_or_is_told_to_stop_asking() {
        let nothing = String::new;
        let answers = answered(Vec::new()).await;
        assert_eq!(answers, [(StatusCode::OK, nothing()), (StatusCode::NO_CONTENT, nothing())]);
    }
}
