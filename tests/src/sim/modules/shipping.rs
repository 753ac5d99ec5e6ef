//! Shipping whose carrier picks goods up soon, so that some have left when they are to be called off.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::participant::Participant;
use contracts::messages::Origin;
use contracts::shipping::{
    CANCEL, CancelShipment, GetShipment, QUOTE, Quote, QuoteShipping, Recall, SCHEDULE, ScheduleShipment,
    Shipment, ShipmentStatus, Shipping, ShippingEvent, TrackShipment, TrackingEvent,
};
use contracts::types::{Page, PageRequest};
use contracts::{Code, Context, Money, OrderId, PortResult, Problem, Streaming, Timestamp};
use shipping::reactions::Request;

use super::{Disk, Facts, Occasion, Site};
use crate::sim::Bug;
use crate::sim::world::World;

/// When the carrier comes.
const PICK_UP: Duration = Duration::from_secs(8);

/// Who carries what.
#[derive(Default)]
pub struct Dispatch(BTreeMap<OrderId, (Shipment, Origin)>);

impl Dispatch {
    fn schedule(
        &mut self,
        request: &ScheduleShipment,
        facts: &mut Facts,
        occasion: Occasion<'_>,
    ) -> PortResult<Shipment> {
        if let Some((shipment, _)) = self.0.get(&request.order_id) {
            return match shipment.status {
                // one that was never booked: a tombstone
                ShipmentStatus::Cancelled if shipment.tracking_number.is_empty() => {
                    Err(Problem::new(Code::Compensated, "cancelled before").into())
                }
                _ => Ok(shipment.clone()),
            };
        }
        if request.address.country == "AQ" {
            return Err(Problem::new(Code::ShipmentRefused, "no carrier goes there").into());
        }
        let scheduled = |shipment| ShippingEvent::ShipmentScheduled { shipment };
        Ok(self.keep(request.order_id, ShipmentStatus::Scheduled, scheduled, facts, occasion))
    }

    fn cancel(
        &mut self,
        request: &CancelShipment,
        world: &World,
        facts: &mut Facts,
        occasion: Occasion<'_>,
    ) -> PortResult<Shipment> {
        self.pick_up(facts, occasion);
        let (id, recall) = (request.order_id, request.recall);
        match self.0.get(&id) {
            Some((shipment, _)) if shipment.status == ShipmentStatus::Cancelled => Ok(shipment.clone()),
            Some((shipment, _)) if shipment.status == ShipmentStatus::Shipped && recall == Recall::Never => {
                Err(Problem::new(Code::AlreadyShipped, "the goods have left").into())
            }
            None if world.has(Bug::NoTombstone) => Ok(shipment(id, ShipmentStatus::Cancelled, occasion.now)),
            _ => {
                let cancelled = |shipment| ShippingEvent::ShipmentCancelled { shipment, recall };
                Ok(self.keep(id, ShipmentStatus::Cancelled, cancelled, facts, occasion))
            }
        }
    }

    fn pick_up(&mut self, facts: &mut Facts, occasion: Occasion<'_>) {
        let is_due = |shipment: &Shipment| {
            shipment.status == ShipmentStatus::Scheduled && shipment.updated_at.plus(PICK_UP) <= occasion.now
        };
        let due = self.0.values().filter(|(shipment, _)| is_due(shipment));
        let due: Vec<OrderId> = due.map(|(shipment, _)| shipment.order_id).collect();
        for id in due {
            let shipped = |shipment| ShippingEvent::ShipmentShipped { shipment };
            self.keep(id, ShipmentStatus::Shipped, shipped, facts, occasion);
        }
    }

    /// Writes a shipment that has just become what it is, and tells of it.
    fn keep(
        &mut self,
        id: OrderId,
        status: ShipmentStatus,
        event: impl FnOnce(Shipment) -> ShippingEvent,
        facts: &mut Facts,
        occasion: Occasion<'_>,
    ) -> Shipment {
        let origin = self.0.get(&id).map_or_else(|| occasion.origin(), |(_, origin)| origin.clone());
        let mut shipment = shipment(id, status, occasion.now);
        if status == ShipmentStatus::Cancelled && !self.0.contains_key(&id) {
            shipment.tracking_number.clear();
        }
        facts.tell(&event(shipment.clone()), &origin, occasion);
        self.0.insert(id, (shipment.clone(), origin));
        shipment
    }
}

fn shipment(order_id: OrderId, status: ShipmentStatus, updated_at: Timestamp) -> Shipment {
    let tracking_number = format!("sim-{order_id}");
    Shipment { order_id, status, carrier: "sim".into(), tracking_number, updated_at }
}

/// Shipping.
pub struct SimShipping {
    /// Where it is.
    pub site: Site,
    /// What it knows.
    pub disk: Arc<Disk<Dispatch>>,
}

impl SimShipping {
    /// Does what is asked, for somebody who called or sent a message.
    async fn answer(&self, request: Request, origin: Origin) -> PortResult<Shipment> {
        let (disk, world) = (self.disk.clone(), self.site.world.clone());
        let operation = match &request {
            Request::Schedule(_) => &SCHEDULE,
            Request::Cancel(_) => &CANCEL,
        };
        let work = move || {
            let occasion = Occasion { now: world.now(), call: Some(&origin) };
            disk.change(|dispatch, facts| match &request {
                Request::Schedule(request) => dispatch.schedule(request, facts, occasion),
                Request::Cancel(request) => dispatch.cancel(request, &world, facts, occasion),
            })
        };
        self.site.carry(operation, work).await
    }

    /// Lets the carrier take what is due.
    pub fn sweep(&self) {
        let occasion = Occasion { now: self.site.world.now(), call: None };
        self.disk.change(|dispatch, facts| dispatch.pick_up(facts, occasion));
    }
}

#[async_trait]
impl Participant for SimShipping {
    type Request = Request;

    async fn perform(&self, _: &Context, request: &Request, origin: &Origin) -> PortResult<Shipment> {
        self.answer(request.clone(), origin.clone()).await
    }
}

#[async_trait]
impl Shipping for SimShipping {
    async fn quote(&self, _: &Context, _: QuoteShipping) -> PortResult<Quote> {
        let quote = Quote { carrier: "sim".into(), price: Money::eur(500), days: 2 };
        self.site.carry(&QUOTE, move || Ok(quote)).await
    }

    async fn schedule(&self, ctx: &Context, request: ScheduleShipment) -> PortResult<Shipment> {
        self.answer(Request::Schedule(request), Origin::of_call(ctx)).await
    }

    async fn cancel(&self, ctx: &Context, request: CancelShipment) -> PortResult<Shipment> {
        self.answer(Request::Cancel(request), Origin::of_call(ctx)).await
    }

    async fn shipment(&self, _: &Context, request: GetShipment) -> PortResult<Shipment> {
        let shipment = self.disk.books.lock().0.get(&request.order_id).map(|(shipment, _)| shipment.clone());
        Ok(shipment.ok_or_else(|| Problem::not_found(format!("shipment {}", request.order_id)))?)
    }

    async fn track(&self, _: &Context, _: TrackShipment) -> PortResult<Streaming<PortResult<TrackingEvent>>> {
        Err(Problem::not_found("tracking in the simulation").into())
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<Shipment>> {
        let shipments = self.disk.books.lock().0.values().map(|(shipment, _)| shipment.clone()).collect();
        Ok(Page { items: shipments, next: None })
    }
}
