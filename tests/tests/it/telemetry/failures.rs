//! Where the trace of an order shows that something went wrong, and how a second attempt is tied to the first; and
//! traces that a customer has begun.

use contracts::inventory::{InventoryEvent, Reservation, ReservationStatus};
use contracts::orders::Coordination;
use contracts::{Code, OrderId, Timestamp, TraceContext};
use rustix::process::Signal;
use serde_json::json;
use system_tests::ground::{Need, ground};
use system_tests::reply::Reply;
use system_tests::shop::{Shop, order_of, signal};
use system_tests::trace::{Kind, Observatory, Span, Trace, trace_of};
use testkit::AmqpClient;
use uuid::Uuid;

use super::{PROGRAM, order_in, placed_within, recorded, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_stands_where_the_bank_said_no_and_nowhere_else_in_the_order() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let observatory = Observatory::of(&shop);
    let order = settled(&shop, &order_of("KIT-0001", 1, "tok_decline")).await;
    assert_eq!(order.reason.map(|reason| reason.code).as_deref(), Some(Code::CardDeclined.as_str()));
    let id = trace_of(&shop, order.id).await;
    let trace = observatory
        .until(&id, |trace| {
            trace.check_shape()?;
            let calls = trace.without(|span| span.is_message() || span.is_statement());
            calls.shows(
                "
                gateway server POST /api/orders
                  gateway client POST…
                    orders server orders.place
                      orders client inventory.reserve
                        inventory server inventory.reserve
                      orders client payments.authorize ✗ card_declined
                        payments server payments.authorize
                          payments client PUT…
                            card-network server PUT /holds/{key}
                      orders client inventory.release
                        inventory server inventory.release
                ",
            )
        })
        .await;
    let failed: Vec<&Span> = trace.spans.iter().filter(|span| span.failed()).collect();
    for span in &failed {
        // whoever was told 402 may call that a failed call; it is nobody's fault but the card's
        assert_eq!(span.kind, Kind::Client, "{span:#?}");
        assert!(["gateway", "orders", "payments"].contains(&span.service.as_str()), "{span:#?}");
    }
    let root = trace.roots().next().expect("a root");
    assert_eq!(root.tags.get("http.response.status_code"), Some(&json!(402)), "{root:#?}");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_tried_again_has_a_link_to_the_attempt_before() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let observatory = Observatory::of(&shop);
    let network = shop.process("card-network").await;
    signal(&network, Signal::STOP);
    let order = order_in(Coordination::Choreographed, "tok_approve");
    let reply = Reply::of(shop.place(&order, None).await.expect("an answer")).await.expect("a body");
    let order = reply.order_id().unwrap_or_else(|| panic!("no order: {reply:?}"));
    let id = trace_of(&shop, order).await;
    let handled = |trace: &Trace| {
        let attempts: Vec<Span> = trace.named("payments", "process payments.events").cloned().collect();
        attempts
    };
    observatory
        .until(&id, |trace| {
            let failed = handled(trace).iter().any(Span::failed);
            failed.then_some(()).ok_or_else(|| format!("nothing has failed:\n{}", trace.picture()))
        })
        .await;
    signal(&network, Signal::CONT);
    assert!(shop.rest(order).await.rests());
    observatory.until(&id, |trace| linked_attempts(trace, &handled(trace))).await;
    shop.stop().await;
}

