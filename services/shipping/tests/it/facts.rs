//! Every change of the books is told in the transaction that makes it, and nothing else is.

use std::time::Duration;

use chassis::clock::Clock as _;
use contracts::Code;
use contracts::shipping::{Recall, Shipping};
use shipping::store::ShippingStore;

use crate::{AT_ONCE, Coordination, HARDLY_EVER, Replica, benches, booking, calling_off, new_order, origin};

impl Replica {
    async fn carry(&self) {
        self.clock.advance(Duration::from_secs(1));
        self.store.shipments_advance(AT_ONCE, self.clock.now(), 100).await.expect("moves");
    }
}

#[tokio::test]
async fn each_station_is_told_once() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order = new_order();
        for _ in 0..2 {
            replica.service.schedule(&replica.ctx, booking(order)).await.expect("booked");
        }
        assert_eq!(replica.told(order).await, ["shipment_scheduled"]);
        replica.carry().await;
        assert_eq!(replica.told(order).await, ["shipment_scheduled", "shipment_shipped"]);
        for _ in 0..2 {
            replica.carry().await;
        }
        let all = ["shipment_scheduled", "shipment_shipped", "shipment_delivered"];
        assert_eq!(replica.told(order).await, all);
        let said = replica.said(order).await;
        assert_eq!(said[2].data["shipment"]["status"], "delivered");
        assert!(said.iter().all(|said| said.coordination == Coordination::Sync));
    }
}

#[tokio::test]
async fn a_cancellation_is_told_with_its_purpose_and_so_is_a_tombstone() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let (booked, unseen) = (new_order(), new_order());
        replica.service.schedule(&replica.ctx, booking(booked)).await.expect("booked");
        for (order, recall) in [(booked, Recall::Never), (unseen, Recall::IfShipped)] {
            for _ in 0..2 {
                replica.service.cancel(&replica.ctx, calling_off(order, recall)).await.expect("cancelled");
            }
        }
        assert_eq!(replica.told(booked).await, ["shipment_scheduled", "shipment_cancelled"]);
        assert_eq!(replica.told(unseen).await, ["shipment_cancelled"]);
        assert_eq!(replica.said(booked).await[1].data["recall"], "never");
        assert_eq!(replica.said(unseen).await[0].data["recall"], "if_shipped");
    }
}

#[tokio::test]
async fn what_is_refused_tells_nothing() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let (nowhere, left) = (new_order(), new_order());
        let mut request = booking(nowhere);
        request.address.country = "AQ".into();
        let refused = replica.service.schedule(&replica.ctx, request).await.expect_err("nobody goes there");
        assert_eq!(refused.code(), Some(Code::ShipmentRefused));
        assert_eq!(replica.told(nowhere).await, [""; 0]);

        replica.service.schedule(&replica.ctx, booking(left)).await.expect("booked");
        replica.carry().await;
        let refused = replica.service.cancel(&replica.ctx, calling_off(left, Recall::Never)).await;
        assert_eq!(refused.expect_err("has left").code(), Some(Code::AlreadyShipped));
        assert_eq!(replica.told(left).await, ["shipment_scheduled", "shipment_shipped"]);
    }
}

#[tokio::test]
async fn whoever_touches_an_order_first_decides_who_drives_it_and_the_caller_gives_the_trace() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order = new_order();
        let first = origin(Coordination::Choreographed);
        let booked = replica.store.shipment_schedule(&booking(order), bench.clock.now(), &first).await;
        booked.expect("no failure").expect("booked");
        replica.carry().await;
        let recall = calling_off(order, Recall::IfShipped);
        replica.service.cancel(&replica.ctx, recall).await.expect("called back");

        let said = replica.said(order).await;
        assert!(said.iter().all(|said| said.coordination == Coordination::Choreographed));
        let traces: Vec<_> = said.iter().map(|said| said.trace_id.clone()).collect();
        let (first, call) = (first.trace.trace_id_hex(), replica.ctx.trace.trace_id_hex());
        assert_eq!(traces, [first.clone(), first, call], "nobody calls the carrier");
    }
}

/// Replicas that sweep together move each shipment once, and so tell it once.
#[tokio::test]
async fn carriers_that_come_together_tell_each_move_once() {
    for bench in benches().await {
        let (one, two) = (bench.replica(HARDLY_EVER).await, bench.replica(HARDLY_EVER).await);
        let orders: Vec<_> = (0..20).map(|_| new_order()).collect();
        for order in &orders {
            one.service.schedule(&one.ctx, booking(*order)).await.expect("booked");
        }
        // a minute to the next move, so that nobody finds it due already
        let pace = shipping::domain::Pace { deliver_after: Duration::from_secs(60), ..AT_ONCE };
        let now = bench.clock.now();
        let (first, second) = tokio::join!(
            one.store.shipments_advance(pace, now, 100),
            two.store.shipments_advance(pace, now, 100)
        );
        assert_eq!(first.expect("moves").len() + second.expect("moves").len(), orders.len());
        for order in orders {
            assert_eq!(one.told(order).await, ["shipment_scheduled", "shipment_shipped"]);
        }
    }
}
