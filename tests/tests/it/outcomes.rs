//! How an order can end, whatever the customer, the bank and the carrier do meanwhile.

use std::sync::Arc;

use contracts::orders::Order;
use contracts::shipping::{Shipment, ShipmentStatus};
use contracts::{Code, OrderId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use system_tests::reply::Reply;
use system_tests::shop::{PATIENCE, Shop, order_of};
use testkit::eventually;
use uuid::Uuid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");
/// Whatever is done to an order that is paid for with this is done while it is under way: the bank
/// lets us wait for both hold and capture, three seconds in all.
const SLOWEST: &str = "tok_charge_then_time_out";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_customer_and_the_bank_do_an_order_has_one_end() {
    let shop = Arc::new(Shop::start(PROGRAM, &[]).await);
    // the first call of each kind opens connections, which would eat into a short deadline
    let first = shop.place_confirmed(&order_of("KIT-0002", 1, "tok_approve")).await.id;
    // alone, because others under way would eat into it too
    let hurried = a_customer_has_little_time(&shop).await;
    let ids = tokio::join!(
        a_customer_hangs_up(&shop),
        the_bank_charges_and_says_nothing(&shop),
        the_bank_is_slow(&shop),
        the_bank_is_flaky(&shop),
        the_bank_says_no(&shop, "tok_decline", Code::CardDeclined, "KIT-0003"),
        the_bank_says_no(&shop, "tok_insufficient_funds", Code::InsufficientFunds, "KIT-0004"),
        the_customer_cancels(&shop),
    );
    let (hung_up, silent, slow, flaky, declined, poor, cancelled) = ids;
    nobody_has_heard_of_it(&shop).await;
    let shipped = it_has_left(&shop).await;
    shop.audit_clean(&[first, hung_up, hurried, silent, slow, flaky, declined, poor, cancelled, shipped])
        .await;
    Arc::into_inner(shop).expect("nobody else has it").stop().await;
}

fn of(customer: &str, sku: &str, card: &str) -> Value {
    let mut order = order_of(sku, 3, card);
    order["customer_id"] = json!(customer);
    order
}

async fn place(shop: &Shop, order: &Value) -> Reply {
    Reply::of(shop.place(order, None).await.expect("an answer")).await.expect("a body")
}

async fn ask(shop: &Shop, method: Method, path: &str) -> Reply {
    let sent = shop.http.request(method, shop.url(path)).send().await;
    Reply::of(sent.expect("an answer")).await.expect("a body")
}

async fn cancel(shop: &Shop, id: OrderId) -> Reply {
    ask(shop, Method::POST, &format!("/api/orders/{id}/cancel")).await
}

/// Asserts that an order was paid for once.
async fn charged_once(shop: &Shop, order: &Order) {
    let charge = shop.charge(order.id).await;
    let found = (charge.holds, charge.captures, charge.captured, charge.refunded);
    assert_eq!(found, (1, 1, order.total.amount, 0), "{order:?}");
}

async fn a_customer_hangs_up(shop: &Arc<Shop>) -> OrderId {
    let sender = shop.clone();
    let request = tokio::spawn(async move {
        sender.place(&of("impatient", "KIT-0005", SLOWEST), None).await.map(|answer| answer.status())
    });
    let under_way =
        eventually("the order to be under way", PATIENCE, async || shop.orders_of("impatient").await?.pop())
            .await;
    request.abort();
    assert!(request.await.is_err_and(|ended| ended.is_cancelled()), "the answer was there first");
    let order = shop.rest(under_way.id).await;
    assert_eq!(order.step, "confirmed");
    charged_once(shop, &order).await;
    order.id
}

async fn a_customer_has_little_time(shop: &Shop) -> OrderId {
    let wanted = of("hurried", "KIT-0006", SLOWEST);
    let request = shop.http.post(shop.url("/api/orders")).header("idempotency-key", "k").json(&wanted);
    // enough to place it, too little for the bank
    let sent = request.header("tradewind-timeout-ms", "2500").send().await.expect("an answer");
    let reply = Reply::of(sent).await.expect("a body");
    assert_eq!(reply.status, StatusCode::GATEWAY_TIMEOUT, "{reply:?}");
    reply.refused(Code::OutcomeUnknown);
    let id = reply.order_id().expect("a Location");
    let order = shop.rest(id).await;
    assert_eq!(order.step, "confirmed", "the customer's patience is not the order's");
    charged_once(shop, &order).await;
    // that it was open is no answer to repeat
    let again = shop.place(&wanted, Some("k")).await.expect("an answer");
    assert_eq!(Reply::of(again).await.expect("a body").confirmed().map(|order| order.id), Some(id));
    id
}

async fn the_bank_charges_and_says_nothing(shop: &Shop) -> OrderId {
    let reply = place(shop, &of("in-the-dark", "KIT-0007", SLOWEST)).await;
    let order = reply.confirmed().unwrap_or_else(|| panic!("settled by looking it up: {reply:?}"));
    charged_once(shop, &order).await;
    order.id
}

async fn the_bank_is_slow(shop: &Shop) -> OrderId {
    let reply = place(shop, &of("patient", "KIT-0011", "tok_slow")).await;
    let order = reply.confirmed().unwrap_or_else(|| panic!("worth the wait: {reply:?}"));
    charged_once(shop, &order).await;
    order.id
}

async fn the_bank_is_flaky(shop: &Shop) -> OrderId {
    let reply = place(shop, &of("unlucky", "KIT-0008", "tok_flaky")).await;
    let id = reply.order_id().unwrap_or_else(|| panic!("no order to look at: {reply:?}"));
    let order = shop.rest(id).await;
    match reply.confirmed() {
        Some(_) => charged_once(shop, &order).await,
        None => {
            reply.refused(Code::DependencyUnavailable);
            assert_eq!(order.step, "cancelled", "as it was told");
        }
    }
    id
}

async fn the_bank_says_no(shop: &Shop, card: &str, code: Code, sku: &str) -> OrderId {
    let before = shop.stock(sku).await.available;
    let reply = place(shop, &of("poor", sku, card)).await;
    assert_eq!(reply.status, StatusCode::PAYMENT_REQUIRED, "{reply:?}");
    reply.refused(code);
    let id = reply.order_id().expect("a Location");
    let order = shop.order(id).await;
    assert_eq!(order.step, "cancelled", "undone before it is told");
    assert_eq!(order.reason.map(|reason| reason.code).as_deref(), Some(code.as_str()));
    let level = shop.stock(sku).await;
    assert_eq!((level.available, level.reserved), (before, 0), "the goods are back");
    id
}

async fn the_customer_cancels(shop: &Shop) -> OrderId {
    let before = shop.stock("KIT-0009").await.available;
    let order = shop.place_confirmed(&of("regretful", "KIT-0009", "tok_approve")).await;
    assert_eq!(shop.stock("KIT-0009").await.available, before - 3);
    let first = cancel(shop, order.id).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    assert_eq!(shop.order(order.id).await.step, "refunded");
    assert_eq!(cancel(shop, order.id).await, first, "once more is the same");
    assert_eq!(shop.stock("KIT-0009").await.available, before, "the goods are back");
    let charge = shop.charge(order.id).await;
    assert_eq!((charge.captured, charge.refunded), (order.total.amount, order.total.amount));
    order.id
}

async fn nobody_has_heard_of_it(shop: &Shop) {
    let id = OrderId(Uuid::now_v7());
    cancel(shop, id).await.refused(Code::NotFound);
    for path in [format!("/api/orders/{id}"), format!("/api/orders/{id}/timeline")] {
        ask(shop, Method::GET, &path).await.refused(Code::NotFound);
    }
}

async fn it_has_left(shop: &Shop) -> OrderId {
    shop.configure("shipping", "carrier.sweep_every_ms", 50).await;
    shop.configure("shipping", "carrier.dispatch_after_ms", 0).await;
    let order = shop.place_confirmed(&of("too-late", "KIT-0010", "tok_approve")).await;
    eventually("the goods to leave", PATIENCE, async || {
        let reply = ask(shop, Method::GET, &format!("/api/shipments/{}", order.id)).await;
        let shipment: Shipment = serde_json::from_str(&reply.body).expect("a shipment");
        (shipment.status == ShipmentStatus::Shipped).then_some(())
    })
    .await;
    let reply = cancel(shop, order.id).await;
    assert_eq!(reply.order_id(), Some(order.id), "{reply:?}");
    reply.refused(Code::AlreadyShipped);
    let kept = shop.order(order.id).await;
    assert_eq!(kept.step, "confirmed");
    charged_once(shop, &kept).await;
    order.id
}
