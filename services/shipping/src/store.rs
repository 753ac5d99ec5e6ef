//! Shipments and their stations, kept.

mod rows;
mod sql;

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::messages::Origin;
use contracts::shipping::{CancelShipment, ScheduleShipment, Shipment, TrackingEvent};
use contracts::{OrderId, Timestamp};

use crate::domain::{Pace, Refusal};

pub use sql::SqlStore;

/// What a changing method answers: the shipment, or why the domain refused.
pub type Decided = Result<Result<Shipment, Refusal>, StoreError>;

/// What shipping keeps. Each changing method is one atomic change: it loads what is, lets the domain
/// decide, and writes the shipment together with its tracking event and what it tells the world. `origin`
/// is that of the call that asks for the change; the first one to touch an order is kept with it, and
/// decides who drives it for all who come later.
#[async_trait]
pub trait ShippingStore: Send + Sync + 'static {
    /// Books a carrier, as [`crate::domain::parcel::schedule`] decides.
    async fn shipment_schedule(&self, request: &ScheduleShipment, now: Timestamp, origin: &Origin)
    -> Decided;

    /// Calls a shipment off, as [`crate::domain::parcel::cancel`] decides.
    async fn shipment_cancel(&self, request: &CancelShipment, now: Timestamp, origin: &Origin) -> Decided;

    /// The shipment of an order.
    async fn shipment(&self, order_id: OrderId) -> Result<Option<Shipment>, StoreError>;

    /// Every station up to now, in order; none where there is no shipment.
    async fn shipment_history(&self, order_id: OrderId) -> Result<Vec<TrackingEvent>, StoreError>;

    /// Up to `most` shipments by order id, from after `after` on.
    async fn shipments_page(&self, after: &str, most: u32) -> Result<Vec<Shipment>, StoreError>;

    /// Moves up to `most` of the shipments that have been where they are for long enough, and says whose
    /// they are. Replicas may do so at the same time: each shipment is moved by one of them.
    async fn shipments_advance(
        &self,
        pace: Pace,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<OrderId>, StoreError>;
}
