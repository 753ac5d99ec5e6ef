//! The read model of recommendations, built anew from the first event while orders go on.

use contracts::orders::Coordination;
use serde_json::{Value, json};
use system_tests::load::Load;
use system_tests::shop::{PATIENCE, Shop};
use testkit::eventually;

use super::carriers::carriers;
use super::{order_in, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_arrives_at_the_same_answers_while_orders_go_on() {
    for carrier in carriers().await {
        let shop = carrier.shop().await;
        for number in 0..6 {
            let coordination = Coordination::ALL[number % 3];
            let mut order = order_in(coordination, "tok_approve");
            let other = ["KIT-0002", "TOO-0007", "PET-0007"][number / 2];
            order["lines"] = json!([
                { "sku": "KIT-0001", "quantity": 1 },
                { "sku": other, "quantity": 1 },
            ]);
            order["customer_id"] = json!("collector");
            settled(&shop, &order).await;
        }
        let before = eventually("three things that go with the skillet", PATIENCE, async || {
            let items = recommended(&shop, "/api/recommendations/products/KIT-0001").await;
            (items.len() == 3 && items.iter().all(|item| item["together"] == 2)).then_some(items)
        })
        .await;

        // these buy one thing each, and so change nothing about what goes with what
        let load = Load::coordinated(&shop, &["tok_approve", "tok_decline"], &Coordination::ALL);
        load.confirms(20).await;
        let (code, told, complaint) = shop.run(&["replay", "recommendations", "--json"]).await;
        assert_eq!(code, 0, "{told}{complaint}");
        let status: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!((&status["state"], &status["from"]), (&json!("done"), &json!(0)), "{status}");
        assert_eq!(status["verdict"]["kind"], "same", "{status}");
        assert!(status["orders"].as_u64() > Some(6), "{status}");
        load.confirms(10).await;
        let told = load.stop().await;

        assert_eq!(recommended(&shop, "/api/recommendations/products/KIT-0001").await, before);
        let theirs = recommended(&shop, "/api/recommendations/customers/collector").await;
        assert!(theirs.is_empty(), "they have all of it already: {theirs:?}");
        shop.audit_clean(&told.orders()).await;
        shop.stop().await;
    }
}

async fn recommended(shop: &Shop, path: &str) -> Vec<Value> {
    let answer = shop.http.get(shop.url(path)).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    answer["items"].as_array().cloned().unwrap_or_else(|| panic!("no items: {answer}"))
}
