//! What a row of the arrivals or the event log says: a message of ours, or something that only came through a
//! broker and cannot be read. Nothing that came is dropped for that.

use contracts::error::chain;
use contracts::messages::{Address, Message, Outgoing};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::messaging::broker::{Parcel, attribute_header, decode, sent_on, short};
use crate::messaging::consumer::DELIVERY_COUNT;
use crate::messaging::stored::{self, Columns};
use crate::store::StoreError;

/// What arrived.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::messaging) enum Content {
    /// A message of ours.
    Readable(Box<Outgoing>),
    /// Anything else: as it came, and why it cannot be read.
    Unreadable { parcel: Box<Parcel>, why: String },
}

/// Headers by which a broker tells of a delivery and not of the message.
const OF_A_DELIVERY: [&str; 2] = [DELIVERY_COUNT, "x-stream-offset"];

/// The name space of the ids of what came without one (RFC 9562, version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x7a1d_e71d_0000_5000_8000_7261_772e_2e2e);

/// What is no message of ours, as its column keeps it.
#[derive(Serialize, Deserialize)]
struct Raw {
    properties: BasicProperties,
    body: Vec<u8>,
}

impl Content {
    /// What a broker delivered.
    pub(in crate::messaging) fn received(delivery: &lapin::message::Delivery) -> Self {
        let headers = delivery.properties.headers().iter().flat_map(|headers| headers.inner().clone());
        let headers = headers.filter(|(name, _)| !OF_A_DELIVERY.contains(&name.as_str()));
        let parcel = Parcel {
            exchange: delivery.exchange.to_string(),
            key: delivery.routing_key.to_string(),
            properties: sent_on(&delivery.properties, headers),
            body: delivery.data.clone(),
        };
        Self::of_parcel(parcel)
    }

    fn of_parcel(parcel: Parcel) -> Self {
        let read = decode(&parcel.properties, &parcel.body).and_then(|message| {
            let to = Address { exchange: parcel.exchange.clone(), key: parcel.key.clone() };
            let outgoing = Outgoing { to, message };
            if is_storable(&outgoing) {
                Ok(outgoing)
            } else {
                Err("a NUL stands in one of its attributes".to_owned())
            }
        });
        match read {
            Ok(outgoing) => Self::Readable(Box::new(outgoing)),
            Err(why) => Self::Unreadable { parcel: Box::new(parcel), why },
        }
    }

    /// What a row says.
    pub(super) fn of_row(row: &AnyRow) -> Result<Self, StoreError> {
        let read = match row.try_get("raw")? {
            Some(raw) => as_it_came(row, raw).map(Self::of_parcel),
            None => stored::outgoing(row).map(|outgoing| Self::Readable(Box::new(outgoing))),
        };
        match read {
            Err(error @ (StoreError::Corrupt(_) | StoreError::Sql(sqlx::Error::ColumnDecode { .. }))) => {
                Ok(Self::Unreadable { parcel: Box::new(damaged(row)), why: chain(&error) })
            }
            read => read,
        }
    }

    /// Its columns.
    pub(in crate::messaging) fn columns(&self) -> Result<Columns, StoreError> {
        let parcel = match self {
            Self::Readable(outgoing) => return Columns::of(outgoing),
            Self::Unreadable { parcel, .. } => parcel,
        };
        let raw = Raw { properties: parcel.properties.clone(), body: parcel.body.clone() };
        let raw = serde_json::to_string(&raw).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Columns {
            id: self.id(),
            exchange: storable(&parcel.exchange),
            routing_key: storable(&parcel.key),
            kind: String::new(),
            source: String::new(),
            subject: String::new(),
            sequence: 0,
            coordination: String::new(),
            said_at: 0,
            traceparent: String::new(),
            tracestate: None,
            data: String::new(),
            raw: Some(raw),
        })
    }

    /// Its id; one that is made of its body where it came without. The same for the same content.
    pub(in crate::messaging) fn id(&self) -> String {
        match self {
            Self::Readable(outgoing) => outgoing.message.id.to_string(),
            Self::Unreadable { parcel, .. } => match parcel.properties.message_id() {
                Some(id) => storable(id.as_str()),
                None => Uuid::new_v5(&NAMESPACE, &parcel.body).hyphenated().to_string(),
            },
        }
    }

    /// The message, or why it cannot be read.
    pub(in crate::messaging) fn message(&self) -> Result<&Message, &str> {
        match self {
            Self::Readable(outgoing) => Ok(&outgoing.message),
            Self::Unreadable { why, .. } => Err(why),
        }
    }

    /// The same, packed for a broker: what came through one as it came.
    pub(in crate::messaging) fn parcel(&self) -> Parcel {
        match self {
            Self::Readable(outgoing) => Parcel::of(outgoing),
            Self::Unreadable { parcel, .. } => (**parcel).clone(),
        }
    }
}

