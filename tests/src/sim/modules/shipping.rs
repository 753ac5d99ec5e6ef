//! Shipping whose carrier picks goods up soon, so that some have left when they are to be called off.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::shipping::{
    CANCEL, CancelShipment, GetShipment, QUOTE, Quote, QuoteShipping, Recall, SCHEDULE, ScheduleShipment,
    Shipment, ShipmentStatus, Shipping, TrackShipment, TrackingEvent,
};
use contracts::types::{Page, PageRequest};
use contracts::{Code, Context, Money, OrderId, PortResult, Problem, Streaming, Timestamp};
use parking_lot::Mutex;

use super::Site;

/// When the carrier comes.
const PICK_UP: Duration = Duration::from_secs(8);

/// Who carries what.
#[derive(Default)]
pub struct Dispatch(BTreeMap<OrderId, Shipment>);

impl Dispatch {
    fn schedule(&mut self, request: &ScheduleShipment, now: Timestamp) -> PortResult<Shipment> {
        if let Some(shipment) = self.0.get(&request.order_id) {
            return match shipment.status {
                ShipmentStatus::Cancelled => Err(Problem::new(Code::Compensated, "cancelled before").into()),
                _ => Ok(shipment.clone()),
            };
        }
        if request.address.country == "AQ" {
            return Err(Problem::new(Code::ShipmentRefused, "no carrier goes there").into());
        }
        Ok(self.record(request.order_id, ShipmentStatus::Scheduled, now))
    }

    fn cancel(&mut self, request: &CancelShipment, now: Timestamp) -> PortResult<Shipment> {
        self.pick_up(now);
        let status = self.0.get(&request.order_id).map(|shipment| shipment.status);
        if status == Some(ShipmentStatus::Shipped) && request.recall == Recall::Never {
            return Err(Problem::new(Code::AlreadyShipped, "the goods have left").into());
        }
        Ok(self.record(request.order_id, ShipmentStatus::Cancelled, now))
    }

    fn pick_up(&mut self, now: Timestamp) {
        for shipment in self.0.values_mut() {
            if shipment.status == ShipmentStatus::Scheduled && shipment.updated_at.plus(PICK_UP) <= now {
                shipment.status = ShipmentStatus::Shipped;
            }
        }
    }

    fn record(&mut self, id: OrderId, status: ShipmentStatus, now: Timestamp) -> Shipment {
        let shipment = Shipment {
            order_id: id,
            status,
            carrier: "sim".into(),
            tracking_number: format!("sim-{id}"),
            updated_at: now,
        };
        self.0.insert(id, shipment.clone());
        shipment
    }
}

/// Shipping.
pub struct SimShipping {
    /// Where it is.
    pub site: Site,
    /// What it knows.
    pub dispatch: Arc<Mutex<Dispatch>>,
}

#[async_trait]
impl Shipping for SimShipping {
    async fn quote(&self, _: &Context, _: QuoteShipping) -> PortResult<Quote> {
        let quote = Quote { carrier: "sim".into(), price: Money::eur(500), days: 2 };
        self.site.carry(&QUOTE, move || Ok(quote)).await
    }

    async fn schedule(&self, _: &Context, request: ScheduleShipment) -> PortResult<Shipment> {
        let (dispatch, clock) = (self.dispatch.clone(), self.site.clock.clone());
        self.site.carry(&SCHEDULE, move || dispatch.lock().schedule(&request, clock.now())).await
    }

    async fn cancel(&self, _: &Context, request: CancelShipment) -> PortResult<Shipment> {
        let (dispatch, clock) = (self.dispatch.clone(), self.site.clock.clone());
        self.site.carry(&CANCEL, move || dispatch.lock().cancel(&request, clock.now())).await
    }

    async fn shipment(&self, _: &Context, request: GetShipment) -> PortResult<Shipment> {
        let shipment = self.dispatch.lock().0.get(&request.order_id).cloned();
        Ok(shipment.ok_or_else(|| Problem::not_found(format!("shipment {}", request.order_id)))?)
    }

    async fn track(&self, _: &Context, _: TrackShipment) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        Err(Problem::not_found("tracking in the simulation").into())
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<Shipment>> {
        Ok(Page { items: self.dispatch.lock().0.values().cloned().collect(), next: None })
    }
}
