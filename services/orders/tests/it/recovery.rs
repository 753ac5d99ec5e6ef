//! Orders that were left half-way: finished or undone, never guessed at.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::Code;
use contracts::orders::OrderStatus;
use orders::config::SagaConfig;
use orders::domain::State;
use orders::domain::saga::{Reverse, Undo};

use crate::others::Answer::*;
use crate::others::Call::{self, *};
use crate::others::Holdings;
use crate::shop::{Shop, ctx, keyed, pointed_at, problem};

#[tokio::test]
async fn an_open_capture_is_settled_by_asking_again() {
    for answer in [DoneUnheard, LostUnheard] {
        let shop = Shop::open().await;
        shop.others.script(Capture, [answer]);
        let problem = problem(shop.place(&keyed("k")).await);
        assert_eq!(problem.code, Code::OutcomeUnknown);
        let order_id = pointed_at(&problem);
        let order = shop.order(order_id).await;
        assert_eq!((order.status, order.step.as_str()), (OrderStatus::Placed, "capturing"));
        assert_eq!(order.reason, None, "nothing is wrong with it yet");

        shop.saga.recovery_pass().await.expect("the database answers");
        assert_eq!(shop.others.count(Capture), 1, "its lease runs");
        shop.recover().await;
        let order = shop.order(order_id).await;
        assert_eq!(order.status, OrderStatus::Confirmed);
        assert_eq!(shop.others.holdings(order_id), Holdings::CONFIRMED);
        assert_eq!(shop.place(&keyed("k")).await, Ok(order), "an unknown outcome is not replayed");
    }
}

#[tokio::test]
async fn at_the_pivot_a_call_that_could_not_be_repeated_leaves_the_outcome_open() {
    let shop = Shop::open().await;
    // the money is taken, then payments is away for a while
    shop.others.script(Capture, [DoneUnheard, NotBegun, Refused(Code::Unavailable), LostUnheard]);
    let order_id = pointed_at(&problem(shop.place(&ctx()).await));
    for _ in 0..3 {
        shop.recover().await;
        assert_eq!(shop.order(order_id).await.step, "capturing");
    }
    shop.recover().await;
    assert_eq!(shop.order(order_id).await.step, "confirmed");
    assert_eq!(shop.others.holdings(order_id), Holdings::CONFIRMED);
}

#[tokio::test]
async fn whoever_takes_an_order_over_does_not_believe_that_nothing_was_begun() {
    for (state, happened, call, undone) in [
        (State::Reserving, &[Reserve][..], Reserve, &[Release][..]),
        (State::Authorizing, &[Reserve, Authorize], Authorize, &[Void, Release]),
        (State::Scheduling, &[Reserve, Authorize, Schedule], Schedule, &[Recall, Void, Release]),
        (State::Committing, &[Reserve, Authorize, Schedule, Commit], Commit, &[Recall, Void, Release]),
    ] {
        let shop = Shop::open().await;
        let order_id = shop.abandoned(state, happened).await;
        shop.others.script(call, [NotBegun]);
        shop.recover().await;
        assert_eq!(shop.order(order_id).await.step, "cancelled");
        let calls: Vec<Call> = std::iter::once(call).chain(undone.iter().copied()).collect();
        assert_eq!(shop.others.calls(order_id), calls);
        assert!(shop.others.holdings(order_id).are_empty());
    }
}

