//! A customer who wants out: in every state of the order, and twice at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use contracts::orders::{CancelOrder, Direction, OrderStatus, Orders as _};
use contracts::{Code, OrderId};
use futures::future::join_all;
use orders::domain::State;
use orders::domain::saga::{Reverse, Undo};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::others::Answer::*;
use crate::others::Call::*;
use crate::others::Holdings;
use crate::shop::{Shop, ctx, pointed_at, problem};

#[tokio::test]
async fn a_confirmed_order_is_refunded_and_restocked() {
    let shop = Shop::open().await;
    let order_id = shop.confirmed().await.id;
    let order = shop.cancel(order_id).await.expect("is refunded");
    assert_eq!((order.status, order.step.as_str()), (OrderStatus::Refunded, "refunded"));
    assert_eq!(order.reason, None, "it is not the shop's fault");
    assert!(shop.others.holdings(order_id).are_empty());
    assert_eq!(shop.others.calls(order_id)[5..], [CancelShipment, Refund, Release]);

    let timeline = shop.timeline(order_id).await;
    let steps: Vec<_> = timeline[6..].iter().map(|entry| (entry.to.as_str(), entry.cause.as_str())).collect();
    assert_eq!(
        steps,
        [
            ("cancelling", "cancel_requested"),
            ("reversing", "shipment_cancelled"),
            ("reversing", "payment_refunded"),
            ("refunded", "stock_released"),
        ]
    );
    assert!(timeline[6..].iter().all(|entry| entry.direction == Direction::Compensation));
    assert_eq!(shop.cancel(order_id).await, Ok(order), "a repetition changes nothing");
    assert_eq!(shop.timeline(order_id).await, timeline);
}

#[tokio::test]
async fn an_order_that_was_undone_is_returned_as_it_is() {
    for state in [State::Cancelled, State::Refunded] {
        let shop = Shop::open().await;
        let order_id = shop.abandoned(state, &[]).await;
        let order = shop.order(order_id).await;
        assert_eq!(shop.cancel(order_id).await, Ok(order));
        assert_eq!(shop.others.calls(order_id), []);
    }
}

#[tokio::test]
async fn an_order_that_is_not_confirmed_yet_or_was_rejected_cannot_be_cancelled() {
    let shop = Shop::open().await;
    for state in [
        State::Reserving,
        State::Authorizing,
        State::Scheduling,
        State::Committing,
        State::Capturing,
        State::Compensating(BTreeSet::from([Undo::Stock])),
        State::Rejected,
    ] {
        let order_id = shop.abandoned(state, &[]).await;
        let order = shop.order(order_id).await;
        let problem = problem(shop.cancel(order_id).await);
        assert_eq!((problem.code, pointed_at(&problem)), (Code::Conflict, order_id));
        assert!(problem.detail.contains(&order.step), "it says how the order stands: {problem}");
        assert_eq!(shop.order(order_id).await, order);
        assert_eq!(shop.others.calls(order_id), []);
    }
    let unknown = OrderId(Uuid::now_v7());
    assert_eq!(problem(shop.cancel(unknown).await).code, Code::NotFound);
}

#[tokio::test]
async fn whoever_repeats_a_cancellation_that_is_under_way_is_told_where_to_look() {
    let shop = Shop::open().await;
    for state in [State::Cancelling, State::Reversing(BTreeSet::from([Reverse::Payment]))] {
        let order_id = shop.abandoned(state, &[]).await;
        let order = shop.order(order_id).await;
        let problem = problem(shop.cancel(order_id).await);
        assert_eq!((problem.code, pointed_at(&problem)), (Code::InProgress, order_id));
        assert_eq!(shop.order(order_id).await, order);
        assert_eq!(shop.others.calls(order_id), []);
    }
}

#[tokio::test]
async fn where_shipping_does_not_let_go_the_order_stays_confirmed() {
    for (answer, told) in [
        (Refused(Code::AlreadyShipped), Code::AlreadyShipped),
        (NotBegun, Code::DependencyUnavailable),
        (Refused(Code::Unavailable), Code::DependencyUnavailable),
    ] {
        let shop = Shop::open().await;
        let order_id = shop.confirmed().await.id;
        shop.others.script(CancelShipment, [answer]);
        let problem = problem(shop.cancel(order_id).await);
        assert_eq!((problem.code, pointed_at(&problem)), (told, order_id));
        let order = shop.order(order_id).await;
        assert_eq!((order.status, order.reason), (OrderStatus::Confirmed, None));
        assert_eq!(shop.others.holdings(order_id), Holdings::CONFIRMED);
        let refunded = shop.cancel(order_id).await.expect("the second try succeeds");
        assert_eq!(refunded.status, OrderStatus::Refunded);
    }
}

#[tokio::test]
async fn a_cancellation_with_an_open_outcome_is_finished_by_recovery() {
    for call in [CancelShipment, Refund, Release] {
        for answer in [DoneUnheard, LostUnheard] {
            let shop = Shop::open().await;
            let order_id = shop.confirmed().await.id;
            // the second answer is for the repetition at once, because another compensation got on
            shop.others.script(call, [answer.clone(), answer]);
            let problem = problem(shop.cancel(order_id).await);
            assert_eq!((problem.code, pointed_at(&problem)), (Code::OutcomeUnknown, order_id), "{call:?}");
            assert_eq!(shop.order(order_id).await.status, OrderStatus::Confirmed);
            // for CancelShipment the second answer is still out
            shop.recover().await;
            shop.recover().await;
            assert_eq!(shop.order(order_id).await.step, "refunded", "{call:?}");
            assert!(shop.others.holdings(order_id).are_empty());
        }
    }
}

#[tokio::test]
async fn the_second_of_two_who_cancel_is_told_that_the_first_is_at_it() {
    let shop = Shop::open().await;
    let order_id = shop.confirmed().await.id;
    let gate = shop.others.hold(CancelShipment, Done);
    let service = shop.service.clone();
    let first = tokio::spawn(async move { service.cancel(&ctx(), CancelOrder { order_id }).await });
    gate.arrived().await;
    assert_eq!(problem(shop.cancel(order_id).await).code, Code::InProgress);
    gate.open();
    let order = first.await.expect("does not panic").expect("is refunded");
    assert_eq!(order.status, OrderStatus::Refunded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_8_who_cancel_at_once_in_two_processes_one_brings_it_about() {
    let shop = Shop::open().await;
    let order_id = shop.confirmed().await.id;
    let services = [shop.service.clone(), shop.replica().await.service];
    let start = Arc::new(Barrier::new(8));
    let cancelling = (0..8).map(|n| {
        let (service, start) = (services[n % 2].clone(), start.clone());
        tokio::spawn(async move {
            start.wait().await;
            service.cancel(&ctx(), CancelOrder { order_id }).await
        })
    });
    let told: Vec<_> = join_all(cancelling).await.into_iter().map(|it| it.expect("does not panic")).collect();
    assert!(told.iter().any(Result::is_ok), "{told:?}");
    for reply in told {
        match reply {
            // the one who did it, or one who came when it was done
            Ok(order) => assert_eq!(order.status, OrderStatus::Refunded),
            Err(error) => assert_eq!(error.code(), Some(Code::InProgress)),
        }
    }
    assert_eq!(shop.others.calls(order_id)[5..], [CancelShipment, Refund, Release]);
}
