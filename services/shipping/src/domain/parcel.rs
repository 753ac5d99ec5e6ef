//! What a shipment may become.
//!
//! ```text
//! (none) ── schedule ──▶ scheduled ── collected ──▶ shipped ── delivered ──▶ delivered
//!    │                       │                         │                         │
//!    └── cancel (tombstone) ─┴── cancel ──▶ cancelled ◀┴───── cancel, recalled ──┘
//! ```
//!
//! Each function takes what is and what is asked, and says what becomes of it. Nothing leaves
//! `cancelled`: so a cancellation that overtakes the `schedule` it calls off refuses it for good. One that
//! came after it changes nothing about its answer.

use std::time::Duration;

use contracts::shipping::{
    CancelShipment, Recall, ScheduleShipment, Shipment, ShipmentStatus, ShippingEvent, TrackingEvent,
};
use contracts::types::Address;
use contracts::{OrderId, Timestamp};

use super::{Refusal, tariff};

/// The most often that one shipment can change: scheduled, shipped, delivered, called back.
pub const MOST_MOVES: u32 = 4;

/// A shipment as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Whose.
    pub order_id: OrderId,
    /// How it stands.
    pub status: ShipmentStatus,
    /// What was booked; nothing for a tombstone.
    pub booking: Option<Booking>,
    /// The number of its latest tracking event.
    pub sequence: u32,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What was booked with a carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// Where to.
    pub address: Address,
    /// How much it weighs, in grams.
    pub weight_grams: u32,
    /// Who carries it.
    pub carrier: String,
    /// The carrier's number for it.
    pub tracking_number: String,
    /// When.
    pub scheduled_at: Timestamp,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing changes; this is the answer.
    Stand(Shipment),
    /// The shipment changes; as it stands then is the answer.
    Change(Box<Move>),
}

/// One change of a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// As it stands from now on.
    pub parcel: Parcel,
    /// The station that listeners see.
    pub event: TrackingEvent,
    /// What it tells the world.
    pub fact: ShippingEvent,
}

/// How fast the simulated carriers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From scheduled to shipped.
    pub dispatch_after: Duration,
    /// From shipped to delivered.
    pub deliver_after: Duration,
}

/// Whether nothing more happens to a shipment by itself.
pub fn is_final(status: ShipmentStatus) -> bool {
    matches!(status, ShipmentStatus::Delivered | ShipmentStatus::Cancelled)
}

/// Books a carrier. A repetition answers what the first one answered, however far the goods have come, and
/// even where they were called off since: a late repetition that was refused would have others undo an order
/// that may be long over.
pub fn schedule(
    known: Option<&Parcel>,
    request: &ScheduleShipment,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let order_id = request.order_id;
    let Some(parcel) = known else {
        let carrier = tariff::quote(&request.address.country, request.weight_grams)?.carrier;
        let tracking_number = tariff::tracking_number(&carrier, order_id);
        let note = format!("booked with {carrier} under {tracking_number}");
        let booking = Booking {
            address: request.address.clone(),
            weight_grams: request.weight_grams,
            carrier,
            tracking_number,
            scheduled_at: now,
        };
        let parcel = Parcel::new(order_id, ShipmentStatus::Scheduled, Some(booking), now);
        return Ok(Decision::Change(Box::new(parcel.arrives(note, scheduled))));
    };
    match &parcel.booking {
        Some(booking) if booking.holds(request) => Ok(Decision::Stand(booking.as_scheduled(order_id))),
        _ if parcel.status == ShipmentStatus::Cancelled => Err(Refusal::Cancelled(order_id)),
        _ => Err(Refusal::Different(order_id)),
    }
}

