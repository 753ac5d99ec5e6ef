//! Between rows and messages.

use contracts::messages::{Address, Message, MessageId, Outgoing};
use contracts::orders::Coordination;
use contracts::{OrderId, Timestamp, TraceContext};
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::rest::{InboxEntry, OutboxEntry};
use super::status::Lag;
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
    let data: String = row.try_get("data")?;
    Ok(Waiting {
        position: row.try_get("position")?,
        subject: row.try_get("subject")?,
        bytes: ATTRIBUTES + data.len(),
        message: outgoing(row, &data),
    })
}

fn outgoing(row: &AnyRow, data: &str) -> Result<Outgoing, StoreError> {
    let subject: String = row.try_get("subject")?;
    let sequence: i64 = row.try_get("sequence")?;
    let traceparent: String = row.try_get("traceparent")?;
    let tracestate: Option<String> = row.try_get("tracestate")?;
    let message = Message {
        id: id(row)?,
        kind: row.try_get("kind")?,
        source: row.try_get("source")?,
        subject: OrderId::parse("subject", &subject).map_err(|_| StoreError::corrupt("subject", &subject))?,
        sequence: u64::try_from(sequence).map_err(|_| StoreError::corrupt("sequence", sequence))?,
        coordination: coordination(row)?,
        at: Timestamp(row.try_get("said_at")?),
        trace: TraceContext::parse(&traceparent, tracestate.as_deref())
            .ok_or_else(|| StoreError::corrupt("traceparent", &traceparent))?,
        data: serde_json::from_str(data).map_err(|_| StoreError::corrupt("data", data))?,
    };
    Ok(Outgoing {
        to: Address { exchange: row.try_get("exchange")?, key: row.try_get("routing_key")? },
        message,
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

fn id(row: &AnyRow) -> Result<MessageId, StoreError> {
    let text: String = row.try_get("id")?;
    Uuid::try_parse(&text).map(MessageId).map_err(|_| StoreError::corrupt("id", text))
}

fn coordination(row: &AnyRow) -> Result<Coordination, StoreError> {
    let text: String = row.try_get("coordination")?;
    Coordination::parse(&text).ok_or_else(|| StoreError::corrupt("coordination", text))
}
