//! Steps: compare and set, the event log, and the answer that is stored once.

use std::collections::BTreeSet;

use contracts::Code;
use orders::domain::saga::{Reverse, Undo};
use orders::domain::{Reason, State};
use orders::store::{OrderStore as _, Outcome};

use super::{benches, key, lease, to};
use crate::shop::stored;

fn every_state() -> Vec<State> {
    let mut states = vec![
        State::Reserving,
        State::Authorizing,
        State::Scheduling,
        State::Committing,
        State::Capturing,
        State::Confirmed,
        State::Rejected,
        State::Cancelled,
        State::Cancelling,
        State::Refunded,
    ];
    let undos = [Undo::Shipment, Undo::Payment, Undo::Stock];
    for count in 1..=undos.len() {
        states.push(State::Compensating(BTreeSet::from_iter(undos[..count].iter().copied())));
    }
    for open in [&[Reverse::Payment][..], &[Reverse::Stock], &[Reverse::Payment, Reverse::Stock]] {
        states.push(State::Reversing(open.iter().copied().collect()));
    }
    states
}

#[tokio::test]
async fn an_order_survives_storage_in_every_state_and_with_every_reason() {
    for bench in benches().await {
        let driver = lease("one", 10);
        for state in every_state() {
            let inserted = bench.order_in(state.clone()).await;
            assert_eq!(bench.stands(inserted.id).await, Some(inserted));
            let mut step = to(state.clone(), &bench.order_in(State::Confirmed).await, &driver);
            step.order.reason =
                Some(Reason { code: Code::OutOfStock, detail: "\"A-1\": 3 left, ✓".into() });
            assert_eq!(bench.step(&step).await, Outcome::Done);
            assert_eq!(bench.stands(step.order.id).await, Some(step.order), "{state:?}");
        }
        for code in Code::ALL {
            let mut step = to(State::Cancelled, &bench.order_in(State::Confirmed).await, &driver);
            step.order.reason = Some(Reason { code: *code, detail: String::new() });
            bench.step(&step).await;
            assert_eq!(bench.stands(step.order.id).await, Some(step.order), "{code}");
        }
    }
}

#[tokio::test]
async fn the_event_log_counts_every_step_and_none_twice() {
    for bench in benches().await {
        let driver = lease("one", 10);
        let mut order = stored(State::Reserving);
        bench.insert(&order, &driver, None).await;
        for state in [State::Authorizing, State::Scheduling, State::Committing, State::Capturing] {
            let step = to(state, &order, &driver);
            assert_eq!(bench.step(&step).await, Outcome::Done);
            assert_eq!(bench.step(&step).await, Outcome::Lost, "a repetition finds the version changed");
            order = step.order;
        }
        let timeline = bench.store.timeline(order.id).await.expect("reads");
        let versions: Vec<u64> = timeline.iter().map(|entry| entry.version).collect();
        assert_eq!(versions, [1, 2, 3, 4, 5]);
        for two in timeline.windows(2) {
            assert_eq!(two[1].from.as_deref(), Some(two[0].to.as_str()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_steps_from_one_version_at_once_one_is_made() {
    for bench in benches().await {
        let driver = lease("one", 10);
        let order = stored(State::Reserving);
        bench.insert(&order, &driver, None).await;
        let (from, by) = (order.clone(), driver.clone());
        let outcomes = bench
            .together(16, move |store, n| {
                let mut step = to(State::Authorizing, &from, &by);
                step.entries[0].cause = format!("task {n}");
                async move { store.transition(&step).await.expect("the database answers") }
            })
            .await;
        let done: Vec<usize> = (0..16).filter(|n| outcomes[*n] == Outcome::Done).collect();
        let [winner] = done[..] else { panic!("exactly one is made: {outcomes:?}") };
        assert_eq!(bench.stands(order.id).await.expect("is there").version, 2);
        let timeline = bench.store.timeline(order.id).await.expect("reads");
        assert_eq!(timeline.len(), 2);
        assert_eq!(timeline[1].cause, format!("task {winner}"));
    }
}

#[tokio::test]
async fn a_step_of_an_order_that_is_not_there_is_lost() {
    for bench in benches().await {
        let order = stored(State::Reserving);
        assert_eq!(bench.step(&to(State::Authorizing, &order, &lease("one", 10))).await, Outcome::Lost);
        assert_eq!(bench.store.timeline(order.id).await.expect("reads"), []);
    }
}

/// Found by a driver that paused between a call and its step: another had taken the order over and
/// booked a carrier meanwhile, and the first one's `not possible` would have undone all but that.
#[tokio::test]
async fn a_step_by_a_driver_who_lost_the_lease_is_lost() {
    for bench in benches().await {
        let order = stored(State::Scheduling);
        bench.insert(&order, &lease("one", 10), None).await;
        let later = contracts::Timestamp(11);
        bench.store.lease_take(order.id, &lease("two", 20), later).await.expect("reads").expect("is free");
        assert_eq!(bench.step(&to(State::Cancelled, &order, &lease("one", 0))).await, Outcome::Lost);
        assert_eq!(bench.stands(order.id).await, Some(order.clone()));
        assert_eq!(bench.step(&to(State::Committing, &order, &lease("two", 30))).await, Outcome::Done);
    }
}

#[tokio::test]
async fn anybody_may_move_an_order_that_rests() {
    for bench in benches().await {
        let order = stored(State::Confirmed);
        bench.insert(&order, &lease("one", 0), None).await;
        assert_eq!(bench.step(&to(State::Cancelling, &order, &lease("two", 10))).await, Outcome::Done);
    }
}

#[tokio::test]
async fn the_first_answer_stands_whatever_becomes_of_the_order() {
    for bench in benches().await {
        let driver = lease("one", 10);
        let mut order = stored(State::Capturing);
        bench.insert(&order, &driver, Some(&key("k"))).await;
        bench.insert(&stored(State::Capturing), &driver, Some(&key("another"))).await;
        let answer = async |name| bench.known(&key(name)).await.expect("is known").answer;
        for (state, given, stands) in [
            (State::Capturing, None, None),
            (State::Confirmed, Some("first"), Some("first")),
            (State::Cancelling, Some("second"), Some("first")),
            (State::Refunded, None, Some("first")),
        ] {
            let mut step = to(state, &order, &driver);
            step.answer = given.map(str::to_owned);
            assert_eq!(bench.step(&step).await, Outcome::Done);
            assert_eq!(answer("k").await.as_deref(), stands);
            order = step.order;
        }
        assert_eq!(answer("another").await, None, "another order's key is not answered");
    }
}

#[tokio::test]
async fn a_step_that_is_lost_leaves_no_answer() {
    for bench in benches().await {
        let order = stored(State::Capturing);
        bench.insert(&order, &lease("one", 10), Some(&key("k"))).await;
        let mut step = to(State::Confirmed, &order, &lease("one", 10));
        step.order.version = 7;
        step.answer = Some("too late".into());
        assert_eq!(bench.step(&step).await, Outcome::Lost);
        assert_eq!(bench.known(&key("k")).await.expect("is known").answer, None);
    }
}
