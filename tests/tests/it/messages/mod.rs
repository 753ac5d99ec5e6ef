//! The shop and its messages: whole shops as real processes, on the broker that they bring along, and on a
//! RabbitMQ where there is one; or without any, where the topology has none.
//!
//! - [`carriers`]: what can carry the messages of a shop
//! - [`embedded`]: what is so of the shop's own broker alone
//! - the rest: by subject

mod broker_dies;
mod carriers;
mod coordinations;
mod dead_letters;
mod embedded;
mod outage;
mod replay;
mod soak;

use contracts::orders::{Coordination, Order};
use serde_json::{Value, json};
use system_tests::reply::Reply;
use system_tests::shop::{PATIENCE, Shop, order_of};
use testkit::eventually;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");

/// A shop on the broker at `url`.
async fn shop_on(url: &str) -> Shop {
    Shop::start(PROGRAM, &["--broker", url]).await
}

/// An order of two kits in a coordination.
fn order_in(coordination: Coordination, card: &str) -> Value {
    let mut order = order_of("KIT-0001", 2, card);
    order["coordination"] = json!(coordination);
    order
}

/// Places an order, and sees it to its end.
pub(crate) async fn settled(shop: &Shop, order: &Value) -> Order {
    let reply = Reply::of(shop.place(order, None).await.expect("an answer")).await.expect("a body");
    let id = reply.order_id().unwrap_or_else(|| panic!("no order: {reply:?}"));
    shop.rest(id).await
}

/// Waits until the shop has exactly so many dead letters.
async fn dead_letters(shop: &Shop, count: usize) -> Vec<Value> {
    eventually(&format!("{count} dead letters"), PATIENCE, async || {
        let (code, listed, _) = shop.run(&["dead-letters", "list", "--json"]).await;
        let lists: Vec<Value> = serde_json::from_str(&listed).ok().filter(|_| code == 0)?;
        let letters = lists.iter().filter_map(|list| list["letters"].as_array());
        let letters: Vec<Value> = letters.flatten().cloned().collect();
        (letters.len() == count).then_some(letters)
    })
    .await
}
