//! Orders over REST.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::others::Answer::{Done, NotBegun, Refused};
use crate::others::Call::{Authorize, Capture};
use crate::shop::{Shop, ctx, request};

/// A reply, taken apart.
pub struct Reply {
    pub status: StatusCode,
    headers: HeaderMap,
    pub body: Value,
}

impl Reply {
    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(&name).map_or("", |value| value.to_str().expect("text"))
    }
}

impl Shop {
    async fn ask(&self, request: Request<Body>) -> Reply {
        let routes = orders::routes(self.service.clone())
            .layer(axum::middleware::from_fn(chassis::http::problems::write));
        let (head, body) = routes.oneshot(request).await.expect("routers do not fail").into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        let body = serde_json::from_slice(&body).expect("JSON");
        Reply { status: head.status, headers: head.headers, body }
    }

    async fn get(&self, target: &str) -> Reply {
        self.ask(Request::get(target).body(Body::empty()).expect("a request")).await
    }

    pub async fn post(&self, target: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        let head = Request::post(target).header(header::CONTENT_TYPE, "application/json");
        let head = headers.iter().fold(head, |head, (name, value)| head.header(*name, *value));
        self.ask(head.body(Body::from(body.to_string())).expect("a request")).await
    }
}

pub fn body() -> Value {
    serde_json::to_value(request()).expect("JSON")
}

pub fn assert_problem(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.body);
    assert_eq!(reply.header(header::CONTENT_TYPE), "application/problem+json");
    assert_eq!(reply.body["type"], json!(format!("urn:tradewind:problem:{code}")));
    assert_eq!((&reply.body["code"], &reply.body["status"]), (&json!(code), &json!(status)));
}

#[tokio::test]
async fn a_placed_order_is_created_at_an_address_that_shows_it() {
    let shop = Shop::open().await;
    let reply = shop.post("/orders", &[], &body()).await;
    assert_eq!((reply.status, &reply.body["status"]), (StatusCode::CREATED, &json!("confirmed")));
    let location = reply.header(header::LOCATION);
    assert_eq!(location, format!("/orders/{}", reply.body["id"].as_str().expect("an id")));
    let shown = shop.get(location).await;
    assert_eq!((shown.status, &shown.body), (StatusCode::OK, &reply.body));
    let timeline = shop.get(&format!("{location}/timeline")).await;
    assert_eq!(timeline.body["entries"].as_array().expect("a list").len(), 6);
    assert_eq!(timeline.body["entries"][0].get("from"), None);
    assert_eq!(timeline.body["entries"][5]["cause"], json!("payment_captured"));
    for list in ["/orders?customer_id=ada&limit=1", "/audit/orders"] {
        assert_eq!(shop.get(list).await.body, json!({ "items": [reply.body] }), "{list}");
    }
    let cancelled = shop.post(&format!("{location}/cancel"), &[], &json!({})).await;
    assert_eq!((cancelled.status, &cancelled.body["status"]), (StatusCode::OK, &json!("refunded")));
}

#[tokio::test]
async fn an_order_that_was_undone_is_a_problem_with_the_orders_address() {
    for (answer, status, code) in [
        (Refused(contracts::Code::CardDeclined), 402, "card_declined"),
        (NotBegun, 503, "dependency_unavailable"),
    ] {
        let shop = Shop::open().await;
        shop.others.script(Authorize, [answer]);
        let reply = shop.post("/orders", &[], &body()).await;
        assert_problem(&reply, status, code);
        let shown = shop.get(reply.header(header::LOCATION)).await;
        assert_eq!(
            (&shown.body["status"], &shown.body["reason"]["code"]),
            (&json!("cancelled"), &json!(code))
        );
    }
}

#[tokio::test]
async fn an_order_that_takes_longer_than_the_caller_has_is_a_problem_with_the_orders_address() {
    let shop = Shop::open().await;
    let gate = shop.others.hold(Capture, Done);
    let reply = shop.post("/orders", &[("tradewind-timeout-ms", "150")], &body()).await;
    assert_problem(&reply, 504, "outcome_unknown");
    let location = reply.header(header::LOCATION);
    assert_eq!(shop.get(location).await.body["status"], json!("placed"));
    gate.open();
    let order_id = shop.orders().await[0].id;
    shop.comes_to("confirmed", order_id).await;
    assert_eq!(shop.get(location).await.body["status"], json!("confirmed"));
}

#[tokio::test]
async fn a_key_in_the_header_makes_a_repetition_safe() {
    let shop = Shop::open().await;
    let key = [("idempotency-key", "\"k-1\"")];
    let first = shop.post("/orders", &key, &body()).await;
    let second = shop.post("/orders", &key, &body()).await;
    assert_eq!((second.status, &second.body), (StatusCode::CREATED, &first.body));
    assert_eq!(second.header(header::LOCATION), first.header(header::LOCATION));
    let mut other = body();
    other["lines"][0]["quantity"] = json!(3);
    assert_problem(&shop.post("/orders", &key, &other).await, 422, "idempotency_key_reused");
    assert_eq!(shop.place(&ctx()).await.expect("is confirmed").lines.len(), 2);
}

#[tokio::test]
async fn bad_requests_are_problems_that_say_what_is_wrong() {
    let shop = Shop::open().await;
    let mut faulty = body();
    faulty["lines"][1]["quantity"] = json!(0);
    faulty["card"] = json!("4242");
    let reply = shop.post("/orders", &[], &faulty).await;
    assert_problem(&reply, 400, "invalid_request");
    let fields: Vec<_> =
        reply.body["faults"].as_array().expect("a list").iter().map(|it| &it["field"]).collect();
    assert_eq!(fields, [&json!("card"), &json!("lines[1].quantity")]);
    assert_problem(&shop.post("/orders", &[], &json!([])).await, 400, "invalid_request");
    assert_problem(&shop.get("/orders/seventeen").await, 400, "invalid_request");
    assert_problem(&shop.get("/orders").await, 400, "invalid_request");
    assert_problem(&shop.get(&format!("/orders/{}", uuid::Uuid::now_v7())).await, 404, "not_found");
    assert_eq!(shop.orders().await, []);
}
