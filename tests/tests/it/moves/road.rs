//! Step by step to microservices and back, and from any odd arrangement to any other.

use contracts::orders::Coordination;
use serde_json::{Value, json};
use system_tests::shop::{PATIENCE, Shop, order_of};
use testkit::eventually;

use super::{PROGRAM, a_replay_agrees, arrives, customers, nobody_noticed, nothing_lost};

/// The road, and back.
const ROAD: [&str; 11] = [
    "step-2-own-databases",
    "step-3-events",
    "step-4-payments",
    "step-5-stock-and-parcels",
    "microservices",
    "step-5-stock-and-parcels",
    "step-4-payments",
    "step-3-events",
    "step-2-own-databases",
    "monolith",
    // and the whole way at once
    "microservices",
];
/// Arrangements that lie far from each other.
const ODD: [&str; 6] =
    ["crosswise", "twins", "monolith-with-broker", "whole-shop-twice", "monolith", "twins"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_of_the_road_and_back_under_a_stream_of_orders() {
    travels("monolith", &ROAD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_moves_under_a_stream_of_orders() {
    let file = |name: &str| match name {
        "monolith" => name.to_owned(),
        odd => format!("{}/topologies/{odd}.toml", env!("CARGO_MANIFEST_DIR")),
    };
    let files = ODD.map(file);
    travels("microservices", &files.each_ref().map(String::as_str)).await;
}

async fn travels(from: &str, road: &[&str]) {
    let mut shop = Shop::start(PROGRAM, &["--topology", from]).await;
    let before = what_goes_together(&shop).await;
    let load = customers(&shop);
    load.confirms(10).await;
    for to in road {
        println!("--- to {to}");
        let answered = load.answered();
        arrives(&mut shop, to).await;
        load.confirms(10).await;
        nobody_noticed(&shop, &load.since(answered)).await;
        assert_eq!(recommended(&shop).await, before, "in {to}");
    }
    let told = load.stop().await;
    nobody_noticed(&shop, &told.answers).await;
    nothing_lost(&shop, &told).await;
    a_replay_agrees(&shop).await;
    assert_eq!(recommended(&shop).await, before);
    shop.stop().await;
}

/// Customers buy two things that go together; everybody who comes later buys one at a time, and so changes nothing
/// about that.
async fn what_goes_together(shop: &Shop) -> Vec<Value> {
    for coordination in Coordination::ALL {
        let mut order = order_of("KIT-0001", 1, "tok_approve");
        order["coordination"] = json!(coordination);
        order["lines"] = json!([{ "sku": "KIT-0001", "quantity": 1 }, { "sku": "KIT-0003", "quantity": 1 }]);
        let answer = shop.place(&order, None).await.expect("an answer");
        let order: contracts::orders::Order = answer.json().await.expect("an order");
        shop.rest(order.id).await;
    }
    eventually("three customers who bought both", PATIENCE, async || {
        let items = recommended(shop).await;
        (items.len() == 1 && items[0]["together"] == 3).then_some(items)
    })
    .await
}

async fn recommended(shop: &Shop) -> Vec<Value> {
    let path = shop.url("/api/recommendations/products/KIT-0001");
    let known: Value = shop.http.get(path).send().await.expect("an answer").json().await.expect("JSON");
    known["items"].as_array().cloned().unwrap_or_else(|| panic!("no items: {known}"))
}
