//! A message as a row keeps it: under the same columns in outbox, arrivals and event log.

use contracts::messages::{Address, Message, MessageId, Outgoing};
use contracts::orders::Coordination;
use contracts::{OrderId, Timestamp, TraceContext};
use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::store::StoreError;

/// The columns of a message that arrived, as a statement takes many of them at once: a list of objects.
#[derive(Debug, Serialize)]
pub(super) struct Columns {
    pub(super) id: String,
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) subject: String,
    pub(super) sequence: i64,
    pub(super) coordination: String,
    pub(super) said_at: i64,
    pub(super) traceparent: String,
    pub(super) tracestate: Option<String>,
    pub(super) data: String,
    /// What is no message of ours, as it came; the other columns say what they can of it.
    pub(super) raw: Option<String>,
}

/// Their names, and whether each is a text.
const COLUMNS: [(&str, Type); 13] = [
    ("id", Type::Text),
    ("exchange", Type::Text),
    ("routing_key", Type::Text),
    ("kind", Type::Text),
    ("source", Type::Text),
    ("subject", Type::Text),
    ("sequence", Type::Number),
    ("coordination", Type::Text),
    ("said_at", Type::Number),
    ("traceparent", Type::Text),
    ("tracestate", Type::Text),
    ("data", Type::Text),
    ("raw", Type::Text),
];

#[derive(Clone, Copy)]
enum Type {
    Text,
    Number,
}

/// The columns' names, as a statement lists them.
pub(super) fn names() -> String {
    COLUMNS.map(|(name, _)| name).join(", ")
}

/// Their values, out of the objects that [`super::sql::Words::objects`] makes a table of.
pub(super) fn values() -> String {
    let values = COLUMNS.map(|(name, kind)| match kind {
        Type::Text => format!("value->>'{name}'"),
        Type::Number => number(name),
    });
    values.join(", ")
}

/// A field of such an object that is a number, or nothing.
pub(super) fn number(field: &str) -> String {
    format!("CAST(value->>'{field}' AS BIGINT)")
}

impl Columns {
    pub(super) fn of(outgoing: &Outgoing) -> Result<Self, StoreError> {
        let Outgoing { to, message } = outgoing;
        Ok(Self {
            id: message.id.to_string(),
            exchange: to.exchange.clone(),
            routing_key: to.key.clone(),
            kind: message.kind.clone(),
            source: message.source.clone(),
            subject: message.subject.to_string(),
            sequence: sequence(message)?,
            coordination: message.coordination.as_str().to_owned(),
            said_at: message.at.0,
            traceparent: message.trace.traceparent(),
            tracestate: message.trace.state.clone(),
            data: message.data.to_string(),
            raw: None,
        })
    }
}

/// A message's version, as a column holds it.
pub(super) fn sequence(message: &Message) -> Result<i64, StoreError> {
    i64::try_from(message.sequence).map_err(|_| StoreError::corrupt("sequence", message.sequence))
}

/// The message in a row.
pub(super) fn outgoing(row: &AnyRow) -> Result<Outgoing, StoreError> {
    let (data, subject): (String, String) = (row.try_get("data")?, row.try_get("subject")?);
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
        data: serde_json::from_str(&data).map_err(|_| StoreError::corrupt("data", data))?,
    };
    Ok(Outgoing {
        to: Address { exchange: row.try_get("exchange")?, key: row.try_get("routing_key")? },
        message,
    })
}

pub(super) fn id(row: &AnyRow) -> Result<MessageId, StoreError> {
    let text: String = row.try_get("id")?;
    Uuid::try_parse(&text).map(MessageId).map_err(|_| StoreError::corrupt("id", text))
}

pub(super) fn coordination(row: &AnyRow) -> Result<Coordination, StoreError> {
    let text: String = row.try_get("coordination")?;
    Coordination::parse(&text).ok_or_else(|| StoreError::corrupt("coordination", text))
}