/// Whether every database keeps it: none keeps a NUL in a text.
fn is_storable(Outgoing { to, message }: &Outgoing) -> bool {
    let texts = [&to.exchange, &to.key, &message.kind, &message.source];
    !texts.into_iter().chain(&message.trace.state).any(|text| text.contains('\0'))
}

/// A text as every database keeps it.
pub(in crate::messaging) fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// What is no message of ours.
fn as_it_came(row: &AnyRow, raw: &str) -> Result<Parcel, StoreError> {
    let Raw { properties, body } = serde_json::from_str(raw)
        .map_err(|error| StoreError::Corrupt(format!("what is no message of ours is damaged: {error}")))?;
    Ok(Parcel { exchange: row.try_get("exchange")?, key: row.try_get("routing_key")?, properties, body })
}

/// What a row says that was damaged, as far as it can be told.
fn damaged(row: &AnyRow) -> Parcel {
    let column = |name: &str| row.try_get::<String, _>(name).unwrap_or_default();
    let mut headers = FieldTable::default();
    for name in ["subject", "traceparent"] {
        headers.insert(short(&attribute_header(name)), AMQPValue::LongString(column(name).into()));
    }
    Parcel {
        exchange: column("exchange"),
        key: column("routing_key"),
        properties: BasicProperties::default()
            .with_message_id(short(&column("id")))
            .with_type(short(&column("kind")))
            .with_app_id(short(&column("source")))
            .with_headers(headers),
        body: column("data").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use contracts::TraceContext;
    use contracts::messages::MessageId;
    use contracts::orders::Coordination;
    use contracts::types::{OrderId, Timestamp};

    use super::*;

    fn outgoing(kind: &str) -> Outgoing {
        let message = Message {
            id: MessageId::random(),
            kind: kind.to_owned(),
            source: "orders".to_owned(),
            subject: OrderId(Uuid::now_v7()),
            sequence: 3,
            coordination: Coordination::Sync,
            at: Timestamp::now(),
            trace: TraceContext::root(),
            data: serde_json::json!({ "number": 7 }),
        };
        Outgoing { to: Address::command("inventory"), message }
    }

    #[test]
    fn a_message_of_ours_is_read_out_of_its_parcel() {
        let sent = outgoing("tradewind.orders.test.v1");
        let content = Content::of_parcel(Parcel::of(&sent));
        assert_eq!(content, Content::Readable(Box::new(sent.clone())));
        assert_eq!(content.id(), sent.message.id.to_string());
        assert_eq!(content.parcel(), Parcel::of(&sent));
    }

    #[test]
    fn what_no_database_could_keep_is_kept_as_it_came() {
        let sent = Parcel::of(&outgoing("tradewind\0.v1"));
        let content = Content::of_parcel(sent.clone());
        assert!(content.message().expect_err("has a NUL").contains("NUL"));
        assert_eq!(content.parcel(), sent);
        let columns = content.columns().expect("can be written");
        let raw: Raw = serde_json::from_str(&columns.raw.expect("as it came")).expect("can be read");
        assert_eq!((raw.properties, raw.body), (sent.properties, sent.body));
    }

    #[test]
    fn what_came_without_an_id_has_one_that_its_body_gives_it() {
        let parcel = |body: &[u8]| Parcel {
            exchange: String::new(),
            key: "inventory.commands".to_owned(),
            properties: BasicProperties::default(),
            body: body.to_vec(),
        };
        let id = |body: &[u8]| Content::of_parcel(parcel(body)).id();
        assert_eq!(id(b"\xff{"), id(b"\xff{"));
        assert_ne!(id(b"\xff{"), id(b"{}"));
    }
}
