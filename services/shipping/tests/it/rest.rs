//! Tracking over REST, in both of its forms, and the requests that come in pieces.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use chassis::clock::Clock as _;
use chassis::http::streams;
use contracts::OrderId;
use contracts::shipping::{Shipping, TrackingEvent};
use futures::StreamExt as _;
use serde_json::{Value, json};
use shipping::store::ShippingStore;
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::{AT_ONCE, HARDLY_EVER, PATIENCE, Replica, benches, booking, new_order};

impl Replica {
    async fn ask(&self, request: Request<Body>) -> Response {
        let routes = shipping::routes(self.service.clone())
            .layer(axum::middleware::from_fn(chassis::http::problems::write));
        routes.oneshot(request).await.expect("routers do not fail")
    }

    async fn delivered(&self) -> OrderId {
        let order_id = new_order();
        self.service.schedule(&self.ctx, booking(order_id)).await.expect("booked");
        for _ in 0..2 {
            self.store.shipments_advance(AT_ONCE, self.clock.now(), 100).await.expect("moves");
        }
        order_id
    }
}

fn get(target: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let head = headers.iter().fold(Request::get(target), |head, (name, value)| head.header(*name, *value));
    head.body(Body::empty()).expect("a request")
}

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
        let target = format!("/shipments/{}/track", replica.delivered().await);
        for (last_seen, expected) in [("0", vec![1, 2, 3]), ("1", vec![2, 3]), ("3", vec![])] {
            let headers = [("accept", "text/event-stream"), ("last-event-id", last_seen)];
            let response = replica.ask(get(&target, &headers)).await;
            assert_eq!((response.status(), content_type(&response)), (StatusCode::OK, "text/event-stream"));
            let body = text(response).await;
            let stations = body.lines().filter_map(|line| line.strip_prefix("data:"));
            let stations: Vec<TrackingEvent> =
                stations.map(|data| serde_json::from_str(data.trim()).expect("a station")).collect();
            assert_eq!(
                stations.iter().map(|station| station.sequence).collect::<Vec<_>>(),
                expected,
                "{body}"
            );
            let ids = body.lines().filter_map(|line| line.strip_prefix("id:"));
            let ids: Vec<u32> = ids.map(|id| id.trim().parse().expect("a number")).collect();
            assert_eq!(ids, expected, "{body}");
        }
    }
}

#[tokio::test]
async fn a_service_gets_one_document_a_line() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let target = format!("/shipments/{}/track", replica.delivered().await);
        let response = replica.ask(get(&target, &[])).await;
        assert_eq!((response.status(), content_type(&response)), (StatusCode::OK, streams::NDJSON));
        let stations = streams::replies::<TrackingEvent, _, _>(response.into_body().into_data_stream());
        let stations: Vec<_> = timeout(PATIENCE, stations.collect()).await.expect("ends");
        let sequences: Vec<_> =
            stations.into_iter().map(|station| station.expect("no problem").sequence).collect();
        assert_eq!(sequences, [1, 2, 3]);
    }
}

#[tokio::test]
async fn a_shipment_is_quoted_booked_and_called_off() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order_id = new_order();
        let put = |target: String, body: Value| {
            Request::builder()
                .method(Method::PUT)
                .uri(target)
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string()))
                .expect("a request")
        };
        let mut body = serde_json::to_value(booking(order_id)).expect("JSON");
        body.as_object_mut().expect("an object").remove("order_id");
        for (request, status, field, expected) in [
            (get("/quotes?country=DE&weight_grams=2450", &[]), 200, "/price/amount", json!(690)),
            (get("/quotes?country=AQ&weight_grams=1", &[]), 409, "/code", json!("shipment_refused")),
            (get("/quotes?country=DE", &[]), 400, "/code", json!("invalid_request")),
            (get(&format!("/shipments/{order_id}"), &[]), 404, "/code", json!("not_found")),
            (
                get(&format!("/shipments/{order_id}/track"), &[("accept", "text/event-stream")]),
                404,
                "/code",
                json!("not_found"),
            ),
            (put(format!("/shipments/{order_id}"), body), 200, "/status", json!("scheduled")),
            (get(&format!("/shipments/{order_id}"), &[]), 200, "/status", json!("scheduled")),
            (
                put(format!("/shipments/{order_id}/cancel"), json!({"recall": "never"})),
                200,
                "/status",
                json!("cancelled"),
            ),
            (
                put("/shipments/not-an-id/cancel".into(), json!({"recall": "never"})),
                400,
                "/code",
                json!("invalid_request"),
            ),
        ] {
            let target = request.uri().to_string();
            let response = replica.ask(request).await;
            let answered = response.status().as_u16();
            let body: Value = serde_json::from_str(&text(response).await).expect("JSON");
            assert_eq!((answered, body.pointer(field)), (status, Some(&expected)), "{target}: {body}");
        }
    }
}
