//! Shipping: how goods get to the customer, and where they are.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::Event;
use crate::operation::{Operation, Shape};
use crate::types::{Address, Money, OrderId, Page, PageRequest, Reason, Timestamp};
use crate::{Context, PortResult, Streaming};

/// What other modules ask of shipping. Every changing operation is keyed by the order's id: its
/// repetition answers what the first execution answered.
#[async_trait]
pub trait Shipping: Send + Sync + 'static {
    /// What it costs and how long it takes. `shipment_refused` where no carrier goes there or it is
    /// too heavy.
    async fn quote(&self, ctx: &Context, request: QuoteShipping) -> PortResult<Quote>;

    /// Books a carrier. `shipment_refused` as for `quote`; `compensated` where a cancellation of this
    /// order came first. One that came after it does not change what a repetition is answered.
    async fn schedule(&self, ctx: &Context, request: ScheduleShipment) -> PortResult<Shipment>;

    /// Calls the shipment off. For an order not seen before it leaves a tombstone that refuses a late
    /// `schedule`. `already_shipped` where the goods have left and the request does not recall them.
    async fn cancel(&self, ctx: &Context, request: CancelShipment) -> PortResult<Shipment>;

    /// The shipment of an order as it stands. `not_found` where there is none.
    async fn shipment(&self, ctx: &Context, request: GetShipment) -> PortResult<Shipment>;

    /// Every station of a shipment, those past at once and those to come as they happen; ends after
    /// the last. `not_found` where there is no shipment.
    async fn track(
        &self,
        ctx: &Context,
        request: TrackShipment,
    ) -> PortResult<Streaming<PortResult<TrackingEvent>>>;

    /// Every shipment, page by page, for `tradewind audit`.
    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Shipment>>;
}

/// `quote`
pub const QUOTE: Operation =
    Operation::read("shipping", "quote", "/quotes").grpc("/tradewind.shipping.v1.Shipping/Quote");
/// `schedule`
pub const SCHEDULE: Operation = Operation::idempotent("shipping", "schedule", "/shipments/{order_id}")
    .grpc("/tradewind.shipping.v1.Shipping/Schedule");
/// `cancel`
pub const CANCEL: Operation = Operation::idempotent("shipping", "cancel", "/shipments/{order_id}/cancel")
    .grpc("/tradewind.shipping.v1.Shipping/Cancel");
/// `shipment`
pub const SHIPMENT: Operation = Operation::read("shipping", "shipment", "/shipments/{order_id}")
    .grpc("/tradewind.shipping.v1.Shipping/Shipment");
/// `track`
pub const TRACK: Operation = Operation::read("shipping", "track", "/shipments/{order_id}/track")
    .shaped(Shape::ServerStream)
    .grpc("/tradewind.shipping.v1.Shipping/Track");
/// `audit`
pub const AUDIT: Operation =
    Operation::read("shipping", "audit", "/audit/shipping").grpc("/tradewind.shipping.v1.Shipping/Audit");

/// Every operation of the port.
pub const OPERATIONS: &[&Operation] = &[&QUOTE, &SCHEDULE, &CANCEL, &SHIPMENT, &TRACK, &AUDIT];

/// Asks what shipping costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteShipping {
    /// Where to: ISO 3166-1 alpha-2.
    pub country: String,
    /// How much it weighs, in grams.
    pub weight_grams: u32,
}

/// What shipping costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quote {
    /// Who carries it.
    pub carrier: String,
    /// What it costs.
    pub price: Money,
    /// How long it takes, in days.
    pub days: u32,
}

/// Books a carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleShipment {
    /// For which order.
    pub order_id: OrderId,
    /// Where to.
    pub address: Address,
    /// How much it weighs, in grams.
    pub weight_grams: u32,
}

/// Calls a shipment off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelShipment {
    /// Of which order.
    pub order_id: OrderId,
    /// What to do when the goods have left already.
    pub recall: Recall,
}