/// Calls a shipment off. For an order that nobody has scheduled yet it leaves a tombstone.
pub fn cancel(known: Option<&Parcel>, request: &CancelShipment, now: Timestamp) -> Result<Decision, Refusal> {
    let recall = request.recall;
    let cancelled = |shipment| ShippingEvent::ShipmentCancelled { shipment, recall };
    let Some(parcel) = known else {
        let tombstone = Parcel::new(request.order_id, ShipmentStatus::Cancelled, None, now);
        let step = tombstone.arrives("cancelled before it was booked", cancelled);
        return Ok(Decision::Change(Box::new(step)));
    };
    let note = match (parcel.status, recall) {
        (ShipmentStatus::Cancelled, _) => return Ok(Decision::Stand(parcel.shipment())),
        (ShipmentStatus::Scheduled, _) => "cancelled before it was collected",
        (ShipmentStatus::Shipped, Recall::IfShipped) => "called back on its way",
        (ShipmentStatus::Delivered, Recall::IfShipped) => "called back after its delivery",
        (ShipmentStatus::Shipped | ShipmentStatus::Delivered, Recall::Never) => {
            return Err(Refusal::Left(request.order_id));
        }
    };
    let step = parcel.moved(ShipmentStatus::Cancelled, now).arrives(note, cancelled);
    Ok(Decision::Change(Box::new(step)))
}

/// What the carrier does with a shipment at `now`; nothing where nothing is due.
pub fn advance(parcel: &Parcel, pace: Pace, now: Timestamp) -> Option<Move> {
    let booking = parcel.booking.as_ref()?;
    let is_due = |wait| parcel.updated_at.plus(wait) <= now;
    match parcel.status {
        ShipmentStatus::Scheduled if is_due(pace.dispatch_after) => {
            let note = format!("collected by {}", booking.carrier);
            Some(parcel.moved(ShipmentStatus::Shipped, now).arrives(note, shipped))
        }
        ShipmentStatus::Shipped if is_due(pace.deliver_after) => {
            let note = format!("delivered in {}", booking.address.city);
            Some(parcel.moved(ShipmentStatus::Delivered, now).arrives(note, delivered))
        }
        _ => None,
    }
}

fn scheduled(shipment: Shipment) -> ShippingEvent {
    ShippingEvent::ShipmentScheduled { shipment }
}

fn shipped(shipment: Shipment) -> ShippingEvent {
    ShippingEvent::ShipmentShipped { shipment }
}

fn delivered(shipment: Shipment) -> ShippingEvent {
    ShippingEvent::ShipmentDelivered { shipment }
}

impl Parcel {
    /// The shipment as others see it.
    pub fn shipment(&self) -> Shipment {
        let (carrier, tracking_number) = match &self.booking {
            Some(booking) => (booking.carrier.clone(), booking.tracking_number.clone()),
            None => Default::default(),
        };
        Shipment {
            order_id: self.order_id,
            status: self.status,
            carrier,
            tracking_number,
            updated_at: self.updated_at,
        }
    }

    fn new(order_id: OrderId, status: ShipmentStatus, booking: Option<Booking>, now: Timestamp) -> Self {
        Self { order_id, status, booking, sequence: 1, updated_at: now }
    }

    /// As it stands after its next change.
    fn moved(&self, status: ShipmentStatus, now: Timestamp) -> Self {
        // the clock of a replica may be behind: stations never run backwards
        let at = now.max(self.updated_at);
        Self { status, sequence: self.sequence + 1, updated_at: at, ..self.clone() }
    }

    /// The move that brings it to where it stands: its station, and what that tells the world.
    fn arrives(self, note: impl Into<String>, tell: impl FnOnce(Shipment) -> ShippingEvent) -> Move {
        let event = TrackingEvent {
            order_id: self.order_id,
            sequence: self.sequence,
            status: self.status,
            note: note.into(),
            at: self.updated_at,
        };
        Move { event, fact: tell(self.shipment()), parcel: self }
    }
}

impl Booking {
    fn holds(&self, request: &ScheduleShipment) -> bool {
        self.address == request.address && self.weight_grams == request.weight_grams
    }

    /// The shipment as it stood when it was booked.
    fn as_scheduled(&self, order_id: OrderId) -> Shipment {
        Shipment {
            order_id,
            status: ShipmentStatus::Scheduled,
            carrier: self.carrier.clone(),
            tracking_number: self.tracking_number.clone(),
            updated_at: self.scheduled_at,
        }
    }
}

#[cfg(test)]
mod tests;
