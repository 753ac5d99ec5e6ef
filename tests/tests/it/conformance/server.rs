//! What the adapters do with requests that our own clients never make.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::any;
use contracts::inventory::{GetStock, ReserveStock, StockLevel};
use contracts::orders::PlaceOrder;
use contracts::types::Line;
use contracts::{Operation, Sku, Verb};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use wires::WireKind;

use super::house::{Clients, Running, adapters, serve, unhurried};
use super::scripted::{Script, Scripted};

const ID: &str = "0190a000-0000-7000-8000-000000000001";

/// A server with a callee that refuses everything, and plain HTTP to it.
struct Raw {
    callee: Arc<Scripted>,
    running: Running,
    http: Client,
}

impl Raw {
    async fn start() -> Self {
        let callee = Scripted::new();
        let refusal = contracts::Problem::new(contracts::Code::OutOfStock, "says the callee");
        callee.play(Script::Fail(refusal.into()));
        let running = serve(adapters(&callee)).await;
        let http = Client::builder().no_proxy().build().expect("a client");
        Self { callee, running, http }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.running.address))
    }

    fn place(&self, order: &Value) -> RequestBuilder {
        self.request(Method::POST, "/orders").json(order)
    }
}

fn method(operation: &Operation) -> Method {
    match operation.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
    }
}

/// The path of an operation, filled in.
fn path(operation: &Operation) -> String {
    operation.path.replace("{order_id}", ID).replace("{sku}", "A-1").replace("{customer_id}", "ada")
}

/// The status and the problem.
async fn problem(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{status}");
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["status"], status.as_u16());
    (status, body)
}

fn fields_at_fault(problem: &Value) -> Vec<&str> {
    let faults = problem["faults"].as_array().map(Vec::as_slice).unwrap_or_default();
    faults.iter().filter_map(|fault| fault["field"].as_str()).collect()
}

/// An order with a field that nobody knows at each depth.
fn order_of_the_future() -> Value {
    json!({
        "customer_id": "ada", "coupon": "X", "card": "tok_approve",
        "lines": [{"sku": "A-1", "quantity": 2, "gift": true}],
        "address": {"name": "", "street": "", "city": "", "postal_code": "", "country": "DE", "floor": 3},
    })
}

