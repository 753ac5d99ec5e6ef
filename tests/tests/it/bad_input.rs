//! Bad input through the gateway: every refusal is a proper problem that says what was wrong, and none
//! leaves anything behind.
//!
//! - `bodies`: what is wrong with an order
//! - `requests`: what is wrong with the request around it
//! - `grpc`: the same over gRPC

mod bodies;
mod grpc;
mod requests;

use std::time::Duration;

use contracts::Context;
use contracts::error::ProblemJson;
use contracts::types::PageRequest;
use reqwest::header::{ALLOW, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use system_tests::shop::{Shop, order_of};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");

/// What a request must be answered with.
struct Expected {
    status: u16,
    code: &'static str,
    /// The field that must be named as the one at fault; nothing where no field is.
    field: Option<&'static str>,
    /// What the words for people must contain.
    says: &'static str,
}

const fn expected(status: u16, code: &'static str, says: &'static str) -> Expected {
    Expected { status, code, field: None, says }
}

const fn at_fault(field: &'static str, says: &'static str) -> Expected {
    Expected { status: 400, code: "invalid_request", field: Some(field), says }
}

/// A shop that is only ever asked for what it must refuse.
struct Refusing(Shop);

impl Refusing {
    async fn start() -> Self {
        Self(Shop::start(PROGRAM, &[]).await)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.0.http.request(method, self.0.url(path))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// A `POST` of `body` as JSON to where orders are placed.
    fn post(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(Method::POST, "/api/orders").header(CONTENT_TYPE, "application/json").body(body)
    }

    /// Sends `request`, which must be refused as `expected`, and must leave nothing behind. Returns
    /// what the header `Allow` says.
    async fn refuses(&self, name: &str, request: RequestBuilder, expected: Expected) -> Option<String> {
        let answer = request.send().await.unwrap_or_else(|error| panic!("{name}: no answer: {error:?}"));
        let header = |name| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
        let (status, kind, allow) = (answer.status().as_u16(), header(CONTENT_TYPE), header(ALLOW));
        let body = answer.text().await.unwrap_or_else(|error| panic!("{name}: no body: {error}"));
        judge(name, status, kind.as_deref(), &body, &expected);
        self.holds_no_order(name).await;
        allow
    }

    async fn holds_no_order(&self, name: &str) {
        let orders = self.0.client.audit_ports().await.expect("who is where").orders;
        let context = Context::background("audit", Duration::from_secs(10));
        let page = orders.audit(&context, PageRequest::largest(None)).await.expect("orders answers");
        assert!(page.items.is_empty(), "{name} left an order behind: {:#?}", page.items);
    }

    /// After all of that the shop is as it was: it confirms an order, and its books agree.
    async fn ends_well(self) {
        let order = self.0.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
        let report = self.0.audit_clean(&[order.id]).await;
        let tally = report.orders;
        assert_eq!((tally.confirmed, tally.rejected, tally.cancelled, tally.refunded), (1, 0, 0, 0));
        let status = self.0.status().await;
        assert_eq!(status.totals.restarts, Some(0), "something died of it: {status:#?}");
        self.0.stop().await;
    }
}

fn judge(name: &str, status: u16, kind: Option<&str>, body: &str, expected: &Expected) {
    assert_eq!(status, expected.status, "{name}: {body}");
    assert_eq!(kind, Some("application/problem+json"), "{name}: {body}");
    let problem: ProblemJson =
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{name}: {error}: {body}"));
    assert_eq!(problem.code, expected.code, "{name}: {body}");
    assert_eq!(problem.status, expected.status, "{name}: {body}");
    assert_eq!(problem.kind, format!("urn:tradewind:problem:{}", expected.code), "{name}: {body}");
    assert!(problem.trace_id.is_some(), "{name}: there is no trace to look for: {body}");
    let fields: Vec<_> = problem.faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, expected.field.into_iter().collect::<Vec<_>>(), "{name}: {body}");
    assert!(problem.detail.contains(expected.says), "{name} does not say {:?}: {body}", expected.says);
}

/// A good order, to be spoilt.
fn good() -> Value {
    order_of("KIT-0001", 1, "tok_approve")
}

/// A good order with other lines.
fn with_lines(lines: Value) -> String {
    let mut order = good();
    order["lines"] = lines;
    order.to_string()
}

/// A good order with one line of this quantity, as it stands in JSON.
fn with_quantity(quantity: &str) -> String {
    with_lines(json!([{ "sku": "KIT-0001", "quantity": "Q" }])).replace("\"Q\"", quantity)
}

/// A good order with one more field, or another value of it, at a JSON pointer.
fn with(pointer: &str, field: &str, value: Value) -> String {
    let mut order = good();
    order.pointer_mut(pointer).expect("a place")[field] = value;
    order.to_string()
}

/// A good order that lacks a field.
fn without(pointer: &str, field: &str) -> String {
    let mut order = good();
    let fields = order.pointer_mut(pointer).and_then(Value::as_object_mut).expect("a group of fields");
    fields.remove(field).expect("it was there");
    order.to_string()
}
