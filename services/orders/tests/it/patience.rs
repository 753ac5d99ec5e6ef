//! Customers who do not wait: what they learn, and that the order does not depend on it.

use std::time::Duration;

use contracts::orders::OrderStatus;
use contracts::{Code, Context, Deadline};
use orders::config::SagaConfig;
use orders::domain::State;
use tokio_util::sync::CancellationToken;

use crate::others::{Answer, Call, Holdings};
use crate::shop::{PATIENCE, Shop, ctx, keyed, pointed_at, problem};

#[tokio::test]
async fn when_the_time_is_up_first_the_customer_learns_where_to_look_and_the_order_goes_on() {
    let shop = Shop::open().await;
    let gate = shop.others.hold(Call::Commit, Answer::Done);
    let hasty = Context::background("test", Duration::from_millis(150));
    let problem = problem(shop.place(&hasty).await);
    assert_eq!(problem.code, Code::OutcomeUnknown);
    let order_id = pointed_at(&problem);
    let order = shop.order(order_id).await;
    assert_eq!(order.status, OrderStatus::Placed, "never 'cancelled': {order:?}");
    // the call at the gate is answered long after the customer's deadline, which is not the order's
    gate.arrived().await;
    gate.open();
    shop.comes_to("confirmed", order_id).await;
    assert_eq!(shop.others.holdings(order_id), Holdings::CONFIRMED);
}

#[tokio::test]
async fn a_customer_who_hangs_up_changes_nothing() {
    for call in [Call::Reserve, Call::Authorize, Call::Schedule, Call::Commit, Call::Capture] {
        let shop = Shop::open().await;
        let gate = shop.others.hold(call, Answer::Done);
        let placing = shop.placing(keyed("k"));
        gate.arrived().await;
        placing.abort();
        assert!(placing.await.expect_err("is dropped").is_cancelled());
        gate.open();
        let order_id = shop.orders().await[0].id;
        let order = shop.comes_to("confirmed", order_id).await;
        assert_eq!(shop.others.calls(order_id).len(), 5, "{call:?}");
        assert_eq!(shop.place(&keyed("k")).await, Ok(order), "{call:?}: whoever comes back is told");
    }
}

#[tokio::test]
async fn an_order_whose_own_time_is_up_is_undone() {
    let budget = Duration::from_secs(1);
    let budget_ms = budget.as_millis() as u64;
    let shop = Shop::configured(SagaConfig { budget_ms, ..SagaConfig::default() }).await;
    let gate = shop.others.hold(Call::Authorize, Answer::Done);
    let placing = shop.placing(ctx());
    gate.arrived().await;
    // began after the order's own, so that it passes after it
    let deadline = Deadline::after(budget);
    testkit::eventually("the budget to pass", PATIENCE, || async { deadline.passed().then_some(()) }).await;
    gate.open();
    let problem = problem(placing.await.expect("does not panic"));
    assert_eq!(problem.code, Code::OutcomeUnknown);
    let order_id = pointed_at(&problem);
    assert_eq!(shop.order(order_id).await.step, "compensating", "there was no time for that either");
    // recovery comes with fresh time
    shop.recover().await;
    assert_eq!(shop.order(order_id).await.step, "cancelled");
    assert!(shop.others.holdings(order_id).are_empty());
}

#[tokio::test]
async fn the_recovery_loop_finishes_what_was_left_and_ends_when_it_is_told() {
    let shop = Shop::open().await;
    shop.others.script(Call::Capture, [Answer::LostUnheard]);
    let order_id = pointed_at(&problem(shop.place(&ctx()).await));
    shop.leases_run_out();
    let shutdown = CancellationToken::new();
    let recovering = tokio::spawn(shop.saga.clone().recover(shutdown.clone()));
    shop.comes_to("confirmed", order_id).await;
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, recovering).await.expect("ends").expect("does not panic");
}

/// What happened before an order came to be `capturing`.
const BEFORE_CAPTURE: &[Call] = &[Call::Reserve, Call::Authorize, Call::Schedule, Call::Commit];

/// One slow order held up all the others, and the end of the process.
#[tokio::test]
async fn an_order_that_is_slow_to_recover_holds_up_neither_the_others_nor_shutdown() {
    let shop = Shop::open().await;
    let gate = shop.others.hold(Call::Capture, Answer::Done);
    let slow = shop.abandoned(State::Capturing, BEFORE_CAPTURE).await;
    let shutdown = CancellationToken::new();
    let recovering = tokio::spawn(shop.saga.clone().recover(shutdown.clone()));
    gate.arrived().await;
    // its lease has run out, and yet this process does not begin with it a second time
    shop.leases_run_out();
    let other = shop.abandoned(State::Capturing, BEFORE_CAPTURE).await;
    shop.comes_to("confirmed", other).await;
    assert_eq!(
        (shop.order(slow).await.step.as_str(), shop.others.calls(slow)),
        ("capturing", vec![Call::Capture])
    );
    shutdown.cancel();
    tokio::time::timeout(PATIENCE / 2, recovering).await.expect("ends").expect("does not panic");
}

#[tokio::test]
async fn after_a_crash_more_orders_than_there_is_room_for_are_recovered_without_a_pause() {
    let shop = Shop::configured(SagaConfig { recovery_every_ms: 60_000, ..SagaConfig::default() }).await;
    let mut left = Vec::new();
    for _ in 0..80 {
        left.push(shop.abandoned(State::Capturing, BEFORE_CAPTURE).await);
    }
    let shutdown = CancellationToken::new();
    let recovering = tokio::spawn(shop.saga.clone().recover(shutdown.clone()));
    for order_id in left {
        shop.comes_to("confirmed", order_id).await;
    }
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, recovering).await.expect("ends").expect("does not panic");
}
