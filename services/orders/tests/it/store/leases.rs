//! Who may drive an order, and which orders are abandoned.

use contracts::orders::Coordination;
use contracts::{OrderId, Timestamp};
use orders::domain::{Driver, State};
use orders::store::{OrderStore as _, Outcome, StoredOrder};
use uuid::Uuid;

use super::{benches, lease, to};
use crate::shop::stored;

#[tokio::test]
async fn a_lease_is_taken_from_nobody_who_holds_it() {
    for bench in benches().await {
        let order = stored(State::Authorizing);
        bench.insert(&order, &lease("one", 10), None).await;
        let take = async |owner, until, now| {
            let taken = bench.store.lease_take(order.id, &lease(owner, until), Timestamp(now)).await;
            taken.expect("the database answers")
        };
        assert_eq!(take("two", 20, 9).await, None, "it runs");
        assert_eq!(take("one", 15, 9).await.as_ref(), Some(&order), "its owner may take it again");
        assert_eq!(take("two", 25, 14).await, None, "and has prolonged it by that");
        assert_eq!(take("two", 25, 15).await.as_ref(), Some(&order), "it has run out");
        assert_eq!(take("one", 30, 16).await, None, "it is the other one's now");
    }
}

#[tokio::test]
async fn a_step_prolongs_the_lease() {
    for bench in benches().await {
        let order = stored(State::Reserving);
        bench.insert(&order, &lease("one", 10), None).await;
        assert_eq!(bench.step(&to(State::Authorizing, &order, &lease("one", 20))).await, Outcome::Done);
        let taken = bench.store.lease_take(order.id, &lease("two", 30), Timestamp(19)).await;
        assert_eq!(taken.expect("the database answers"), None);
    }
}

#[tokio::test]
async fn nobody_takes_an_order_that_rests_or_is_not_there() {
    for bench in benches().await {
        let mut ids = vec![OrderId(Uuid::now_v7())];
        for state in [State::Confirmed, State::Rejected, State::Cancelled, State::Refunded] {
            ids.push(bench.order_in(state).await.id);
        }
        for id in ids {
            let taken = bench.store.lease_take(id, &lease("one", 20), Timestamp(10)).await;
            assert_eq!(taken.expect("the database answers"), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_who_want_an_abandoned_order_at_once_one_gets_it() {
    for bench in benches().await {
        let id = bench.order_in(State::Authorizing).await.id;
        let taken = bench
            .together(16, move |store, n| async move {
                let taken = store.lease_take(id, &lease(&format!("task {n}"), 20), Timestamp(10)).await;
                taken.expect("the database answers").is_some()
            })
            .await;
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");
    }
}

#[tokio::test]
async fn abandoned_orders_come_longest_abandoned_first_and_no_more_than_wanted() {
    for bench in benches().await {
        let mut ids = Vec::new();
        for (state, until) in [
            (State::Capturing, 7),
            (State::Authorizing, 3),
            (State::Cancelling, 10),
            (State::Confirmed, 1),
            (State::Reserving, 11),
            (State::Committing, 5),
        ] {
            let order = stored(state);
            bench.insert(&order, &lease("one", until), None).await;
            ids.push(order.id);
        }
        let overdue = async |limit| {
            bench.store.orders_overdue(Driver::Calls, Timestamp(10), limit).await.expect("reads")
        };
        assert_eq!(
            overdue(32).await,
            [ids[1], ids[5], ids[0], ids[2]],
            "none that rests, none whose lease runs"
        );
        assert_eq!(overdue(2).await, [ids[1], ids[5]]);
    }
}

#[tokio::test]
async fn calls_never_drive_an_order_that_messages_drive() {
    for bench in benches().await {
        let mut ids = Vec::new();
        for coordination in [Coordination::Orchestrated, Coordination::Choreographed, Coordination::Sync] {
            let order = StoredOrder { coordination, ..stored(State::Authorizing) };
            bench.insert(&order, &lease("messages", 5), None).await;
            ids.push(order.id);
        }
        let overdue =
            async |driver| bench.store.orders_overdue(driver, Timestamp(10), 9).await.expect("reads");
        let mut waiting = overdue(Driver::Messages).await;
        waiting.sort();
        assert_eq!(waiting, ids[..2]);
        assert_eq!(overdue(Driver::Calls).await, ids[2..]);
        for id in &ids[..2] {
            let taken = bench.store.lease_take(*id, &lease("one", 20), Timestamp(10)).await;
            assert_eq!(taken.expect("the database answers"), None);
        }
    }
}

#[tokio::test]
async fn a_lease_that_has_run_out_is_postponed_whatever_the_row_says() {
    for bench in benches().await {
        let (waiting, resting) = (stored(State::Reserving), stored(State::Confirmed));
        bench.insert(&waiting, &lease("messages", 10), None).await;
        bench.insert(&resting, &lease("messages", 0), None).await;
        bench.corrupt("UPDATE orders_orders SET state = 'dreaming', early = '' WHERE resting = 0").await;
        let postpone = async |id, until, now| {
            let postponed = bench.store.lease_postpone(id, Timestamp(until), Timestamp(now)).await;
            postponed.expect("the database answers")
        };
        assert_eq!(postpone(waiting.id, 20, 9).await, Outcome::Lost, "it runs");
        assert_eq!(postpone(waiting.id, 20, 10).await, Outcome::Done);
        assert_eq!(postpone(waiting.id, 30, 10).await, Outcome::Lost, "one of two who are at it does it");
        assert_eq!(postpone(resting.id, 30, 10).await, Outcome::Lost);
        assert_eq!(postpone(OrderId(Uuid::now_v7()), 30, 10).await, Outcome::Lost);
        for (now, overdue) in [(19, vec![]), (20, vec![waiting.id])] {
            let found = bench.store.orders_overdue(Driver::Calls, Timestamp(now), 9).await;
            assert_eq!(found.expect("reads"), overdue, "at {now}");
        }
    }
}

/// One of them kept every process from recovering any order.
#[tokio::test]
async fn an_overdue_order_whose_id_makes_no_sense_is_left_out_and_then_out_of_line() {
    for bench in benches().await {
        bench.order_in(State::Reserving).await;
        bench.corrupt("UPDATE orders_orders SET id = 'seventeen'").await;
        let order = stored(State::Reserving);
        bench.insert(&order, &lease("one", 5), None).await;
        for expected in [vec![], vec![order.id]] {
            let found = bench.store.orders_overdue(Driver::Calls, Timestamp(10), 1).await;
            assert_eq!(found.expect("reads"), expected);
        }
    }
}
