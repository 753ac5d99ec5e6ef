//! What a listener sees, and when.

use std::time::Duration;

use chassis::clock::Clock as _;
use contracts::shipping::{Recall, ShipmentStatus, Shipping, TrackShipment, TrackingEvent};
use contracts::{Code, OrderId, PortResult, Streaming};
use futures::StreamExt as _;
use shipping::config::TrackingConfig;
use shipping::store::ShippingStore;
use tokio::time::timeout;

use crate::{AT_ONCE, HARDLY_EVER, PATIENCE, Replica, benches, booking, calling_off, new_order};

type Stations = Streaming<PortResult<TrackingEvent>>;

async fn next(stations: &mut Stations) -> Option<PortResult<TrackingEvent>> {
    timeout(PATIENCE, stations.next()).await.expect("something within the deadline")
}

async fn station(stations: &mut Stations) -> (u32, ShipmentStatus) {
    let station = next(stations).await.expect("not the end").expect("no problem");
    (station.sequence, station.status)
}

impl Replica {
    async fn booked(&self) -> OrderId {
        let order_id = new_order();
        self.service.schedule(&self.ctx, booking(order_id)).await.expect("booked");
        order_id
    }

    async fn follow(&self, order_id: OrderId) -> Stations {
        self.service.track(&self.ctx, TrackShipment { order_id }).await.expect("there is a shipment")
    }

    /// Moves what there is, as a carrier in this process would.
    async fn advance(&self) {
        let moved = self.store.shipments_advance(AT_ONCE, self.clock.now(), 100).await.expect("moves");
        moved.into_iter().for_each(|order_id| self.tracker.moved(order_id));
    }
}

#[tokio::test]
async fn past_stations_come_at_once_and_later_ones_as_they_happen() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order_id = replica.booked().await;
        let mut early = replica.follow(order_id).await;
        assert_eq!(station(&mut early).await, (1, ShipmentStatus::Scheduled));
        let (seen, ()) = tokio::join!(station(&mut early), replica.advance());
        assert_eq!(seen, (2, ShipmentStatus::Shipped));

        let mut late = replica.follow(order_id).await;
        assert_eq!(station(&mut late).await, (1, ShipmentStatus::Scheduled));
        assert_eq!(station(&mut late).await, (2, ShipmentStatus::Shipped));
        replica.advance().await;
        for listener in [&mut early, &mut late] {
            assert_eq!(station(listener).await, (3, ShipmentStatus::Delivered));
            assert_eq!(next(listener).await, None, "nothing comes after the last station");
        }
    }
}

#[tokio::test]
async fn a_cancellation_is_the_last_station() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order_id = replica.booked().await;
        let mut stations = replica.follow(order_id).await;
        assert_eq!(station(&mut stations).await, (1, ShipmentStatus::Scheduled));
        replica.service.cancel(&replica.ctx, calling_off(order_id, Recall::Never)).await.expect("cancelled");
        assert_eq!(station(&mut stations).await, (2, ShipmentStatus::Cancelled));
        assert_eq!(next(&mut stations).await, None);

        let tombstone = new_order();
        replica.service.cancel(&replica.ctx, calling_off(tombstone, Recall::Never)).await.expect("cancelled");
        let mut stations = replica.follow(tombstone).await;
        assert_eq!(station(&mut stations).await, (1, ShipmentStatus::Cancelled));
        assert_eq!(next(&mut stations).await, None);
    }
}

#[tokio::test]
async fn moves_of_another_replica_are_seen_in_the_database() {
    for bench in benches().await {
        let here = bench.replica(TrackingConfig { poll_ms: 10 }).await;
        let there = bench.replica(HARDLY_EVER).await;
        let mut stations = here.follow(there.booked().await).await;
        assert_eq!(station(&mut stations).await, (1, ShipmentStatus::Scheduled));
        there.advance().await;
        assert_eq!(station(&mut stations).await, (2, ShipmentStatus::Shipped));
        there.advance().await;
        assert_eq!(station(&mut stations).await, (3, ShipmentStatus::Delivered));
        assert_eq!(next(&mut stations).await, None);
    }
}

#[tokio::test]
async fn a_listener_that_falls_behind_misses_no_station() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let mut stations = replica.follow(replica.booked().await).await;
        assert_eq!(station(&mut stations).await, (1, ShipmentStatus::Scheduled));
        replica.advance().await;
        replica.advance().await;
        // pushes its own wake-ups out of the bounded backlog
        (0..1000).for_each(|_| replica.tracker.moved(new_order()));
        assert_eq!(station(&mut stations).await, (2, ShipmentStatus::Shipped));
        assert_eq!(station(&mut stations).await, (3, ShipmentStatus::Delivered));
    }
}

#[tokio::test]
async fn a_stopping_instance_says_so_to_its_listeners() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let mut stations = replica.follow(replica.booked().await).await;
        assert_eq!(station(&mut stations).await, (1, ShipmentStatus::Scheduled));
        replica.ending.cancel();
        let problem = next(&mut stations).await.expect("a word").expect_err("a problem");
        assert_eq!(problem.code(), Some(Code::Unavailable));
        assert_eq!(next(&mut stations).await, None);
    }
}

#[tokio::test]
async fn a_station_carries_the_moment_it_happened() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order_id = replica.booked().await;
        let booked_at = bench.clock.now();
        bench.clock.advance(Duration::from_secs(90));
        replica.advance().await;
        let mut stations = replica.follow(order_id).await;
        let times = [next(&mut stations).await, next(&mut stations).await]
            .map(|station| station.expect("not the end").expect("no problem").at);
        assert_eq!(times, [booked_at, bench.clock.now()]);
    }
}
