//! The simulated carriers at work.

use std::sync::Arc;
use std::time::Duration;

use chassis::config::Live;
use contracts::OrderId;
use contracts::shipping::{GetShipment, ShipmentStatus, Shipping};
use shipping::carrier::Carrier;
use shipping::config::CarrierConfig;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{HARDLY_EVER, PATIENCE, Replica, benches, booking, new_order};

impl Replica {
    fn carrier(&self, config: CarrierConfig) -> Carrier {
        Carrier {
            store: self.store.clone(),
            clock: Arc::new(self.clock.clone()),
            config: Live::fixed(config),
            tracker: self.tracker.clone(),
        }
    }

    async fn status(&self, order_id: OrderId) -> ShipmentStatus {
        self.service.shipment(&self.ctx, GetShipment { order_id }).await.expect("is there").status
    }
}

#[tokio::test]
async fn a_shipment_leaves_and_arrives_when_its_time_has_come() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let carrier = replica.carrier(CarrierConfig::default());
        let order_id = new_order();
        replica.service.schedule(&replica.ctx, booking(order_id)).await.expect("booked");
        let running = CancellationToken::new();
        for (wait, status) in [
            (59, ShipmentStatus::Scheduled),
            (1, ShipmentStatus::Shipped),
            (119, ShipmentStatus::Shipped),
            (1, ShipmentStatus::Delivered),
        ] {
            bench.clock.advance(Duration::from_secs(wait));
            carrier.sweep(&running).await.expect("sweeps");
            assert_eq!(replica.status(order_id).await, status);
        }
    }
}

#[tokio::test]
async fn two_carriers_deliver_everything_and_stop_when_told() {
    for bench in benches().await {
        let (one, two) = (bench.replica(HARDLY_EVER).await, bench.replica(HARDLY_EVER).await);
        let orders: Vec<_> = (0..10).map(|_| new_order()).collect();
        for order_id in &orders {
            one.service.schedule(&one.ctx, booking(*order_id)).await.expect("booked");
        }
        let config = CarrierConfig { dispatch_after_ms: 0, deliver_after_ms: 0, sweep_every_ms: 10 };
        let shutdown = CancellationToken::new();
        let at_work =
            [&one, &two].map(|replica| tokio::spawn(replica.carrier(config.clone()).run(shutdown.clone())));
        for order_id in &orders {
            testkit::eventually("the delivery", PATIENCE, || async {
                (one.status(*order_id).await == ShipmentStatus::Delivered).then_some(())
            })
            .await;
        }
        shutdown.cancel();
        for carrier in at_work {
            timeout(PATIENCE, carrier).await.expect("stops").expect("without a panic");
        }
    }
}