#[tokio::test]
async fn method_and_path_of_every_operation_are_answered() {
    let raw = Raw::start().await;
    for operation in contracts::all_operations() {
        let response = raw.request(method(operation), &path(operation)).send().await.expect("an answer");
        // whether or not the request makes sense, it is the adapter that says so
        let status = response.status();
        assert!(
            !matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED),
            "{operation}: {status}"
        );
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_a_problem_that_lists_the_right_ones() {
    let raw = Raw::start().await;
    let paths: BTreeSet<String> = contracts::all_operations().map(path).collect();
    for path in paths {
        let allowed: Vec<Method> = contracts::all_operations()
            .filter(|operation| self::path(operation) == path)
            .map(method)
            .collect();
        for other in [Method::OPTIONS, Method::DELETE, Method::PATCH, Method::GET, Method::PUT, Method::POST]
        {
            if allowed.contains(&other) {
                continue;
            }
            let response = raw.request(other.clone(), &path).send().await.expect("an answer");
            let listed =
                response.headers().get(header::ALLOW).map(|allow| allow.to_str().unwrap_or("").to_owned());
            let (status, body) = problem(response).await;
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{other} {path}");
            assert_eq!(body["code"], "method_not_allowed", "{other} {path}");
            let listed = listed.unwrap_or_else(|| panic!("{other} {path}: no Allow"));
            for method in &allowed {
                assert!(listed.contains(method.as_str()), "{other} {path}: Allow: {listed}");
            }
        }
    }
    assert_eq!(raw.callee.count(), 0);
}

#[tokio::test]
async fn fields_of_a_newer_version_are_ignored_between_services() {
    let raw = Raw::start().await;
    let response = raw.place(&order_of_the_future()).send().await.expect("an answer");
    assert_eq!(problem(response).await.1["code"], "out_of_stock");
    let target = "/stock/A-1?warehouse=2";
    let response = raw.request(Method::GET, target).send().await.expect("an answer");
    assert_eq!(problem(response).await.1["code"], "out_of_stock");
    let seen = raw.callee.take_seen();
    let order = seen[0].request.downcast_ref::<PlaceOrder>().expect("an order");
    assert_eq!(order.lines, [Line { sku: "A-1".into(), quantity: 2 }]);
    assert_eq!(seen[1].request.downcast_ref(), Some(&GetStock { sku: "A-1".into() }));
}

#[tokio::test]
async fn fields_that_nobody_knows_are_refused_at_the_public_api() {
    let raw = Raw::start().await;
    let public = |request: RequestBuilder| request.header("tradewind-audience", "public").send();
    let response = public(raw.place(&order_of_the_future())).await.expect("an answer");
    let (status, body) = problem(response).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
    let mut faults = fields_at_fault(&body);
    faults.sort_unstable();
    assert_eq!(faults.len(), 3, "{body}");
    assert!(faults[0].starts_with("address") && faults[0].ends_with("floor"), "{body}");
    assert_eq!(faults[1], "coupon", "{body}");
    assert!(faults[2].starts_with("lines") && faults[2].ends_with("gift"), "{body}");

    let response = public(raw.request(Method::GET, "/stock/A-1?warehouse=2")).await.expect("an answer");
    let (_, body) = problem(response).await;
    assert_eq!((&body["code"], fields_at_fault(&body)), (&json!("invalid_request"), vec!["warehouse"]));

    let with_body = raw.request(Method::PUT, &format!("/reservations/{ID}"));
    let response = public(with_body.json(&json!({"lines": [], "urgent": 1}))).await.expect("an answer");
    let (_, body) = problem(response).await;
    assert_eq!((&body["code"], fields_at_fault(&body)), (&json!("invalid_request"), vec!["urgent"]));
    assert_eq!(raw.callee.count(), 0);
}

#[tokio::test]
async fn a_call_whose_time_is_up_does_not_reach_the_callee() {
    let raw = Raw::start().await;
    for operation in contracts::all_operations() {
        let request = raw.request(method(operation), &path(operation)).header("tradewind-timeout-ms", "0");
        let (status, body) = problem(request.send().await.expect("an answer")).await;
        assert_eq!((status, &body["code"]), (StatusCode::GATEWAY_TIMEOUT, &json!("deadline_exceeded")));
    }
    assert_eq!(raw.callee.count(), 0);
}

/// A gRPC message with its prefix: not compressed, so long.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

/// Field 1 as text, as every request of a SKU has it.
fn sku_field(sku: &str) -> Vec<u8> {
    let length = u8::try_from(sku.len()).expect("a short SKU");
    [&[0x0a, length], sku.as_bytes()].concat()
}

/// Field 1000 with the value 42: no message of ours has it.
const UNKNOWN_FIELD: [u8; 3] = [0xc0, 0x3e, 0x2a];

#[tokio::test]
async fn fields_of_a_newer_version_are_ignored_in_protobuf() {
    let raw = Raw::start().await;
    let level = StockLevel { sku: "A-1".into(), available: 1, reserved: 0, version: 1 };
    raw.callee.play(Script::Reply(Arc::new(level)));
    let message = [&UNKNOWN_FIELD, &sku_field("A-1")[..], &UNKNOWN_FIELD].concat();
    let h2 = Client::builder().no_proxy().http2_prior_knowledge().build().expect("a client");
    let method = contracts::inventory::STOCK.grpc;
    let request = h2.post(format!("http://{}{method}", raw.running.address));
    let request = request.header(header::CONTENT_TYPE, "application/grpc").header("te", "trailers");
    let response = request.body(framed(&message)).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    // a refusal would have a status in its head, and no body
    assert!(!response.headers().contains_key("grpc-status"));
    assert!(!response.bytes().await.expect("a body").is_empty());
    let seen = raw.callee.take_seen();
    assert_eq!(seen[0].request.downcast_ref(), Some(&GetStock { sku: "A-1".into() }));
}

#[tokio::test]
async fn fields_of_a_newer_version_are_ignored_in_replies() {
    let json = json!({"sku": "A-1", "available": 0, "reserved": 0, "version": 0, "warehouse": {"id": 2}});
    let protobuf = framed(&[&sku_field("A-1")[..], &UNKNOWN_FIELD].concat());
    for (wire, content_type, body) in [
        (WireKind::Rest, "application/json", Bytes::from(json.to_string())),
        (WireKind::Grpc, "application/grpc", Bytes::from(protobuf)),
    ] {
        let head = [("content-type", content_type), ("grpc-status", "0")];
        let answer = move || std::future::ready((head, body.clone()));
        let callee = serve(Router::new().route("/{*path}", any(answer))).await;
        let clients = Clients::to(wire, &[callee.address]);
        let reply = clients.inventory.stock(&unhurried(), GetStock { sku: Sku::from("A-1") }).await;
        let expected = StockLevel { sku: "A-1".into(), available: 0, reserved: 0, version: 0 };
        assert_eq!(reply, Ok(expected), "over {wire}");
    }
}

#[tokio::test]
async fn the_order_of_a_path_and_of_its_body_must_agree() {
    let raw = Raw::start().await;
    let put = |body: Value| raw.request(Method::PUT, &format!("/reservations/{ID}")).json(&body).send();
    let other = "0190a000-0000-7000-8000-000000000002";
    let (_, body) = problem(put(json!({"order_id": other, "lines": []})).await.expect("an answer")).await;
    assert_eq!((&body["code"], fields_at_fault(&body)), (&json!("invalid_request"), vec!["order_id"]));
    assert_eq!(raw.callee.count(), 0);
    let (_, body) = problem(put(json!({"order_id": ID, "lines": []})).await.expect("an answer")).await;
    assert_eq!(body["code"], "out_of_stock");
    let seen = raw.callee.take_seen();
    let request = seen[0].request.downcast_ref::<ReserveStock>().expect("a request");
    assert_eq!(request.order_id.to_string(), ID);
}
