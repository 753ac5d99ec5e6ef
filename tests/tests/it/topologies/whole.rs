//! What needs several modules: orders in each coordination, what is heard of them, and configuration.

use contracts::OrderId;
use contracts::orders::{Coordination, Order};
use serde_json::{Value, json};
use system_tests::ground::ground;
use system_tests::reply::Reply;
use system_tests::shop::{PATIENCE, Shop, order_of};
use testkit::eventually;
use tradewind::topology::Part;

use super::PROGRAM;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn modules_work_together_wherever_they_live() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let mut ids = Vec::new();
    for coordination in Coordination::ALL {
        let order = two_things(&shop, coordination, "tok_approve").await;
        assert_eq!(order.step, "confirmed", "{coordination:?}");
        ids.push(order.id);
        let order = two_things(&shop, coordination, "tok_decline").await;
        assert_eq!(order.step, "cancelled", "{coordination:?}");
        ids.push(order.id);
    }
    customers_get_mail(&shop, &ids).await;
    what_goes_together_is_known(&shop).await;
    configuration_reaches_every_module(&shop).await;
    ids.push(two_things(&shop, Coordination::Sync, "tok_approve").await.id);
    shop.audit_clean(&ids).await;
    assert_eq!(shop.status().await.totals.restarts, Some(0), "nothing died");
    shop.stop().await;
}

/// An order of two things that go together, at its end.
async fn two_things(shop: &Shop, coordination: Coordination, card: &str) -> Order {
    let mut order = order_of("KIT-0001", 1, card);
    order["coordination"] = json!(coordination);
    order["lines"] = json!([{ "sku": "KIT-0001", "quantity": 1 }, { "sku": "KIT-0002", "quantity": 1 }]);
    let reply = Reply::of(shop.place(&order, None).await.expect("an answer")).await.expect("a body");
    let id = reply.order_id().unwrap_or_else(|| panic!("no order: {reply:?}"));
    shop.rest(id).await
}

/// Every order has its mails, each sent.
async fn customers_get_mail(shop: &Shop, ids: &[OrderId]) {
    eventually("a mail about every order", PATIENCE, async || {
        let path = shop.url("/api/notifications?customer_id=ada&limit=200");
        let page: Value = shop.http.get(path).send().await.ok()?.json().await.ok()?;
        let mails = page["items"].as_array()?;
        let told = |id| mails.iter().any(|mail| mail["order_id"] == json!(id) && mail["delivery"] == "sent");
        ids.iter().all(told).then_some(())
    })
    .await;
}

async fn what_goes_together_is_known(shop: &Shop) {
    eventually("three customers who bought both", PATIENCE, async || {
        let path = shop.url("/api/recommendations/products/KIT-0001");
        let known: Value = shop.http.get(path).send().await.ok()?.json().await.ok()?;
        let item = known["items"].as_array()?.first()?;
        (item["sku"] == "KIT-0002" && item["together"] == 3).then_some(())
    })
    .await;
}

/// A change for one module reaches each of its instances, and nobody beside them.
async fn configuration_reaches_every_module(shop: &Shop) {
    for (part, key, value) in [
        (Part::Orders, "saga.lease_ms", 4_321),
        (Part::Inventory, "reservations.ttl_ms", 654_321),
        (Part::Shipping, "carrier.sweep_every_ms", 321),
    ] {
        let set = ["config", "set", part.name(), key, &value.to_string(), "--json"];
        let (code, told, complaint) = shop.run(&set).await;
        assert_eq!(code, 0, "{told}{complaint}");
        let settled: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(settled["taken_over"], true, "{settled:#}");
        assert_eq!(settled["running"], json!(ground().instances(part)), "{settled:#}");
        for host in shop.hosts(part.name()).await {
            let address = host.http_address().expect("an address");
            let report = shop.http.get(format!("http://{address}/control/{part}/config")).send().await;
            let report: Value = report.expect("an answer").json().await.expect("JSON");
            let keys = report["keys"].as_array().expect("keys");
            let entry = keys.iter().find(|entry| entry["key"] == key).expect("the key");
            assert_eq!(entry["value"], value, "{key} at {}", host.name);
        }
    }
}
