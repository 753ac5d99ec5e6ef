//! Idempotency keys of orders that messages drive.

use contracts::Code;
use contracts::orders::{Coordination, OrderStatus, Orders as _, PlaceOrder};

use super::{Broker, Talk};
use crate::others::Answer::{Done, Refused};
use crate::others::Call::{Authorize, Reserve};
use crate::shop::{Shop, keyed, problem, request};

const BOTH: [Coordination; 2] = [Coordination::Orchestrated, Coordination::Choreographed];

#[tokio::test]
async fn a_repetition_is_told_how_the_order_stands_and_then_how_it_ended() {
    for coordination in BOTH {
        for (answer, declined) in [(Done, false), (Refused(Code::CardDeclined), true)] {
            let talk = Talk::open().await;
            talk.others().script(Authorize, [answer]);
            let first = talk.place_as(coordination, &keyed("k")).await.expect("is accepted");
            let again = talk.place_as(coordination, &keyed("k")).await.expect("is under way");
            assert_eq!((again.id, again.status), (first.id, OrderStatus::Placed));
            talk.settle(Broker::Kind).await;
            let told = talk.place_as(coordination, &keyed("k")).await;
            if declined {
                assert_eq!(problem(told).code, Code::CardDeclined);
            } else {
                let stands = talk.shop.order(first.id).await;
                assert_eq!(told, Ok(stands));
            }
            assert_eq!(talk.shop.orders().await.len(), 1);
        }
    }
}

#[tokio::test]
async fn how_an_order_is_to_be_driven_and_waited_for_is_not_what_is_asked_for() {
    let talk = Talk::open().await;
    let first = talk.place_as(Coordination::Orchestrated, &keyed("k")).await.expect("is accepted");
    for (coordination, wait_ms) in [(None, None), (Some(Coordination::Sync), Some(0)), (None, Some(30))] {
        let again = PlaceOrder { coordination, wait_ms, ..request() };
        let told = talk.shop.service.place(&keyed("k"), again).await.expect("is under way");
        assert_eq!((told.id, told.coordination), (first.id, Coordination::Orchestrated));
    }
    let mut other = request();
    other.lines[0].quantity += 1;
    let told = problem(talk.shop.service.place(&keyed("k"), other).await);
    assert_eq!(told.code, Code::KeyReused);
}

#[tokio::test]
async fn a_repetition_needs_no_broker_to_be_told_what_became_of_the_first() {
    let talk = Talk::open().await;
    let first = talk.place_as(Coordination::Choreographed, &keyed("k")).await.expect("is accepted");
    let alone = talk.shop.without_mail().await;
    let asked = PlaceOrder { coordination: Some(Coordination::Choreographed), ..request() };
    assert_eq!(alone.service.place(&keyed("k"), asked).await.expect("is known").id, first.id);
}

#[tokio::test]
async fn a_twin_in_sync_that_does_not_wait_is_told_how_the_order_stands() {
    let shop = Shop::open().await;
    let gate = shop.others.hold(Reserve, Done);
    let unhurried = PlaceOrder { wait_ms: Some(0), ..request() };
    let first = shop.service.place(&keyed("k"), unhurried.clone()).await.expect("is under way");
    let again = shop.service.place(&keyed("k"), unhurried).await.expect("is under way");
    assert_eq!((again.id, again.status), (first.id, OrderStatus::Placed));
    assert_eq!(
        problem(shop.place(&keyed("k")).await).code,
        Code::InProgress,
        "who waits is told to look there"
    );
    gate.open();
    shop.comes_to("confirmed", first.id).await;
}
