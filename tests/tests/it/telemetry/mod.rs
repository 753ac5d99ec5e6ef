//! One trace an order, from the gateway to the last consumer: read back by Jaeger's API from the observatory that the
//! shop brings along ([`system_tests::trace`]).
//!
//! - [`tree`]: what it looks like, in each coordination and over each wire
//! - [`failures`]: where an error stands; attempts that are tied to those before; traces that a customer has begun
//! - [`sampling`]: what is recorded and logged, changed while the shop runs
//! - [`metrics`]: what is counted
//! - [`outage`], [`collectors`]: an observatory that dies, and collectors of all kinds
//! - [`command`]: `tradewind trace`
//! - [`python`]: what other people have written, for tests against it

mod collectors;
mod command;
mod failures;
mod metrics;
mod outage;
mod python;
mod sampling;
mod tree;

use contracts::TraceContext;
use contracts::orders::Coordination;
use serde_json::{Value, json};
use system_tests::reply::Reply;
use system_tests::shop::{Shop, order_of};
use system_tests::trace::Trace;

use crate::messages::settled;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");

/// An order of one kit in a coordination.
fn order_in(coordination: Coordination, card: &str) -> Value {
    let mut order = order_of("KIT-0001", 1, card);
    order["coordination"] = json!(coordination);
    order
}

/// A trace that somebody outside of the shop has begun, and records.
fn recorded() -> TraceContext {
    TraceContext { sampled: true, ..TraceContext::root() }
}

/// Places an order as part of a trace of the customer's own.
async fn placed_within(shop: &Shop, traceparent: &str, order: &Value) -> Reply {
    let request = shop.http.post(shop.url("/api/orders")).header("traceparent", traceparent).json(order);
    Reply::of(request.send().await.expect("an answer")).await.expect("a body")
}

/// Whether all of a sync order's trace has arrived that its customer did not begin.
fn is_whole(trace: &Trace) -> Result<(), String> {
    trace.check_order()?;
    is_complete(trace)
}

/// Whether the last that happens in a sync order has arrived.
fn is_complete(trace: &Trace) -> Result<(), String> {
    let heard = trace.named("notifications", "process notifications.events").count();
    let root = trace.named("gateway", "POST /api/orders").count();
    match (root, heard) {
        (1, 2) => Ok(()),
        _ => Err(format!("the gateway {root} times, mails {heard} times:\n{}", trace.picture())),
    }
}