/// What to do with goods that have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recall {
    /// Nothing: refuse with `already_shipped`. For a customer who has changed their mind.
    Never,
    /// Call them back. For the compensation of an order that was never confirmed, which must not fail.
    IfShipped,
}

/// Asks for an order's shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetShipment {
    /// Of which order.
    pub order_id: OrderId,
}

/// Asks for every station of an order's shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrackShipment {
    /// Of which order.
    pub order_id: OrderId,
}

/// The shipment of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shipment {
    /// Whose.
    pub order_id: OrderId,
    /// How it stands.
    pub status: ShipmentStatus,
    /// Who carries it; empty for a tombstone.
    pub carrier: String,
    /// The carrier's number for it; empty for a tombstone.
    pub tracking_number: String,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a shipment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShipmentStatus {
    /// Booked.
    Scheduled,
    /// On its way.
    Shipped,
    /// There.
    Delivered,
    /// Called off, called back, or refused in advance.
    Cancelled,
}

/// One station of a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrackingEvent {
    /// Whose.
    pub order_id: OrderId,
    /// Counts the stations from 1, so that a listener who comes back knows what it has seen.
    pub sequence: u32,
    /// How the shipment stands from here on.
    pub status: ShipmentStatus,
    /// For people.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

/// What shipping tells the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ShippingEvent {
    /// A carrier is booked.
    ShipmentScheduled {
        /// The shipment.
        shipment: Shipment,
    },
    /// No carrier takes it.
    ShipmentRefused {
        /// For which order.
        order_id: OrderId,
        /// Why.
        reason: Reason,
    },
    /// It was called off, called back, or refused in advance.
    ShipmentCancelled {
        /// The shipment.
        shipment: Shipment,
        /// For whom: a customer, or the compensation of an order that was never confirmed.
        recall: Recall,
    },
    /// It could not be called off: the goods have left.
    ShipmentCancelRefused {
        /// For which order.
        order_id: OrderId,
        /// Why.
        reason: Reason,
    },
    /// It is on its way.
    ShipmentShipped {
        /// The shipment.
        shipment: Shipment,
    },
    /// It is there.
    ShipmentDelivered {
        /// The shipment.
        shipment: Shipment,
    },
}

impl Event for ShippingEvent {
    const MODULE: &'static str = "shipping";
    const NAMES: &'static [&'static str] = &[
        "shipment_scheduled",
        "shipment_refused",
        "shipment_cancelled",
        "shipment_cancel_refused",
        "shipment_shipped",
        "shipment_delivered",
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::ShipmentScheduled { .. } => "shipment_scheduled",
            Self::ShipmentRefused { .. } => "shipment_refused",
            Self::ShipmentCancelled { .. } => "shipment_cancelled",
            Self::ShipmentCancelRefused { .. } => "shipment_cancel_refused",
            Self::ShipmentShipped { .. } => "shipment_shipped",
            Self::ShipmentDelivered { .. } => "shipment_delivered",
        }
    }

    fn subject(&self) -> OrderId {
        match self {
            Self::ShipmentScheduled { shipment }
            | Self::ShipmentCancelled { shipment, .. }
            | Self::ShipmentShipped { shipment }
            | Self::ShipmentDelivered { shipment } => shipment.order_id,
            Self::ShipmentRefused { order_id, .. } | Self::ShipmentCancelRefused { order_id, .. } => {
                *order_id
            }
        }
    }

    /// A shipment only ever moves on, so how far it has come is its version.
    fn sequence(&self) -> u64 {
        match self {
            Self::ShipmentRefused { .. } => 0,
            Self::ShipmentScheduled { .. } => 1,
            Self::ShipmentShipped { .. } | Self::ShipmentCancelRefused { .. } => 2,
            Self::ShipmentDelivered { .. } => 3,
            Self::ShipmentCancelled { .. } => 4,
        }
    }
}
