//! The port over REST: the listing, and the stream in both of its forms.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use chassis::http::streams;
use contracts::notifications::Notification;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::{HARDLY_EVER, PATIENCE, Replica, benches, customer};

impl Replica {
    async fn ask(&self, target: &str, headers: &[(&str, &str)]) -> Response {
        let head =
            headers.iter().fold(Request::get(target), |head, (name, value)| head.header(*name, *value));
        let request = head.body(Body::empty()).expect("a request");
        let routes = notifications::routes(self.service.clone())
            .layer(axum::middleware::from_fn(chassis::http::problems::write));
        routes.oneshot(request).await.expect("routers do not fail")
    }
}

/// The whole of a body that ends.
async fn text(response: Response) -> String {
    let body = timeout(PATIENCE, axum::body::to_bytes(response.into_body(), 1 << 20)).await;
    String::from_utf8(body.expect("ends").expect("a body").to_vec()).expect("UTF-8")
}

fn content_type(response: &Response) -> &str {
    response.headers()[header::CONTENT_TYPE].to_str().expect("text")
}

#[tokio::test]
async fn a_browser_gets_events_from_where_it_left_off() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let ada = customer("ada");
        let (first, second) = (replica.confirmed(&ada).await, replica.confirmed(&ada).await);
        // streams end at once after what there is
        replica.ending.cancel();
        let (unknown, seen) = ("of another service".to_owned(), first.id.to_string());
        for (last, expected) in [(&unknown, vec![&first, &second]), (&seen, vec![&second])] {
            let headers = [("accept", "text/event-stream"), ("last-event-id", last.as_str())];
            let response = replica.ask("/notifications/stream?customer_id=ada", &headers).await;
            assert_eq!((response.status(), content_type(&response)), (StatusCode::OK, "text/event-stream"));
            let body = text(response).await;
            let data: Vec<_> = body.lines().filter_map(|line| line.strip_prefix("data:")).collect();
            let (problem, items) = data.split_last().expect("a last event");
            assert!(problem.contains("unavailable") && body.contains("event: problem"), "{body}");
            let items: Vec<Notification> =
                items.iter().map(|item| serde_json::from_str(item.trim()).expect("a notification")).collect();
            assert_eq!(items.iter().collect::<Vec<_>>(), expected);
            for item in &items {
                assert!(body.contains(&format!("id: {}\n", item.id)), "{body}");
            }
        }
    }
}

#[tokio::test]
async fn a_service_gets_one_document_a_line() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let ada = customer("ada");
        let (first, second) = (replica.confirmed(&ada).await, replica.confirmed(&ada).await);
        let target = format!("/notifications/stream?customer_id=ada&after={}", first.id);
        let response = replica.ask(&target, &[]).await;
        assert_eq!((response.status(), content_type(&response)), (StatusCode::OK, streams::NDJSON));
        let items = streams::replies::<Notification, _, _>(response.into_body().into_data_stream());
        let mut items = items.boxed();
        let item = timeout(PATIENCE, items.next()).await.expect("in time").expect("not the end");
        assert_eq!(item.expect("no problem"), second);
    }
}

#[tokio::test]
async fn lists_are_pages_and_bad_requests_are_problems() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let ada = customer("ada");
        replica.confirmed(&ada).await;
        let newest = replica.confirmed(&ada).await;
        for (target, status, field, expected) in [
            ("/notifications?customer_id=ada&limit=1", 200, "/items/0/id", json!(newest.id)),
            ("/notifications?customer_id=ada", 200, "/items/1/delivery", json!("pending")),
            ("/notifications?customer_id=nobody", 200, "/items", json!([])),
            ("/audit/notifications?limit=2", 200, "/items/1/customer_id", json!("ada")),
            ("/notifications", 400, "/code", json!("invalid_request")),
            ("/notifications?customer_id=%0d%0a", 400, "/code", json!("invalid_request")),
            ("/notifications/stream?customer_id=ada&after=7", 400, "/code", json!("invalid_request")),
        ] {
            let response = replica.ask(target, &[]).await;
            let answered = response.status().as_u16();
            let body: Value = serde_json::from_str(&text(response).await).expect("JSON");
            assert_eq!((answered, body.pointer(field)), (status, Some(&expected)), "{target}: {body}");
        }
    }
}
