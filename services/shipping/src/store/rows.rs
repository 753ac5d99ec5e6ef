//! Rows as values of the domain, and back.

use chassis::messaging::participant::books;
use chassis::store::StoreError;
use contracts::messages::Origin;
use contracts::shipping::{ShipmentStatus, TrackingEvent};
use contracts::types::Address;
use contracts::{OrderId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::domain::{Booking, Parcel};

/// The text that stands for a status.
pub(super) const fn status_text(status: ShipmentStatus) -> &'static str {
    match status {
        ShipmentStatus::Scheduled => "scheduled",
        ShipmentStatus::Shipped => "shipped",
        ShipmentStatus::Delivered => "delivered",
        ShipmentStatus::Cancelled => "cancelled",
    }
}

/// A row of `shipping_shipments`.
pub(super) fn parcel(row: &AnyRow) -> Result<Parcel, StoreError> {
    let carrier: String = row.try_get("carrier")?;
    let booking = if carrier.is_empty() { None } else { Some(booking(row, carrier)?) };
    Ok(Parcel {
        order_id: order_id(row)?,
        status: status(row)?,
        booking,
        sequence: unsigned(row, "sequence")?,
        updated_at: Timestamp(row.try_get("updated_at")?),
    })
}

/// Under what circumstances the order of a row of `shipping_shipments` was first touched.
pub(super) fn origin(row: &AnyRow) -> Result<Option<Origin>, StoreError> {
    books::origin_in(row.try_get("origin")?)
}

fn booking(row: &AnyRow, carrier: String) -> Result<Booking, StoreError> {
    Ok(Booking {
        address: Address {
            name: row.try_get("recipient")?,
            street: row.try_get("street")?,
            city: row.try_get("city")?,
            postal_code: row.try_get("postal_code")?,
            country: row.try_get("country")?,
        },
        weight_grams: unsigned(row, "weight_grams")?,
        carrier,
        tracking_number: row.try_get("tracking_number")?,
        scheduled_at: Timestamp(row.try_get("scheduled_at")?),
    })
}

/// A row of `shipping_events`.
pub(super) fn event(row: &AnyRow) -> Result<TrackingEvent, StoreError> {
    Ok(TrackingEvent {
        order_id: order_id(row)?,
        sequence: unsigned(row, "sequence")?,
        status: status(row)?,
        note: row.try_get("note")?,
        at: Timestamp(row.try_get("happened_at")?),
    })
}

fn order_id(row: &AnyRow) -> Result<OrderId, StoreError> {
    let text: String = row.try_get("order_id")?;
    Uuid::try_parse(&text).map(OrderId).map_err(|_| StoreError::corrupt("order_id", text))
}

fn status(row: &AnyRow) -> Result<ShipmentStatus, StoreError> {
    use ShipmentStatus::{Cancelled, Delivered, Scheduled, Shipped};
    let text: String = row.try_get("status")?;
    [Scheduled, Shipped, Delivered, Cancelled]
        .into_iter()
        .find(|status| status_text(*status) == text)
        .ok_or_else(|| StoreError::corrupt("status", text))
}

fn unsigned(row: &AnyRow, column: &str) -> Result<u32, StoreError> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| StoreError::corrupt(column, number))
}
