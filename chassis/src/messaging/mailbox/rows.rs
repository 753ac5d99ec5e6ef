//! Between rows and messages.

use contracts::Timestamp;
use contracts::messages::Outgoing;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::rest::{InboxEntry, OutboxEntry};
use super::status::Lag;
use crate::messaging::stored::{coordination, id, outgoing};
use crate::store::StoreError;

/// A row of the outbox that waits to be published.
#[derive(Debug)]
pub(super) struct Waiting {
    pub position: i64,
    /// What it is about, as it is stored.
    pub subject: String,
    /// How large the message is, nearly.
    pub bytes: usize,
    /// The message, or why the row cannot be read.
    pub message: Result<Outgoing, StoreError>,
}

pub(super) fn waiting(row: &AnyRow) -> Result<Waiting, StoreError> {
    /// What a message has besides its data: ids, a trace, names.
    const ATTRIBUTES: usize = 500;
    let data: &str = row.try_get("data")?;
    Ok(Waiting {
        position: row.try_get("position")?,
        subject: row.try_get("subject")?,
        bytes: ATTRIBUTES + data.len(),
        message: outgoing(row),
    })
}

pub(super) fn outbox_entry(row: &AnyRow) -> Result<OutboxEntry, StoreError> {
    let published_at: Option<i64> = row.try_get("published_at")?;
    Ok(OutboxEntry {
        position: row.try_get("position")?,
        id: id(row)?,
        kind: row.try_get("kind")?,
        subject: row.try_get("subject")?,
        exchange: row.try_get("exchange")?,
        key: row.try_get("routing_key")?,
        coordination: coordination(row)?,
        created_at: Timestamp(row.try_get("created_at")?),
        published_at: published_at.map(Timestamp),
    })
}

pub(super) fn inbox_entry(row: &AnyRow) -> Result<InboxEntry, StoreError> {
    Ok(InboxEntry {
        position: row.try_get("position")?,
        queue: row.try_get("queue")?,
        id: id(row)?,
        received_at: Timestamp(row.try_get("received_at")?),
    })
}

pub(super) fn lag(row: &AnyRow) -> Result<Lag, StoreError> {
    let waiting: i64 = row.try_get("waiting")?;
    let oldest: Option<i64> = row.try_get("oldest")?;
    Ok(Lag {
        waiting: u64::try_from(waiting).map_err(|_| StoreError::corrupt("waiting", waiting))?,
        oldest: oldest.map(Timestamp),
    })
}
