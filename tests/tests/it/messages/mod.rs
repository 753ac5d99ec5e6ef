//! The shop with a message broker, a real RabbitMQ: whole shops as real processes.

mod broker_dies;
mod coordinations;
mod dead_letters;
mod outage;
mod replay;
mod soak;

use contracts::orders::{Coordination, Order};
use serde_json::{Value, json};
use system_tests::reply::Reply;
use system_tests::shop::{Shop, order_of};

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
async fn settled(shop: &Shop, order: &Value) -> Order {
    let reply = Reply::of(shop.place(order, None).await.expect("an answer")).await.expect("a body");
    let id = reply.order_id().unwrap_or_else(|| panic!("no order: {reply:?}"));
    shop.rest(id).await
}
