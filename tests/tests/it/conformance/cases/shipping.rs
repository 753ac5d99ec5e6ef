//! The operations of shipping.

use contracts::shipping::{
    AUDIT, CANCEL, CancelShipment, GetShipment, QUOTE, Quote, QuoteShipping, Recall, SCHEDULE, SHIPMENT,
    ScheduleShipment, Shipment, ShipmentStatus, TRACK, TrackShipment, TrackingEvent,
};
use contracts::types::Page;
use futures::TryStreamExt;

use super::Case;
use super::values::{
    EARLY, LAST, NOW, POOREST, RICHEST, TEXT, address, first_page, last_order_id, later_page, order_id,
};

const STATES: [ShipmentStatus; 4] = [
    ShipmentStatus::Scheduled,
    ShipmentStatus::Shipped,
    ShipmentStatus::Delivered,
    ShipmentStatus::Cancelled,
];

/// A shipment in each state.
fn shipments() -> Vec<Shipment> {
    let texts = ["", TEXT].into_iter().cycle();
    let moments = [NOW, LAST, EARLY].into_iter().cycle();
    let shipment = |((status, text), updated_at): ((_, &str), _)| Shipment {
        order_id: last_order_id(),
        status,
        carrier: text.into(),
        tracking_number: text.into(),
        updated_at,
    };
    STATES.into_iter().zip(texts).zip(moments).map(shipment).collect()
}

fn stations() -> Vec<TrackingEvent> {
    let station = |(sequence, status)| TrackingEvent {
        order_id: order_id(),
        sequence,
        status,
        note: TEXT.into(),
        at: LAST,
    };
    [1, 2, 3, u32::MAX].into_iter().zip(STATES).map(station).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (country, weight_grams, price) in [("DE", u32::MAX, RICHEST), (TEXT, 0, POOREST)] {
        let request = QuoteShipping { country: country.into(), weight_grams };
        let reply = Quote { carrier: TEXT.into(), price, days: weight_grams };
        cases.push(Case::new(&QUOTE, request, reply, |clients, ctx, request| async move {
            clients.shipping.quote(&ctx, request).await
        }));
    }
    for (shipment, recall) in
        shipments().into_iter().zip([Recall::Never, Recall::IfShipped].into_iter().cycle())
    {
        let order_id = shipment.order_id;
        let request = ScheduleShipment { order_id, address: address(), weight_grams: u32::MAX };
        cases.push(Case::new(&SCHEDULE, request, shipment.clone(), |clients, ctx, request| async move {
            clients.shipping.schedule(&ctx, request).await
        }));
        let request = CancelShipment { order_id, recall };
        cases.push(Case::new(&CANCEL, request, shipment.clone(), |clients, ctx, request| async move {
            clients.shipping.cancel(&ctx, request).await
        }));
        let request = GetShipment { order_id };
        cases.push(Case::new(&SHIPMENT, request, shipment, |clients, ctx, request| async move {
            clients.shipping.shipment(&ctx, request).await
        }));
    }
    for stations in [stations(), Vec::new()] {
        let request = TrackShipment { order_id: order_id() };
        cases.push(Case::new(&TRACK, request, stations, |clients, ctx, request| async move {
            clients.shipping.track(&ctx, request).await?.try_collect().await
        }));
    }
    for (asked, items) in [(later_page(), shipments()), (first_page(), Vec::new())] {
        let reply = Page { items, next: asked.cursor.clone() };
        cases.push(Case::new(&AUDIT, asked, reply, |clients, ctx, request| async move {
            clients.shipping.audit(&ctx, request).await
        }));
    }
    cases
}
