//! Rows as notifications.

use chassis::store::StoreError;
use contracts::messages::MessageId;
use contracts::notifications::{Delivery, Notification};
use contracts::types::CustomerId;
use contracts::{OrderId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::Claimed;

/// The text that stands for how far a mail has come.
pub(super) const fn delivery_text(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Pending => "pending",
        Delivery::Sent => "sent",
        Delivery::Refused => "refused",
    }
}

/// A row of `notifications_mails`.
pub(super) fn notification(row: &AnyRow) -> Result<Notification, StoreError> {
    Ok(Notification {
        id: MessageId(id(row, "id")?),
        event: row.try_get("event")?,
        order_id: OrderId(id(row, "order_id")?),
        customer_id: CustomerId(row.try_get("customer_id")?),
        to: row.try_get("address")?,
        subject: row.try_get("subject")?,
        body: row.try_get("body")?,
        written_at: Timestamp(row.try_get("written_at")?),
        delivery: delivery(row)?,
    })
}

/// A row of `notifications_mails`, as it will be once it is claimed.
pub(super) fn claimed(row: &AnyRow) -> Result<Claimed, StoreError> {
    let attempts: i64 = row.try_get("attempts")?;
    let attempt = attempts.checked_add(1).and_then(|attempt| u32::try_from(attempt).ok());
    let attempt = attempt.ok_or_else(|| StoreError::corrupt("attempts", attempts))?;
    Ok(Claimed { mail: notification(row)?, attempt })
}

fn id(row: &AnyRow, column: &str) -> Result<Uuid, StoreError> {
    let text: String = row.try_get(column)?;
    Uuid::try_parse(&text).map_err(|_| StoreError::corrupt(column, text))
}

fn delivery(row: &AnyRow) -> Result<Delivery, StoreError> {
    let text: String = row.try_get("delivery")?;
    [Delivery::Pending, Delivery::Sent, Delivery::Refused]
        .into_iter()
        .find(|delivery| delivery_text(*delivery) == text)
        .ok_or_else(|| StoreError::corrupt("delivery", text))
}