#[tokio::test]
async fn an_order_is_finished_from_wherever_it_was_left() {
    let all = BTreeSet::from([Undo::Shipment, Undo::Payment, Undo::Stock]);
    let paid = [Reserve, Authorize, Schedule, Commit, Capture];
    let both = BTreeSet::from([Reverse::Payment, Reverse::Stock]);
    let then = |call| paid.into_iter().chain([call]).collect::<Vec<Call>>();
    // each once as if nobody had been asked yet, once as if the answer had been lost
    for (state, happened, ends) in [
        (State::Reserving, paid[..0].to_vec(), "confirmed"),
        (State::Reserving, paid[..1].to_vec(), "confirmed"),
        (State::Authorizing, paid[..1].to_vec(), "confirmed"),
        (State::Authorizing, paid[..2].to_vec(), "confirmed"),
        (State::Scheduling, paid[..2].to_vec(), "confirmed"),
        (State::Scheduling, paid[..3].to_vec(), "confirmed"),
        (State::Committing, paid[..3].to_vec(), "confirmed"),
        (State::Committing, paid[..4].to_vec(), "confirmed"),
        (State::Capturing, paid[..4].to_vec(), "confirmed"),
        (State::Capturing, paid[..5].to_vec(), "confirmed"),
        (State::Compensating(all.clone()), paid[..4].to_vec(), "cancelled"),
        (State::Compensating(all), [&paid[..4], &[Recall, Void]].concat(), "cancelled"),
        (State::Compensating(BTreeSet::from([Undo::Stock])), paid[..1].to_vec(), "cancelled"),
        (State::Cancelling, paid.to_vec(), "refunded"),
        (State::Cancelling, then(CancelShipment), "refunded"),
        (State::Reversing(both.clone()), then(CancelShipment), "refunded"),
        (State::Reversing(both), [&paid[..], &[CancelShipment, Refund, Release]].concat(), "refunded"),
    ] {
        let shop = Shop::open().await;
        let order_id = shop.abandoned(state.clone(), &happened).await;
        shop.recover().await;
        assert_eq!(shop.order(order_id).await.step, ends, "from {state:?} after {happened:?}");
        let holdings = shop.others.holdings(order_id);
        match ends {
            "confirmed" => assert_eq!(holdings, Holdings::CONFIRMED, "from {state:?}"),
            _ => assert!(holdings.are_empty(), "from {state:?}: {holdings:?}"),
        }
    }
}

#[tokio::test]
async fn a_compensation_that_fails_is_asked_for_until_it_is_done() {
    let shop = Shop::open().await;
    shop.others.script(Authorize, [Refused(Code::CardDeclined)]);
    shop.others.script(Release, [LostUnheard, NotBegun, Refused(Code::Internal), Refused(Code::Conflict)]);
    let told = problem(shop.place(&keyed("k")).await);
    assert_eq!(told.code, Code::OutcomeUnknown, "it is not over while goods are held");
    let order_id = pointed_at(&told);
    for _ in 0..3 {
        assert_eq!(shop.order(order_id).await.step, "compensating");
        shop.recover().await;
    }
    assert!(!shop.others.holdings(order_id).are_empty());
    shop.recover().await;
    let order = shop.order(order_id).await;
    assert_eq!((order.status, order.step.as_str()), (OrderStatus::Cancelled, "cancelled"));
    assert_eq!(order.reason.expect("says why").code, "card_declined");
    assert!(shop.others.holdings(order_id).are_empty());
    assert_eq!(shop.others.count(Release), 5);
    let causes = shop.causes(order_id).await;
    assert_eq!(causes, ["placed", "stock_reserved", "authorize_payment_refused", "stock_released"]);
    assert_eq!(problem(shop.place(&keyed("k")).await).code, Code::CardDeclined);
}

#[tokio::test]
async fn one_compensation_that_fails_does_not_hold_up_the_others() {
    let shop = Shop::open().await;
    shop.others.script(Commit, [Refused(Code::ReservationExpired)]);
    // asked again at once, because another one got on
    shop.others.script(Recall, [NotBegun, NotBegun]);
    let order_id = pointed_at(&problem(shop.place(&ctx()).await));
    assert_eq!(shop.order(order_id).await.step, "compensating");
    assert_eq!((shop.others.count(Void), shop.others.count(Release)), (1, 1));
    shop.recover().await;
    assert_eq!(shop.order(order_id).await.step, "cancelled");
    assert_eq!(
        (shop.others.count(Void), shop.others.count(Release)),
        (1, 1),
        "what is undone is not asked again"
    );
}

#[tokio::test]
async fn recovery_forgets_old_keys() {
    let shop = Shop::configured(SagaConfig { keep_keys_ms: 60_000, ..SagaConfig::default() }).await;
    let first = shop.place(&keyed("k")).await.expect("is confirmed");
    shop.clock.advance(Duration::from_secs(59));
    shop.saga.recovery_pass().await.expect("the database answers");
    assert_eq!(shop.place(&keyed("k")).await.expect("is replayed").id, first.id);
    shop.clock.advance(Duration::from_secs(2));
    shop.saga.recovery_pass().await.expect("the database answers");
    assert_ne!(shop.place(&keyed("k")).await.expect("is confirmed").id, first.id);
}
