//! How a shop ends, and what is there when it begins again.

use std::slice::from_ref;
use std::time::Duration;

use contracts::orders::{Order, OrderStatus};
use futures::{StreamExt, TryStreamExt};
use reqwest::header::ACCEPT;
use rustix::process::Signal;
use system_tests::ground::ground;
use system_tests::reply::Reply;
use system_tests::shop::{PATIENCE, Shop, is_gone, order_of};
use testkit::eventually;

use super::PROGRAM;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_shops_stand_side_by_side_and_one_finds_its_orders_again() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let (first, second) = tokio::join!(Shop::start_on(PROGRAM, &data, &[]), Shop::start(PROGRAM, &[]));
    let order = order_of("KIT-0001", 1, "tok_approve");
    let (mine, theirs) = tokio::join!(first.place_confirmed(&order), second.place_confirmed(&order));
    assert_eq!(orders_of_ada(&first).await, from_ref(&mine));
    assert_eq!(orders_of_ada(&second).await, from_ref(&theirs));
    first.stop().await;
    assert_eq!(orders_of_ada(&second).await, [theirs], "the other one goes on");
    let first = Shop::start_on(PROGRAM, &data, &[]).await;
    assert_eq!(orders_of_ada(&first).await, from_ref(&mine), "the same folder, the same orders");
    first.audit_clean(&[mine.id]).await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_and_ctrl_c_let_the_order_under_way_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = tempfile::tempdir().expect("a folder");
        let data = home.path().join("shop");
        let mut shop = Shop::start_on(PROGRAM, &data, &[]).await;
        let pids = pids(&shop).await;
        let placing = place_slowly(&shop);
        let under_way = under_way(&shop).await;
        shop.signal(signal);
        let reply = placing.await.expect("the customer does not panic").expect("an answer");
        let confirmed = reply.confirmed().unwrap_or_else(|| panic!("{signal:?}: not confirmed: {reply:?}"));
        assert_eq!(confirmed.id, under_way.id);
        let ended = shop.ended().await;
        assert!(ended.success(), "{signal:?}: {ended}");
        assert_gone(&pids).await;

        let shop = Shop::start_on(PROGRAM, &data, &[]).await;
        assert_eq!(shop.order(confirmed.id).await.status, OrderStatus::Confirmed);
        shop.audit_clean(&[confirmed.id]).await;
        shop.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_that_stops_does_not_wait_for_those_who_follow_a_shipment() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let mut shop = Shop::start_on(PROGRAM, &data, &[]).await;
    let order = shop.place_confirmed(&order_of("KIT-0001", 1, "tok_approve")).await;
    let request = shop.http.get(shop.url(&format!("/api/shipments/{}/track", order.id))).timeout(PATIENCE);
    let answer = request.header(ACCEPT, "text/event-stream").send().await.expect("an answer");
    let mut events = answer.bytes_stream();
    let first = events.next().await.expect("an event").expect("the stream is whole");
    assert!(!first.is_empty());

    // nobody hangs up, and there is nothing more to tell: only the shop can end it
    let (last, (code, _, complaint)) = tokio::join!(events.try_collect::<Vec<_>>(), shop.run(&["down"]));
    last.expect("it ends, and is not cut off");
    assert_eq!(code, 0, "{complaint}");
    let ended = shop.ended().await;
    assert!(ended.success(), "{ended}");
    // neither the supervisor nor a process lost its patience
    assert!(!shop.complaints().contains("did not drain"), "{}", shop.complaints());
    for entry in std::fs::read_dir(data.join("logs")).expect("logs") {
        let path = entry.expect("a log").path();
        let text = std::fs::read_to_string(&path).expect("text");
        assert!(!text.contains("still under way"), "{}: {text}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_up_leaves_no_process_behind_and_the_next_one_finishes_or_undoes_the_order() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("shop");
    let mut shop = Shop::start_on(PROGRAM, &data, &[]).await;
    let port = shop.client.addresses().gateway.rsplit(':').next().expect("a port").to_owned();
    let pids = pids(&shop).await;
    assert_eq!(pids.len(), ground().processes().len());
    let placing = place_slowly(&shop);
    let under_way = under_way(&shop).await;
    shop.signal(Signal::KILL);
    assert!(!shop.ended().await.success());
    assert_gone(&pids).await;
    // the drain that the lifeline began finishes the order, or the next start does
    drop(placing.await.expect("the customer does not panic"));

    let shop = Shop::start_on(PROGRAM, &data, &["--gateway-port", &port]).await;
    let rested = shop.rest(under_way.id).await;
    // the card network may have gone before it answered: then the order is undone
    let good = [OrderStatus::Confirmed, OrderStatus::Cancelled];
    assert!(good.contains(&rested.status), "{rested:#?}");
    shop.audit_clean(&[under_way.id]).await;
    shop.stop().await;
}

/// Places an order whose card takes three seconds: it is found under way even on a slow machine.
fn place_slowly(shop: &Shop) -> tokio::task::JoinHandle<reqwest::Result<Reply>> {
    let request =
        shop.http.post(shop.url("/api/orders")).json(&order_of("KIT-0001", 1, "tok_charge_then_time_out"));
    tokio::spawn(async move { Reply::of(request.send().await?).await })
}

/// The order that was placed so, as soon as there is one.
async fn under_way(shop: &Shop) -> Order {
    eventually("the order to be there", PATIENCE, async || shop.orders_of("ada").await?.pop()).await
}

async fn orders_of_ada(shop: &Shop) -> Vec<Order> {
    eventually("an answer", PATIENCE, async || shop.orders_of("ada").await).await
}

async fn pids(shop: &Shop) -> Vec<u32> {
    shop.status().await.processes.iter().map(|process| process.pid.expect("it runs")).collect()
}

async fn assert_gone(pids: &[u32]) {
    eventually("every process to be gone", Duration::from_secs(15), async || {
        pids.iter().all(|pid| is_gone(*pid)).then_some(())
    })
    .await;
}
