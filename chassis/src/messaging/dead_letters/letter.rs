//! A dead letter: what is known of it, and as what it is sent again.

use std::collections::BTreeMap;

use contracts::Timestamp;
use contracts::messages::Queue;
use contracts::messages::queues::DELIVERY_LIMIT;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::messaging::broker::{Parcel, attribute, integer, sent_on, short, text, traceparent};
use crate::messaging::consumer::{
    ATTEMPTS, CAUSE, DELIVERY_COUNT, DIED_AT, LAST_ATTEMPT, OURS, REVIVED_FROM,
};

/// A dead letter as it lies there: what is known of it stands in its properties, whichever carrier it is of.
pub(super) struct Letter {
    /// Out of which queue it was put aside.
    pub queue: &'static Queue,
    pub properties: BasicProperties,
    pub body: Vec<u8>,
}

/// A message that nobody could deal with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Names it here. The same message in another queue has another.
    pub id: String,
    /// The message's own id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Out of which queue it was put aside.
    pub queue: String,
    /// What it says: the type of the event or command, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The order that it is about, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why it was put aside.
    pub cause: String,
    /// After how many attempts, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// When, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_at: Option<Timestamp>,
    /// The trace that it belongs to, as 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Where in that trace it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// A dead letter with all that came with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetterDetail {
    /// What is known of it.
    #[serde(flatten)]
    pub letter: DeadLetter,
    /// Its headers, those of the broker and of the consumer included.
    pub headers: BTreeMap<String, Value>,
    /// Its body: as JSON where it is JSON, as text otherwise.
    pub body: Value,
}

/// The name space of the ids of dead letters (RFC 9562, version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x7a1d_e71d_0000_5000_8000_6465_6164_2e2e);

impl DeadLetter {
    /// What is known of a letter.
    pub(super) fn of(letter: &Letter) -> Self {
        Self::read(letter.queue, &letter.properties, &letter.body)
    }

    /// What is known of a message in the dead letters of `queue`.
    pub(in crate::messaging) fn read(queue: &Queue, properties: &BasicProperties, body: &[u8]) -> Self {
        let nothing = FieldTable::default();
        let headers = properties.headers().as_ref().unwrap_or(&nothing);
        let header = |name: &str| headers.inner().get(name);
        let message_id = properties.message_id().as_ref().map(ToString::to_string);
        let attempts = header(ATTEMPTS).or_else(|| header(DELIVERY_COUNT)).and_then(integer);
        let reason = header("x-first-death-reason").and_then(text);
        let traceparent = traceparent(headers);
        Self {
            id: id(queue, message_id.as_deref(), body),
            queue: queue.name.to_owned(),
            kind: properties.kind().as_ref().map(ToString::to_string).or_else(|| attribute(headers, "type")),
            subject: attribute(headers, "subject"),
            cause: header(CAUSE).and_then(text).unwrap_or_else(|| broker_cause(reason.as_deref())),
            attempts: attempts.and_then(|attempts| u32::try_from(attempts).ok()),
            died_at: header(DIED_AT)
                .and_then(text)
                .and_then(|at| Timestamp::parse(&at))
                .or_else(|| died_at(headers)),
            trace_id: traceparent.as_deref().and_then(|trace| trace.split('-').nth(1)).map(str::to_owned),
            message_id,
            traceparent,
        }
    }

    /// Whether `id` names it, as its own id or that of its message.
    pub(super) fn is_named(&self, id: &str) -> bool {
        self.id == id || self.message_id.as_deref() == Some(id)
    }
}

impl DeadLetterDetail {
    pub(super) fn of(letter: &Letter) -> Self {
        let headers = letter.properties.headers().as_ref().map(table).unwrap_or_default();
        let body = serde_json::from_slice(&letter.body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&letter.body)));
        Self { letter: DeadLetter::of(letter), headers, body }
    }
}

/// The message as it was before it died, on its way to its queue again.
pub(super) fn revived(letter: &Letter) -> Parcel {
    let headers =
        letter.properties.headers().as_ref().map(|headers| headers.inner().clone()).unwrap_or_default();
    let died_at = headers.get(LAST_ATTEMPT).cloned().map(|attempt| (short(REVIVED_FROM), attempt));
    let headers = headers.into_iter().filter(|(name, _)| !tells_of_its_death(name.as_str())).chain(died_at);
    Parcel {
        exchange: String::new(),
        key: letter.queue.name.to_owned(),
        properties: sent_on(&letter.properties, headers),
        body: letter.body.clone(),
    }
}

fn tells_of_its_death(header: &str) -> bool {
    let begins = |start: &str| header.starts_with(start);
    begins(OURS)
        || begins("x-death")
        || begins("x-first-death-")
        || begins("x-last-death-")
        || header == DELIVERY_COUNT
}

/// The same for the same message in the same queue, however often it is looked at.
fn id(queue: &Queue, message_id: Option<&str>, body: &[u8]) -> String {
    let mut name = format!("{}/{}/", queue.name, message_id.unwrap_or_default()).into_bytes();
    if message_id.is_none() {
        name.extend_from_slice(body);
    }
    Uuid::new_v5(&NAMESPACE, &name).hyphenated().to_string()
}

fn broker_cause(reason: Option<&str>) -> String {
    match reason {
        Some("delivery_limit") => format!(
            "the broker put it aside: it was delivered more than {DELIVERY_LIMIT} times, and no consumer lived to \
             say why it failed"
        ),
        Some(reason) => format!("the broker put it aside: {reason}"),
        None => "nobody says why".to_owned(),
    }
}

/// When the broker put it aside.
fn died_at(headers: &FieldTable) -> Option<Timestamp> {
    let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else { return None };
    let AMQPValue::FieldTable(death) = deaths.as_slice().first()? else { return None };
    Timestamp::parse(&text(death.inner().get("time")?)?)
}

fn table(table: &FieldTable) -> BTreeMap<String, Value> {
    table.into_iter().map(|(name, value)| (name.to_string(), value_of(value))).collect()
}

fn value_of(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::FieldTable(inner) => json!(table(inner)),
        AMQPValue::FieldArray(inner) => inner.as_slice().iter().map(value_of).collect(),
        AMQPValue::Boolean(value) => json!(value),
        AMQPValue::Float(value) => json!(value),
        AMQPValue::Double(value) => json!(value),
        AMQPValue::LongString(bytes) => json!(String::from_utf8_lossy(bytes.as_bytes())),
        AMQPValue::ByteArray(bytes) => json!(String::from_utf8_lossy(bytes.as_slice())),
        AMQPValue::DecimalValue(value) => json!(format!("{}e-{}", value.value, value.scale)),
        AMQPValue::Void => Value::Null,
        other => integer(other).map(Value::from).or_else(|| text(other).map(Value::from)).unwrap_or_default(),
    }
}
