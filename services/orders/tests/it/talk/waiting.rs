//! How long a caller waits, what they hear, and customers who want out.

use std::time::Duration;

use contracts::orders::{CancelOrder, Coordination, FollowOrder, OrderStatus, Orders as _, PlaceOrder};
use contracts::{Code, Context};
use futures::StreamExt as _;

use super::{Broker, Talk};
use crate::others::Answer::{Done, NotBegun, Refused};
use crate::others::Call::*;
use crate::others::Holdings;
use crate::shop::{Shop, ctx, pointed_at, problem, request};

const BOTH: [Coordination; 2] = [Coordination::Orchestrated, Coordination::Choreographed];

fn waiting(coordination: Coordination, wait_ms: u32) -> PlaceOrder {
    PlaceOrder { coordination: Some(coordination), wait_ms: Some(wait_ms), ..request() }
}

#[tokio::test]
async fn without_a_broker_messages_drive_nothing_and_nothing_is_stored() {
    let shop = Shop::open().await;
    for coordination in BOTH {
        let asked = PlaceOrder { coordination: Some(coordination), ..request() };
        let told = problem(shop.service.place(&ctx(), asked).await);
        assert_eq!(told.code, Code::CoordinationUnavailable);
        assert!(told.detail.contains("--broker") && told.detail.contains("sync"), "{told}");
    }
    assert_eq!((shop.orders().await, shop.others.count(Products)), (vec![], 0));
}

#[tokio::test]
async fn who_waits_hears_the_end_and_a_bad_end_is_a_problem() {
    for coordination in BOTH {
        for (answer, expected) in [(Done, None), (Refused(Code::CardDeclined), Some(Code::CardDeclined))] {
            let talk = Talk::open().await;
            talk.others().script(Authorize, [answer]);
            let service = talk.shop.service.clone();
            let placing =
                tokio::spawn(async move { service.place(&ctx(), waiting(coordination, 15_000)).await });
            talk.shop.double.speaks().await;
            talk.settle(Broker::Kind).await;
            let told = placing.await.expect("does not panic");
            match expected {
                None => assert_eq!(told.expect("is confirmed").status, OrderStatus::Confirmed),
                Some(code) => {
                    let told = problem(told);
                    assert_eq!((told.code, pointed_at(&told)), (code, talk.shop.orders().await[0].id));
                }
            }
        }
    }
}

#[tokio::test]
async fn who_waits_a_while_hears_how_the_order_stands_in_every_coordination() {
    for coordination in Coordination::ALL {
        for wait_ms in [0, 60] {
            let talk = Talk::open().await;
            let gate = talk.others().hold(Reserve, Done);
            let order = talk.shop.service.place(&ctx(), waiting(coordination, wait_ms)).await;
            let order = order.expect("is under way");
            assert_eq!((order.status, order.coordination), (OrderStatus::Placed, coordination));
            gate.open();
            talk.settle(Broker::Kind).await;
            talk.shop.comes_to("confirmed", order.id).await;
        }
    }
}

#[tokio::test]
async fn the_deadline_bounds_any_patience() {
    for coordination in Coordination::ALL {
        let talk = Talk::open().await;
        let gate = talk.others().hold(Reserve, Done);
        let hasty = Context::background("test", Duration::from_millis(200));
        let order = talk.shop.service.place(&hasty, waiting(coordination, u32::MAX)).await;
        assert_eq!(order.expect("is under way").status, OrderStatus::Placed);
        gate.open();
    }
}

#[tokio::test]
async fn a_confirmed_order_is_refunded_when_its_customer_wants_out() {
    for coordination in BOTH {
        let talk = Talk::open().await;
        let id = talk.placed(coordination).await.id;
        talk.settle(Broker::Kind).await;
        let service = talk.shop.service.clone();
        let cancelling =
            tokio::spawn(async move { service.cancel(&ctx(), CancelOrder { order_id: id }).await });
        talk.shop.comes_to("cancelling", id).await;
        assert_eq!(problem(talk.shop.cancel(id).await).code, Code::InProgress, "the second is told so");
        talk.shop.double.speaks().await;
        talk.settle(Broker::Unkind(3)).await;
        let order = cancelling.await.expect("does not panic").expect("is refunded");
        assert_eq!((order.id, order.status), (id, OrderStatus::Refunded));
        assert!(talk.others().holdings(id).are_empty());
        talk.assert_log_is_whole(id).await;
    }
}

#[tokio::test]
async fn where_the_goods_have_left_the_order_stays_confirmed_and_may_be_cancelled_later() {
    for coordination in BOTH {
        let talk = Talk::open().await;
        let id = talk.placed(coordination).await.id;
        talk.settle(Broker::Kind).await;
        talk.others().script(CancelShipment, [Refused(Code::AlreadyShipped)]);
        for end in ["confirmed", "refunded"] {
            let service = talk.shop.service.clone();
            let cancelling =
                tokio::spawn(async move { service.cancel(&ctx(), CancelOrder { order_id: id }).await });
            talk.shop.double.speaks().await;
            talk.settle(Broker::Kind).await;
            let told = cancelling.await.expect("does not panic");
            assert_eq!(talk.step_of(id).await, end, "{coordination:?}");
            match end {
                "confirmed" => {
                    assert_eq!(problem(told).code, Code::AlreadyShipped);
                    assert_eq!(talk.others().holdings(id), Holdings::CONFIRMED);
                }
                _ => assert_eq!(told.expect("is refunded").status, OrderStatus::Refunded),
            }
        }
    }
}

#[tokio::test]
async fn who_cancels_and_cannot_wait_is_told_where_to_look() {
    let talk = Talk::open().await;
    let id = talk.placed(Coordination::Orchestrated).await.id;
    talk.settle(Broker::Kind).await;
    talk.others().script(CancelShipment, [NotBegun]);
    let hasty = Context::background("test", Duration::from_millis(200));
    let told = problem(talk.shop.service.cancel(&hasty, CancelOrder { order_id: id }).await);
    assert_eq!((told.code, pointed_at(&told)), (Code::OutcomeUnknown, id));
    talk.settle(Broker::Kind).await;
    assert_eq!(talk.step_of(id).await, "cancelling", "nobody knows: it is asked again");
    talk.shop.resend_is_due();
    talk.shop.saga.recovery_pass().await.expect("the database answers");
    talk.settle(Broker::Kind).await;
    assert_eq!(talk.step_of(id).await, "refunded");
}

#[tokio::test]
async fn who_follows_an_order_sees_each_step_as_it_comes_and_the_end() {
    let talk = Talk::open().await;
    let id = talk.placed(Coordination::Choreographed).await.id;
    let follow = async |after| {
        let request = FollowOrder { order_id: id, after };
        talk.shop.service.follow(&ctx(), request).await.expect("there is one")
    };
    let mut steps = follow(None).await;
    assert_eq!(steps.next().await.expect("a step").expect("no problem").cause, "placed");
    talk.settle(Broker::Kind).await;
    let rest: Vec<u64> = steps.map(|step| step.expect("no problem").version).collect().await;
    assert_eq!(rest, [2, 3, 4, 5, 6]);
    let missed: Vec<u64> =
        follow(Some(4)).await.map(|step| step.expect("no problem").version).collect().await;
    assert_eq!(missed, [5, 6]);
    assert!(follow(Some(6)).await.next().await.is_none(), "it rests");
}
