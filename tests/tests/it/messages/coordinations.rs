//! An order in each coordination, and each way to end, as a customer meets them.

use std::time::Duration;

use contracts::Code;
use contracts::orders::{Coordination, TimelineEntry};
use reqwest::StatusCode;
use serde_json::{Value, json};
use system_tests::reply::Reply;
use system_tests::shop::{PATIENCE, Shop};
use testkit::eventually;

use super::carriers::carriers;
use super::{order_in, settled};

const BY_MESSAGES: [Coordination; 2] = [Coordination::Orchestrated, Coordination::Choreographed];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_end_is_the_same_in_every_coordination() {
    for carrier in carriers().await {
        let shop = carrier.shop().await;
        // 652 there are
        let mut many = order_in(Coordination::Sync, "tok_approve");
        many["lines"] = json!([{ "sku": "BAT-0009", "quantity": 420 }]);
        let early_bird = shop.place_confirmed(&many).await;
        let mut ids = vec![early_bird.id];
        for coordination in Coordination::ALL {
            let endings = [
                ("tok_approve", "confirmed", None),
                ("tok_decline", "cancelled", Some(Code::CardDeclined)),
                ("tok_insufficient_funds", "cancelled", Some(Code::InsufficientFunds)),
                ("tok_charge_then_time_out", "", None),
            ];
            for (card, step, code) in endings {
                let order = settled(&shop, &order_in(coordination, card)).await;
                assert_eq!(order.coordination, coordination);
                if !step.is_empty() {
                    let why = order.reason.as_ref().map(|reason| reason.code.as_str());
                    assert_eq!(
                        (order.step.as_str(), why),
                        (step, code.map(Code::as_str)),
                        "{coordination:?} with {card}"
                    );
                }
                ids.push(order.id);
            }
            many["coordination"] = json!(coordination);
            let order = settled(&shop, &many).await;
            assert_eq!(order.step, "rejected", "{coordination:?}");
            ids.push(order.id);

            let bought = settled(&shop, &order_in(coordination, "tok_approve")).await;
            let cancelled =
                shop.http.post(shop.url(&format!("/api/orders/{}/cancel", bought.id))).send().await;
            assert_eq!(cancelled.expect("an answer").status(), StatusCode::OK, "{coordination:?}");
            assert_eq!(shop.rest(bought.id).await.step, "refunded");
            let charge = shop.charge(bought.id).await;
            assert_eq!((charge.captures, charge.captured - charge.refunded), (1, 0));
            ids.push(bought.id);
        }
        shop.audit_clean(&ids).await;
        shop.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_does_not_wait_is_told_where_to_look_and_can_follow_the_order() {
    for carrier in carriers().await {
        let shop = carrier.shop().await;
        for coordination in BY_MESSAGES {
            let prefer = format!("respond-async; coordination={}", coordination.as_str());
            let reply = prefer_order(&shop, &prefer, "tok_approve").await;
            let order = reply.accepted().unwrap_or_else(|| panic!("not accepted: {reply:?}"));
            assert_eq!((order.coordination, order.step.as_str()), (coordination, "reserving"));
            let steps = followed(&shop, &order.id.to_string()).await;
            let names: Vec<_> = steps.iter().map(|step| step.to.as_str()).collect();
            let way = ["reserving", "authorizing", "scheduling", "committing", "capturing", "confirmed"];
            assert_eq!(names, way, "{coordination:?}");
            let traces: std::collections::BTreeSet<_> = steps.iter().map(|step| &step.trace_id).collect();
            assert_eq!(traces.len(), 1, "one trace from the first message to the last: {steps:?}");

            let prefer = format!("wait=9, coordination={}", coordination.as_str());
            let reply = prefer_order(&shop, &prefer, "tok_approve").await;
            assert!(reply.confirmed().is_some(), "{reply:?}");
            let reply = prefer_order(&shop, &prefer, "tok_decline").await;
            reply.refused(Code::CardDeclined);
        }
        let reply = prefer_order(&shop, "respond-async", "tok_approve").await;
        let order = reply.accepted().unwrap_or_else(|| panic!("not accepted: {reply:?}"));
        assert_eq!(
            (order.coordination, shop.rest(order.id).await.step.as_str()),
            (Coordination::Sync, "confirmed")
        );
        shop.audit_clean(&[order.id]).await;
        shop.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configured_coordination_holds_for_orders_that_ask_for_none_and_mails_tell_of_them() {
    for carrier in carriers().await {
        let shop = carrier.shop().await;
        shop.configure("orders", "saga.coordination", "choreographed").await;
        let mut order = order_in(Coordination::Sync, "tok_approve");
        order.as_object_mut().expect("an object").remove("coordination");
        let order = settled(&shop, &order).await;
        assert_eq!((order.coordination, order.step.as_str()), (Coordination::Choreographed, "confirmed"));
        let mails = eventually("the mail about it", PATIENCE, async || {
            let path = shop.url("/api/notifications?customer_id=ada");
            let page: Value = shop.http.get(path).send().await.ok()?.json().await.ok()?;
            let mails = page["items"].as_array()?.clone();
            mails.iter().any(|mail| mail["delivery"] == "sent").then_some(mails)
        })
        .await;
        assert_eq!(mails[0]["order_id"], json!(order.id));
        let folder = shop.data().join("outbox");
        let files = std::fs::read_dir(&folder).expect("the outbox folder").count();
        assert!(files >= 1, "a file a mail in {}", folder.display());
        shop.audit_clean(&[order.id]).await;
        shop.stop().await;
    }
}

async fn prefer_order(shop: &Shop, prefer: &str, card: &str) -> Reply {
    let mut order = order_in(Coordination::Sync, card);
    order.as_object_mut().expect("an object").remove("coordination");
    let request = shop.http.post(shop.url("/api/orders")).header("prefer", prefer).json(&order);
    Reply::of(request.send().await.expect("an answer")).await.expect("a body")
}

/// The steps of an order as a browser sees them, by server-sent events, until the stream ends.
async fn followed(shop: &Shop, id: &str) -> Vec<TimelineEntry> {
    let path = shop.url(&format!("/api/orders/{id}/events"));
    let request = shop.http.get(path).header("accept", "text/event-stream").timeout(Duration::from_secs(60));
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.text().await.expect("the stream ends when the order rests");
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data.trim()).unwrap_or_else(|_| panic!("a step: {data}"))).collect()
}
