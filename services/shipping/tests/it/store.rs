//! What becomes of a shipment when several touch it at the same time.

use std::time::Duration;

use chassis::clock::Clock as _;
use contracts::OrderId;
use contracts::shipping::{Recall, ShipmentStatus};
use futures::future::join_all;
use shipping::domain::{Pace, Refusal};
use shipping::store::ShippingStore;

use crate::{AT_ONCE, Bench, HARDLY_EVER, Replica, SYNC, benches, booking, calling_off, new_order};

async fn two_replicas(bench: &Bench) -> (Replica, Replica) {
    (bench.replica(HARDLY_EVER).await, bench.replica(HARDLY_EVER).await)
}

/// The statuses that a shipment went through; fails where their numbers do not count up from 1.
async fn history(replica: &Replica, order_id: OrderId) -> Vec<ShipmentStatus> {
    let events = replica.store.shipment_history(order_id).await.expect("reads");
    let numbers: Vec<_> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=events.len() as u32).collect::<Vec<_>>());
    events.iter().map(|event| event.status).collect()
}

#[tokio::test]
async fn eight_bookings_of_one_order_at_once_make_one_shipment() {
    for bench in benches().await {
        let (one, two) = two_replicas(&bench).await;
        let request = booking(new_order());
        let now = bench.clock.now();
        let attempts = [&one, &two].into_iter().cycle().take(8);
        let answers =
            join_all(attempts.map(|replica| replica.store.shipment_schedule(&request, now, &SYNC))).await;
        let mut answers: Vec<_> = answers.into_iter().map(|answer| answer.expect("no failure")).collect();
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(answers[0].as_ref().expect("booked").status, ShipmentStatus::Scheduled);
        assert_eq!(history(&one, request.order_id).await, [ShipmentStatus::Scheduled]);
    }
}

#[tokio::test]
async fn a_booking_and_its_cancellation_at_once_always_end_cancelled() {
    for bench in benches().await {
        let (one, two) = two_replicas(&bench).await;
        for _ in 0..20 {
            let order = new_order();
            let (request, off) = (booking(order), calling_off(order, Recall::IfShipped));
            let now = bench.clock.now();
            let (booked, cancelled) = tokio::join!(
                one.store.shipment_schedule(&request, now, &SYNC),
                two.store.shipment_cancel(&off, now, &SYNC)
            );
            assert_eq!(
                cancelled.expect("no failure").expect("never refused").status,
                ShipmentStatus::Cancelled
            );
            let expected = match booked.expect("no failure") {
                Ok(_) => vec![ShipmentStatus::Scheduled, ShipmentStatus::Cancelled],
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::Cancelled(order));
                    vec![ShipmentStatus::Cancelled]
                }
            };
            assert_eq!(history(&one, order).await, expected);
        }
    }
}

#[tokio::test]
async fn replicas_that_sweep_at_once_move_each_shipment_once() {
    for bench in benches().await {
        let (one, two) = two_replicas(&bench).await;
        let orders: Vec<_> = (0..30).map(|_| new_order()).collect();
        let now = bench.clock.now();
        for order in &orders {
            one.store
                .shipment_schedule(&booking(*order), now, &SYNC)
                .await
                .expect("no failure")
                .expect("booked");
        }
        // a minute between two moves, so that the slower replica never finds the next one due already
        let pace = Pace { deliver_after: Duration::from_secs(60), ..AT_ONCE };
        let mut expected = vec![ShipmentStatus::Scheduled];
        for status in [ShipmentStatus::Shipped, ShipmentStatus::Delivered] {
            let now = bench.clock.now();
            let (first, second) = tokio::join!(
                one.store.shipments_advance(pace, now, 100),
                two.store.shipments_advance(pace, now, 100)
            );
            let moved = first.expect("moves").len() + second.expect("moves").len();
            assert_eq!(moved, orders.len(), "each is moved by one of the two");
            expected.push(status);
            for order in &orders {
                assert_eq!(history(&one, *order).await, expected);
            }
            bench.clock.advance(pace.deliver_after);
        }
    }
}

#[tokio::test]
async fn a_recall_during_a_sweep_is_never_lost() {
    for bench in benches().await {
        let (one, two) = two_replicas(&bench).await;
        let orders: Vec<_> = (0..20).map(|_| new_order()).collect();
        let now = bench.clock.now();
        for order in &orders {
            one.store
                .shipment_schedule(&booking(*order), now, &SYNC)
                .await
                .expect("no failure")
                .expect("booked");
        }
        let requests: Vec<_> = orders.iter().map(|order| calling_off(*order, Recall::IfShipped)).collect();
        let recalls = join_all(requests.iter().map(|request| two.store.shipment_cancel(request, now, &SYNC)));
        let (moved, recalled) = tokio::join!(one.store.shipments_advance(AT_ONCE, now, 100), recalls);
        moved.expect("moves");
        for (order, answer) in orders.iter().zip(recalled) {
            assert_eq!(answer.expect("no failure").expect("never refused").status, ShipmentStatus::Cancelled);
            assert_eq!(history(&one, *order).await.last(), Some(&ShipmentStatus::Cancelled));
        }
    }
}

#[tokio::test]
async fn a_sweep_moves_no_more_than_it_is_told_and_the_oldest_first() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let orders: Vec<_> = (0..3).map(|_| new_order()).collect();
        for order in &orders {
            bench.clock.advance(Duration::from_secs(1));
            let booked = replica.store.shipment_schedule(&booking(*order), bench.clock.now(), &SYNC).await;
            booked.expect("no failure").expect("booked");
        }
        let moved = replica.store.shipments_advance(AT_ONCE, bench.clock.now(), 2).await.expect("moves");
        assert_eq!(moved, orders[..2]);
    }
}
