//! Requests that come twice: one order, one charge, one answer.

use contracts::{Code, OrderId};
use futures::future::join_all;
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde_json::{Value, json};
use system_tests::ground::ground;
use system_tests::reply::Reply;
use system_tests::shop::{PATIENCE, Shop, order_of};
use testkit::eventually;
use tradewind::topology::Part;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");
const SKU: &str = "KIT-0001";
/// Three seconds under way, in which a twin can come and a process can die.
const SLOWEST: &str = "tok_charge_then_time_out";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_stands_for_one_order_and_its_first_answer() {
    let shop = Shop::start(PROGRAM, &[]).await;
    // shorter than an order takes that is paid for so slowly, so that a twin does not get its answer
    shop.configure("orders", "saga.twin_wait_ms", 200).await;
    let ids = tokio::join!(
        one_after_the_other(&shop),
        ten_at_once(&shop),
        with_another_body(&shop),
        of_two_customers(&shop),
        after_a_cancellation(&shop),
        after_a_refusal(&shop),
    );
    let (one, ten, other, [ada, bob], cancelled, refused) = ids;
    let answered = after_a_death(&shop).await;
    let under_way = across_a_death(&shop).await;
    shop.audit_clean(&[one, ten, other, ada, bob, cancelled, refused, answered, under_way]).await;
    shop.stop().await;
}

fn of(customer: &str, card: &str) -> Value {
    let mut order = order_of(SKU, 1, card);
    order["customer_id"] = json!(customer);
    order
}

async fn place(shop: &Shop, order: &Value, key: &str) -> Reply {
    try_to_place(shop, order, key).await.expect("an answer")
}

async fn try_to_place(shop: &Shop, order: &Value, key: &str) -> reqwest::Result<Reply> {
    Reply::of(shop.place(order, Some(key)).await?).await
}

/// Asserts that `customer` has one order, and that it was paid for once.
async fn one_order(shop: &Shop, customer: &str, reply: &Reply) -> OrderId {
    let id = reply.confirmed().unwrap_or_else(|| panic!("not confirmed: {reply:?}")).id;
    let orders = shop.orders_of(customer).await.expect("an answer");
    assert_eq!(orders.iter().map(|order| order.id).collect::<Vec<_>>(), [id], "{customer}");
    let charge = shop.charge(id).await;
    assert_eq!((charge.holds, charge.captures, charge.captured), (1, 1, orders[0].total.amount));
    id
}

async fn one_after_the_other(shop: &Shop) -> OrderId {
    let order = of("sequential", "tok_approve");
    let first = place(shop, &order, "k").await;
    assert_eq!(place(shop, &order, "k").await, first);
    assert_eq!(place(shop, &order, "k").await, first);
    one_order(shop, "sequential", &first).await
}

async fn ten_at_once(shop: &Shop) -> OrderId {
    let order = of("concurrent", SLOWEST);
    let replies = join_all((0..10).map(|_| place(shop, &order, "k"))).await;
    let (answers, waiting): (Vec<&Reply>, Vec<&Reply>) =
        replies.iter().partition(|reply| reply.status == StatusCode::CREATED);
    let first = *answers.first().unwrap_or_else(|| panic!("nobody got the order: {replies:?}"));
    assert!(answers.iter().all(|reply| *reply == first), "{answers:?}");
    assert!(!waiting.is_empty(), "nobody came while it was under way");
    for reply in waiting {
        assert_eq!(reply.refused(Code::InProgress).location, first.location);
    }
    assert_eq!(place(shop, &order, "k").await, *first, "afterwards");
    one_order(shop, "concurrent", first).await
}

async fn with_another_body(shop: &Shop) -> OrderId {
    let order = of("reuser", "tok_approve");
    let first = place(shop, &order, "precious").await;
    let mut other = order.clone();
    other["lines"][0]["quantity"] = json!(2);
    let refusal = place(shop, &other, "precious").await.refused(Code::KeyReused);
    assert!(refusal.detail.contains("precious"), "{refusal:?}");
    assert_eq!(refusal.location, first.location, "of the order that the key stands for");
    assert_eq!(place(shop, &order, "precious").await, first);
    one_order(shop, "reuser", &first).await
}

async fn of_two_customers(shop: &Shop) -> [OrderId; 2] {
    let ada = place(shop, &of("scope-ada", "tok_approve"), "k").await;
    let bob = place(shop, &of("scope-bob", "tok_approve"), "k").await;
    let ids = [one_order(shop, "scope-ada", &ada).await, one_order(shop, "scope-bob", &bob).await];
    assert_ne!(ids[0], ids[1]);
    ids
}

async fn after_a_cancellation(shop: &Shop) -> OrderId {
    let order = of("regretful", "tok_approve");
    let first = place(shop, &order, "k").await;
    let id = one_order(shop, "regretful", &first).await;
    let cancel = shop.http.post(shop.url(&format!("/api/orders/{id}/cancel"))).send().await;
    assert_eq!(cancel.expect("an answer").status(), StatusCode::OK);
    assert_eq!(shop.order(id).await.step, "refunded");
    assert_eq!(place(shop, &order, "k").await, first, "what was answered once");
    assert_eq!(shop.order(id).await.step, "refunded");
    id
}

async fn after_a_refusal(shop: &Shop) -> OrderId {
    let order = of("declined", "tok_decline");
    let first = place(shop, &order, "k").await;
    let refusal = first.refused(Code::CardDeclined);
    assert_eq!(place(shop, &order, "k").await.refused(Code::CardDeclined), refusal);
    assert_eq!(shop.orders_of("declined").await.expect("an answer").len(), 1);
    first.order_id().expect("a Location")
}

async fn after_a_death(shop: &Shop) -> OrderId {
    let order = of("survivor", "tok_approve");
    let first = place(shop, &order, "k").await;
    let died = shop.kill("orders").await;
    shop.back(&died).await;
    assert_eq!(until_told(shop, &order, "k").await, first);
    one_order(shop, "survivor", &first).await
}

async fn across_a_death(shop: &Shop) -> OrderId {
    // longer than one step takes on a slow machine
    shop.configure("orders", "saga.lease_ms", 1_500).await;
    let order = of("mid-order", SLOWEST);
    let interrupt = async {
        let begun = async || shop.orders_of("mid-order").await?.pop();
        eventually("the order to be under way", PATIENCE, begun).await;
        shop.kill("orders").await
    };
    let (broken, died) = tokio::join!(try_to_place(shop, &order, "k"), interrupt);
    ground().cut_off(Part::Orders, &broken);
    shop.back(&died).await;
    let reply = until_told(shop, &order, "k").await;
    one_order(shop, "mid-order", &reply).await
}

/// Repeats a request while orders are away or the first one is under way. An order that was cancelled for want of
/// another service is an answer that stays.
pub async fn until_told(shop: &Shop, order: &Value, key: &str) -> Reply {
    let last = Mutex::new(None);
    eventually("an answer that stays", PATIENCE, async || {
        let reply = place(shop, order, key).await;
        let code = reply.refusal().map(|refusal| refusal.code);
        let open = code.is_some_and(|code| code.status() >= 502 || code == Code::InProgress);
        let cancelled = match reply.order_id() {
            Some(id) if code == Some(Code::DependencyUnavailable) => shop.rest(id).await.step == "cancelled",
            _ => false,
        };
        if open && last.lock().replace(code) != Some(code) {
            println!("{key}: {:?} for now", reply.refusal());
        }
        (!open || cancelled).then_some(reply)
    })
    .await
}
