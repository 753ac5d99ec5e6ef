//! One key, one order, one answer.

use std::sync::Arc;

use contracts::orders::{Order, OrderStatus, Orders as _};
use contracts::{Code, CustomerId, PortResult};
use futures::future::join_all;
use orders::config::SagaConfig;
use tokio::sync::Barrier;

use crate::others::Answer::{Done, Refused};
use crate::others::Call::{Authorize, Capture, Commit, Products, Reserve};
use crate::shop::{PATIENCE, Shop, keyed, pointed_at, problem, request};

/// Twins wait as long as it takes.
async fn patient() -> Shop {
    let twin_wait_ms = PATIENCE.as_millis() as u64;
    Shop::configured(SagaConfig { twin_wait_ms, ..SagaConfig::default() }).await
}

#[tokio::test]
async fn a_repetition_gets_the_same_reply_and_does_nothing() {
    let shop = Shop::open().await;
    let first = shop.place(&keyed("k")).await.expect("is confirmed");
    for process in [&shop, &shop.replica().await] {
        assert_eq!(process.place(&keyed("k")).await.expect("is replayed"), first);
    }
    assert_eq!(shop.orders().await.len(), 1);
    assert_eq!((shop.others.count(Products), shop.others.count(Capture)), (1, 1));
}

#[tokio::test]
async fn the_same_request_under_another_key_or_none_is_another_order() {
    let shop = Shop::open().await;
    for ctx in [keyed("k"), keyed("l"), crate::shop::ctx(), crate::shop::ctx()] {
        shop.place(&ctx).await.expect("is confirmed");
    }
    assert_eq!(shop.orders().await.len(), 4);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let shop = Shop::open().await;
    let first = shop.place(&keyed("k")).await.expect("is confirmed");
    let mut other = request();
    other.lines[0].quantity += 1;
    let refused = problem(shop.service.place(&keyed("k"), other).await);
    assert_eq!(refused.code, Code::KeyReused);
    assert_eq!(pointed_at(&refused), first.id);
    assert_eq!(shop.orders().await, [first]);
}

#[tokio::test]
async fn keys_of_two_customers_have_nothing_to_do_with_each_other() {
    let shop = Shop::open().await;
    shop.place(&keyed("k")).await.expect("is confirmed");
    let mut bobs = request();
    bobs.customer_id = CustomerId("bob".into());
    let bobs = shop.service.place(&keyed("k"), bobs).await.expect("is confirmed");
    assert_eq!(bobs.customer_id.0, "bob");
    assert_eq!(shop.orders().await.len(), 2);
}

#[tokio::test]
async fn a_twin_of_an_order_under_way_learns_where_to_look() {
    let shop = Shop::open().await;
    let gate = shop.others.hold(Commit, Done);
    let placing = shop.placing(keyed("k"));
    gate.arrived().await;
    let told = problem(shop.place(&keyed("k")).await);
    assert_eq!(told.code, Code::InProgress);
    gate.open();
    let order = placing.await.expect("does not panic").expect("is confirmed");
    assert_eq!(pointed_at(&told), order.id);
    assert_eq!(shop.place(&keyed("k")).await, Ok(order));
}

#[tokio::test]
async fn a_twin_waits_no_longer_than_its_own_deadline() {
    let shop = patient().await;
    let gate = shop.others.hold(Commit, Done);
    let placing = shop.placing(keyed("k"));
    gate.arrived().await;
    let hasty = keyed("k").within(std::time::Duration::from_millis(50));
    assert_eq!(problem(shop.place(&hasty).await).code, Code::InProgress);
    gate.open();
    placing.await.expect("does not panic").expect("is confirmed");
}

#[tokio::test]
async fn a_twin_that_waits_gets_the_first_ones_reply() {
    let shop = patient().await;
    let gate = shop.others.hold(Commit, Done);
    let (first, twin) = (shop.placing(keyed("k")), shop.placing(keyed("k")));
    gate.arrived().await;
    gate.open();
    let first = first.await.expect("does not panic").expect("is confirmed");
    assert_eq!(twin.await.expect("does not panic"), Ok(first));
    assert_eq!(shop.others.count(Reserve), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_twins_at_once_in_two_processes_one_places_the_order_and_all_get_its_reply() {
    for declined in [false, true] {
        let shop = patient().await;
        if declined {
            shop.others.script(Authorize, [Refused(Code::CardDeclined)]);
        }
        let services = [shop.service.clone(), shop.replica().await.service];
        let start = Arc::new(Barrier::new(16));
        let twins = (0..16).map(|n| {
            let (service, start) = (services[n % 2].clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                service.place(&keyed("k"), request()).await
            })
        });
        let replies: Vec<PortResult<Order>> =
            join_all(twins).await.into_iter().map(|twin| twin.expect("does not panic")).collect();
        assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
        assert_eq!(replies[0].is_err(), declined);
        assert_eq!(shop.orders().await.len(), 1);
        assert_eq!((shop.others.count(Reserve), shop.others.count(Authorize)), (1, 1));
    }
}

#[tokio::test]
async fn a_problem_is_replayed_as_it_was() {
    for (call, code) in [(Reserve, Code::OutOfStock), (Authorize, Code::CardDeclined)] {
        let shop = Shop::open().await;
        shop.others.script(call, [Refused(code)]);
        let first = problem(shop.place(&keyed("k")).await);
        assert_eq!(first.code, code);
        assert_eq!(problem(shop.place(&keyed("k")).await), first);
        assert_eq!(shop.others.count(call), 1);
    }
}

#[tokio::test]
async fn after_a_refund_the_first_reply_is_replayed() {
    let shop = Shop::open().await;
    let first = shop.place(&keyed("k")).await.expect("is confirmed");
    let refunded = shop.cancel(first.id).await.expect("is refunded");
    assert_eq!(refunded.status, OrderStatus::Refunded);
    assert_eq!(shop.place(&keyed("k")).await, Ok(first));
}

#[tokio::test]
async fn a_request_that_creates_no_order_leaves_its_key_free() {
    let shop = Shop::open().await;
    let mut invalid = request();
    invalid.lines.clear();
    assert_eq!(problem(shop.service.place(&keyed("k"), invalid).await).code, Code::InvalidRequest);
    shop.others.script(Products, [Refused(Code::UnknownSku)]);
    assert_eq!(problem(shop.place(&keyed("k")).await).code, Code::UnknownSku);
    shop.place(&keyed("k")).await.expect("is confirmed");
}
