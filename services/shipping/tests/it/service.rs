//! What the port answers.

use std::time::Duration;

use contracts::shipping::{
    GetShipment, QuoteShipping, Recall, ScheduleShipment, Shipment, ShipmentStatus, Shipping, TrackShipment,
};
use contracts::types::{Cursor, PageRequest};
use contracts::{Code, Money, OrderId, PortResult};
use shipping::store::ShippingStore;

use crate::{AT_ONCE, HARDLY_EVER, Replica, benches, booking, calling_off, new_order};

fn code<T>(result: PortResult<T>) -> Code {
    result.err().expect("a refusal").code().expect("a decision of the service")
}

impl Replica {
    async fn schedule(&self, request: ScheduleShipment) -> PortResult<Shipment> {
        self.service.schedule(&self.ctx, request).await
    }

    async fn cancel(&self, order_id: OrderId, recall: Recall) -> PortResult<Shipment> {
        self.service.cancel(&self.ctx, calling_off(order_id, recall)).await
    }

    async fn ship(&self) {
        use chassis::clock::Clock as _;
        let moved = self.store.shipments_advance(AT_ONCE, self.clock.now(), 100).await.expect("moves");
        assert!(!moved.is_empty());
    }
}

#[tokio::test]
async fn a_booking_is_kept_and_its_repetition_answers_the_same() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let request = booking(new_order());
        let first = replica.schedule(request.clone()).await.expect("booked");
        assert_eq!((first.status, first.carrier.as_str()), (ShipmentStatus::Scheduled, "Tailwind Parcel"));
        let order_id = request.order_id;
        let get = async || replica.service.shipment(&replica.ctx, GetShipment { order_id }).await;
        assert_eq!(get().await, Ok(first.clone()));

        bench.clock.advance(Duration::from_secs(60));
        replica.ship().await;
        assert_eq!(get().await.expect("is there").status, ShipmentStatus::Shipped);
        assert_eq!(replica.schedule(request.clone()).await, Ok(first));
        let heavier = ScheduleShipment { weight_grams: 501, ..request };
        assert_eq!(code(replica.schedule(heavier).await), Code::Conflict);
    }
}

#[tokio::test]
async fn a_cancellation_that_overtakes_its_booking_refuses_it() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order_id = new_order();
        let tombstone = replica.cancel(order_id, Recall::IfShipped).await.expect("never refused");
        assert_eq!((tombstone.status, tombstone.carrier.as_str()), (ShipmentStatus::Cancelled, ""));
        bench.clock.advance(Duration::from_secs(5));
        assert_eq!(replica.cancel(order_id, Recall::Never).await, Ok(tombstone.clone()));
        assert_eq!(code(replica.schedule(booking(order_id)).await), Code::Compensated);
        let seen = replica.service.shipment(&replica.ctx, GetShipment { order_id }).await;
        assert_eq!(seen, Ok(tombstone));
    }
}

#[tokio::test]
async fn goods_that_have_left_come_back_only_when_recalled() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order_id = new_order();
        let booked = replica.schedule(booking(order_id)).await.expect("booked");
        replica.ship().await;
        assert_eq!(code(replica.cancel(order_id, Recall::Never).await), Code::AlreadyShipped);
        let back = replica.cancel(order_id, Recall::IfShipped).await.expect("never refused");
        assert_eq!(back.status, ShipmentStatus::Cancelled);
        // a repetition is answered as the first time, and books nothing
        assert_eq!(replica.schedule(booking(order_id)).await, Ok(booked));
        let seen = replica.service.shipment(&replica.ctx, GetShipment { order_id }).await;
        assert_eq!(seen, Ok(back));
    }
}

#[tokio::test]
async fn what_no_carrier_takes_is_refused_and_leaves_nothing_behind() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order_id = new_order();
        let mut nowhere = booking(order_id);
        nowhere.address.country = "AQ".into();
        assert_eq!(code(replica.schedule(nowhere).await), Code::ShipmentRefused);
        let heavy = ScheduleShipment { weight_grams: 30_001, ..booking(order_id) };
        assert_eq!(code(replica.schedule(heavy).await), Code::ShipmentRefused);
        let lost = replica.service.shipment(&replica.ctx, GetShipment { order_id }).await;
        assert_eq!(code(lost), Code::NotFound);
        assert_eq!(
            code(replica.service.track(&replica.ctx, TrackShipment { order_id }).await),
            Code::NotFound
        );
    }
}

#[tokio::test]
async fn a_quote_names_carrier_price_and_days_or_every_fault() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let ask = async |country: &str, weight_grams| {
            let request = QuoteShipping { country: country.into(), weight_grams };
            replica.service.quote(&replica.ctx, request).await
        };
        let quote = ask("CH", 2_450).await.expect("served");
        assert_eq!(
            (quote.carrier.as_str(), quote.price, quote.days),
            ("North Sea Lines", Money::eur(2_790), 6)
        );
        assert_eq!(code(ask("AQ", 1).await), Code::ShipmentRefused);
        assert_eq!(code(ask("DE", u32::MAX).await), Code::ShipmentRefused);
        assert_eq!(code(ask("de", 0).await), Code::InvalidRequest);
    }
}

#[tokio::test]
async fn the_audit_walks_every_shipment_once() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let mut expected: Vec<_> = (0..5).map(|_| new_order()).collect();
        for order_id in &expected {
            replica.schedule(booking(*order_id)).await.expect("booked");
        }
        expected.push(new_order());
        replica.cancel(expected[5], Recall::Never).await.expect("a tombstone");
        expected.sort();

        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let request = PageRequest { cursor, limit: Some(4) };
            let page = replica.service.audit(&replica.ctx, request).await.expect("audits");
            seen.extend(page.items.iter().map(|shipment| shipment.order_id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected);
        let foreign = PageRequest { cursor: Some(Cursor("KIT-0001".into()).encode()), limit: None };
        assert_eq!(code(replica.service.audit(&replica.ctx, foreign).await), Code::InvalidCursor);
    }
}
