//! Orders whose modules act on each other's events.

use contracts::Code;
use contracts::messages::Event as _;
use contracts::messages::queues::ORDERS_EVENTS;
use contracts::orders::{Coordination, OrderEvent};

use super::{Broker, Talk};
use crate::others::Answer::Refused;
use crate::others::Call::*;
use crate::others::Holdings;

const HOW: Coordination = Coordination::Choreographed;

#[tokio::test]
async fn a_placed_order_is_told_with_all_that_the_others_need_and_nobody_is_commanded() {
    let talk = Talk::open().await;
    let order = talk.placed(HOW).await;
    let [placed] = &talk.shop.double.said()[..] else { panic!("one message") };
    assert_eq!(placed.to.key, "orders.order_placed.choreographed");
    let event = OrderEvent::read(&placed.message).expect("reads").expect("is an event");
    let OrderEvent::OrderPlaced { order: told, passed: Some(passed) } = event else {
        panic!("it was placed")
    };
    assert_eq!((&told, passed.amount), (&order, order.total));
}

#[tokio::test]
async fn events_see_an_order_through() {
    let talk = Talk::open().await;
    let id = talk.placed(HOW).await.id;
    talk.settle(Broker::Kind).await;
    assert_eq!(talk.step_of(id).await, "confirmed");
    assert_eq!(talk.others().calls(id), [Reserve, Authorize, Schedule, Commit, Capture]);
    assert_eq!(talk.others().holdings(id), Holdings::CONFIRMED);
}

#[tokio::test]
async fn events_in_whatever_order_and_however_often_lead_to_the_same_end() {
    for seed in 0..12 {
        for (call, end) in [
            (None, "confirmed"),
            (Some(Reserve), "rejected"),
            (Some(Authorize), "cancelled"),
            (Some(Schedule), "cancelled"),
            (Some(Commit), "cancelled"),
            (Some(Capture), "cancelled"),
        ] {
            let talk = Talk::open().await;
            if let Some(call) = call {
                talk.others().script(call, [Refused(Code::CardDeclined)]);
            }
            let id = talk.placed(HOW).await.id;
            talk.settle(Broker::Unkind(seed)).await;
            assert_eq!(talk.step_of(id).await, end, "{call:?} refused, seed {seed}");
            let reason = talk.shop.order(id).await.reason.map(|reason| reason.code);
            assert_eq!(reason.as_deref(), call.map(|_| "card_declined"), "{call:?} refused, seed {seed}");
            match call {
                None => assert_eq!(talk.others().holdings(id), Holdings::CONFIRMED),
                Some(_) => assert!(talk.others().holdings(id).are_empty(), "{call:?} refused, seed {seed}"),
            }
            talk.assert_log_is_whole(id).await;
            let stands = talk.shop.stored_order(id).await;
            assert_eq!(stands.early, [], "an order that rests keeps nothing");
        }
    }
}

#[tokio::test]
async fn an_order_that_waits_is_left_alone_and_no_command_is_given() {
    let talk = Talk::open().await;
    let id = talk.placed(HOW).await.id;
    talk.names();
    talk.shop.resend_is_due();
    talk.shop.saga.recovery_pass().await.expect("the database answers");
    assert_eq!(talk.names(), [""; 0]);
    assert_eq!((talk.step_of(id).await.as_str(), talk.others().calls(id)), ("reserving", vec![]));
}

/// Events of an order that somebody drives are told too, and fold into nothing.
#[tokio::test]
async fn events_of_an_orchestrated_order_move_nothing() {
    let talk = Talk::open().await;
    let id = talk.placed(Coordination::Orchestrated).await.id;
    let choreographed = talk.placed(HOW).await;
    let reason = contracts::orders::Reason { code: "out_of_stock".into(), detail: String::new() };
    let event = contracts::inventory::InventoryEvent::StockRefused { order_id: id, reason };
    let origin = contracts::messages::Origin {
        coordination: HOW,
        trace: contracts::TraceContext::root(),
        passed: None,
    };
    let message = event.fact(&origin, choreographed.placed_at).message;
    talk.deliver(&ORDERS_EVENTS, &message).await;
    assert_eq!(talk.step_of(id).await, "reserving");
}
