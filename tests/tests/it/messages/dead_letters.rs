//! Messages that nobody can deal with: put aside with their cause, blocking nothing, and sent again once the
//! cause is gone. Messages that nobody knows: harmless.

use contracts::inventory::{GetReservation, ReservationStatus};
use contracts::orders::Coordination;
use contracts::{Context, OrderId};
use rustix::process::Signal;
use serde_json::{Value, json};
use system_tests::ground::{Need, ground};
use system_tests::shop::{PATIENCE, signal};
use testkit::{AmqpClient, eventually};
use uuid::Uuid;

use super::carriers::carriers;
use super::{dead_letters, order_in, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_put_aside_blocks_nothing_and_can_be_dropped() {
    if !ground().offers(&[Need::Broker]) {
        return;
    }
    for carrier in carriers().await {
        let shop = carrier.shop().await;
        let broker = carrier.client(&shop);
        broker.publish("payments.commands", "this is no message of ours").await;
        broker.publish("orders.events", "{\"nor\": \"is this\"}").await;
        let letters = dead_letters(&shop, 2).await;
        let [first, second] = letters.as_slice() else { panic!("two letters: {letters:?}") };
        for letter in [first, second] {
            assert!(letter["cause"].as_str().is_some_and(|cause| cause.len() > 10), "{letter}");
            assert_eq!(letter["attempts"], 1, "{letter}");
        }
        let order = settled(&shop, &order_in(Coordination::Orchestrated, "tok_approve")).await;
        assert_eq!(order.step, "confirmed", "nothing is blocked behind it");

        let id = first["id"].as_str().expect("an id");
        let (code, shown, _) = shop.run(&["dead-letters", "show", id]).await;
        assert_eq!(code, 0);
        assert!(shown.contains("cause") && shown.contains("queue"), "{shown}");
        // sent again while the cause is not gone, it comes back
        let (code, said, _) = shop.run(&["dead-letters", "redrive", "--all"]).await;
        assert_eq!((code, said.trim()), (0, "2 messages sent again"));
        for letter in dead_letters(&shop, 2).await {
            let id = letter["id"].as_str().expect("an id");
            let (code, said, complaint) = shop.run(&["dead-letters", "drop", id]).await;
            assert_eq!((code, said.trim()), (0, "1 message dropped"), "{complaint}");
        }
        let (code, _, complaint) = shop.run(&["dead-letters", "show", id]).await;
        assert_eq!(code, 64, "{complaint}");
        assert!(dead_letters(&shop, 0).await.is_empty());
        shop.audit_clean(&[order.id]).await;
        shop.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_cause_is_gone_succeeds_when_it_is_sent_again() {
    for carrier in carriers().await {
        let shop = carrier.shop().await;
        // the bank is away for longer than twenty attempts take
        let network = shop.process("card-network").await;
        signal(&network, Signal::STOP);
        let mut order = order_in(Coordination::Choreographed, "tok_approve");
        order["customer_id"] = json!("patient");
        let sent = shop.place(&order, None).await.expect("an answer");
        let order: contracts::orders::Order = sent.json().await.expect("an order");
        let letters = dead_letters(&shop, 1).await;
        assert_eq!(
            (&letters[0]["subject"], &letters[0]["queue"]),
            (&json!(order.id), &json!("payments.events"))
        );
        assert!(letters[0]["attempts"].as_u64() >= Some(20), "{letters:?}");
        assert!(letters[0]["trace_id"].as_str().is_some(), "{letters:?}");
        assert_eq!(shop.order(order.id).await.step, "authorizing", "it waits");

        signal(&network, Signal::CONT);
        let (code, said, complaint) =
            shop.run(&["dead-letters", "redrive", "--all", "--module", "payments"]).await;
        assert_eq!((code, said.trim()), (0, "1 message sent again"), "{complaint}");
        let settled = shop.rest(order.id).await;
        assert!(settled.rests(), "{settled:?}");
        shop.audit_clean(&[order.id]).await;
        shop.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_versions_and_fields_that_nobody_knows_harm_nobody() {
    if !ground().offers(&[Need::Broker]) {
        return;
    }
    for carrier in carriers().await {
        let shop = carrier.shop().await;
        let broker = carrier.client(&shop);
        let order = settled(&shop, &order_in(Coordination::Choreographed, "tok_approve")).await;
        for kind in [
            "tradewind.orders.order_gift_wrapped.v1",
            "tradewind.orders.order_placed.v9",
            "com.example.other.v1",
        ] {
            for queue in [
                "inventory.events",
                "payments.events",
                "shipping.events",
                "orders.events",
                "notifications.events",
            ] {
                publish(&broker, queue, kind, json!({ "type": "whatever", "new": [1, 2, 3] })).await;
            }
        }
        for queue in ["inventory.commands", "payments.commands", "shipping.commands", "orders.replies"] {
            publish(&broker, queue, "tradewind.orders.polish_shoes.v1", json!({ "type": "polish_shoes" }))
                .await;
        }
        // a version of ours with a field more than we know
        let unknown = Uuid::now_v7();
        let more = json!({ "type": "release_stock", "order_id": unknown, "gently": true });
        publish(&broker, "inventory.commands", "tradewind.orders.release_stock.v1", more).await;
        let ports = shop.client.audit_ports().await.expect("who is where");
        eventually("the command with the unknown field to be obeyed", PATIENCE, async || {
            let ctx = Context::background("test", PATIENCE);
            let request = GetReservation { order_id: OrderId(unknown) };
            let claim = ports.inventory.reservation(&ctx, request).await.ok()?;
            (claim.status == ReservationStatus::Released).then_some(())
        })
        .await;
        let again = settled(&shop, &order_in(Coordination::Choreographed, "tok_approve")).await;
        assert_eq!((order.step.as_str(), again.step.as_str()), ("confirmed", "confirmed"));
        assert!(dead_letters(&shop, 0).await.is_empty());
        shop.stop().await;
    }
}

/// A well-formed message that says something that nobody of ours said.
async fn publish(broker: &AmqpClient, queue: &str, kind: &str, data: Value) {
    let headers = json!({
        "cloudEvents:specversion": "1.0",
        "cloudEvents:id": Uuid::now_v7(),
        "cloudEvents:type": kind,
        "cloudEvents:source": "/orders",
        "cloudEvents:subject": Uuid::now_v7(),
        "cloudEvents:time": "2026-01-01T00:00:00Z",
        "cloudEvents:sequence": "1",
        "cloudEvents:coordination": "choreographed",
        "cloudEvents:traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    broker.publish_with(queue, &data.to_string(), headers).await;
}