/// Of each message every attempt after the first has a link to the one before, and the last has succeeded.
fn linked_attempts(trace: &Trace, attempts: &[Span]) -> Result<(), String> {
    let message = |span: &Span| span.tag("messaging.message.id").map(str::to_owned);
    let first = attempts.iter().find(|span| span.failed()).ok_or("no attempt has failed")?;
    let of_it: Vec<&Span> = attempts.iter().filter(|span| message(span) == message(first)).collect();
    if of_it.len() < 2 || of_it.last().is_some_and(|last| last.failed()) {
        return Err(format!("it has not succeeded by now:\n{}", trace.picture()));
    }
    for pair in of_it.windows(2) {
        let [before, after] = pair else { continue };
        if before.parent != after.parent {
            return Err(format!("attempts at one message below two publishings:\n{}", trace.picture()));
        }
        if !after.links.iter().any(|(_, span)| *span == before.id) {
            return Err(format!("no link from {after:#?} to {before:#?}"));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_is_sent_again_has_a_link_to_the_attempt_at_which_it_was_put_aside() {
    if !ground().offers(&[Need::Broker]) {
        return;
    }
    let shop = Shop::start(PROGRAM, &[]).await;
    let observatory = Observatory::of(&shop);
    let said = recorded();
    publish_what_makes_no_sense(&shop, &said).await;
    let id = said.trace_id_hex();
    let attempts = |count: usize| {
        move |trace: &Trace| {
            let seen: Vec<&Span> = trace.named("payments", "process payments.events").collect();
            match seen.as_slice() {
                seen if seen.len() != count => Err(format!("{} attempts, not {count}", seen.len())),
                seen if seen.iter().any(|span| !span.failed()) => Err("one has not failed".to_owned()),
                _ => Ok(()),
            }
        }
    };
    let once = observatory.until(&id, attempts(1)).await;
    let first = once.named("payments", "process payments.events").next().expect("an attempt");
    assert_eq!(first.parent, Some(format!("{:016x}", said.span_id)), "it is below what published it");
    testkit::eventually("the dead letter", system_tests::shop::PATIENCE, async || {
        let (code, told, _) = shop.run(&["dead-letters", "redrive", "--all", "--module", "payments"]).await;
        (code == 0 && told.trim() == "1 message sent again").then_some(())
    })
    .await;
    let twice = observatory.until(&id, attempts(2)).await;
    let second = twice.spans.iter().find(|span| span.id != first.id && span.name == first.name);
    let second = second.expect("a second attempt");
    assert!(second.links.contains(&(id, first.id.clone())), "no link to {}: {second:#?}", first.id);
    shop.stop().await;
}

/// Tells payments of reserved stock, without the amount that it would have to hold: no repetition mends that.
async fn publish_what_makes_no_sense(shop: &Shop, said: &TraceContext) {
    let order_id = OrderId(Uuid::now_v7());
    let reservation = Reservation {
        order_id,
        status: ReservationStatus::Reserved,
        lines: Vec::new(),
        expires_at: Timestamp(0),
    };
    let data = json!(InventoryEvent::StockReserved { reservation, passed: None });
    let headers = json!({
        "cloudEvents:specversion": "1.0",
        "cloudEvents:id": Uuid::now_v7(),
        "cloudEvents:type": "tradewind.inventory.stock_reserved.v1",
        "cloudEvents:source": "/inventory",
        "cloudEvents:subject": order_id,
        "cloudEvents:time": "2026-01-01T00:00:00Z",
        "cloudEvents:sequence": "1",
        "cloudEvents:coordination": "choreographed",
        "cloudEvents:traceparent": said.traceparent(),
    });
    let broker = AmqpClient::at(&shop.client.addresses().broker);
    broker.publish_with("payments.events", &data.to_string(), headers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_that_the_customer_has_begun_goes_on_and_one_that_is_not_recorded_is_not() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let observatory = Observatory::of(&shop);
    let unrecorded = TraceContext { sampled: false, ..TraceContext::root() };
    for coordination in Coordination::ALL {
        let order = order_in(coordination, "tok_approve");
        let reply = placed_within(&shop, &unrecorded.traceparent(), &order).await;
        let order = reply.order_id().unwrap_or_else(|| panic!("no order: {reply:?}"));
        assert_eq!(shop.rest(order).await.step, "confirmed");
        assert_eq!(trace_of(&shop, order).await, unrecorded.trace_id_hex(), "its id is kept all the same");
    }
    let recorded = recorded();
    let reply = placed_within(&shop, &recorded.traceparent(), &order_of("KIT-0001", 1, "tok_approve")).await;
    let order = reply.confirmed().unwrap_or_else(|| panic!("not confirmed: {reply:?}"));
    assert_eq!(trace_of(&shop, order.id).await, recorded.trace_id_hex());
    observatory
        .until(&recorded.trace_id_hex(), |trace| {
            let messages = trace.only(|span| span.is_message() || span.service == "gateway");
            messages.shows(
                "
                gateway server POST /api/orders
                  gateway client POST
                    orders producer publish …
                      notifications consumer process notifications.events
                    orders producer publish …
                      notifications consumer process notifications.events
                ",
            )?;
            let root = trace.roots().next().ok_or("no root")?;
            let theirs = format!("{:016x}", recorded.span_id);
            (root.parent.as_ref() == Some(&theirs))
                .then_some(())
                .ok_or_else(|| format!("not below the customer's span {theirs}: {root:#?}"))
        })
        .await;
    // every process sends its spans in the order in which they ended: those of before would be here by now
    let nothing = observatory.trace(&unrecorded.trace_id_hex()).await;
    assert!(nothing.is_none(), "{}", nothing.map(|trace| trace.picture()).unwrap_or_default());
    shop.stop().await;
}
