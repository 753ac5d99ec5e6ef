//! A message as a CloudEvent in AMQP, binary mode: attributes as headers, data as the body
//! (CloudEvents 1.0.2, AMQP protocol binding; its application properties are the headers of AMQP 0-9-1).
//!
//! `traceparent` and `tracestate` stand there under their own names too, where tracing tools look for
//! them, and the message's own properties repeat what broker and tools show: id, type, time, source.

use std::fmt::Display;

use contracts::TraceContext;
use contracts::messages::{Message, MessageId};
use contracts::orders::Coordination;
use contracts::types::{OrderId, Timestamp};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use uuid::Uuid;

use super::parcel::{PERSISTENT, short};

/// What stands before an attribute's name in a header.
const PREFIX: &str = "cloudEvents:";
/// The same, as clients write it that cannot write the other (JMS).
const OTHER_PREFIX: &str = "cloudEvents_";
const VERSION: &str = "1.0";
const JSON: &str = "application/json";
/// The content type of CloudEvents in structured mode.
const STRUCTURED: &str = "application/cloudevents";

/// The properties and the body of a message.
pub(super) fn encode(message: &Message) -> (BasicProperties, Vec<u8>) {
    let trace = &message.trace;
    let mut headers = Headers(FieldTable::default());
    headers.attribute("specversion", VERSION);
    headers.attribute("id", message.id);
    headers.attribute("type", &message.kind);
    headers.attribute("source", format_args!("/{}", message.source));
    headers.attribute("subject", message.subject);
    headers.attribute("time", message.at);
    headers.attribute("sequence", message.sequence);
    headers.attribute("coordination", message.coordination.as_str());
    headers.attribute("traceparent", trace.traceparent());
    headers.header("traceparent", trace.traceparent());
    if let Some(state) = &trace.state {
        headers.attribute("tracestate", state);
        headers.header("tracestate", state);
    }
    let seconds = u64::try_from(message.at.0 / 1_000_000).unwrap_or_default();
    let properties = BasicProperties::default()
        .with_content_type(short(JSON))
        .with_delivery_mode(PERSISTENT)
        .with_message_id(short(&message.id.to_string()))
        .with_type(short(&message.kind))
        .with_app_id(short(&message.source))
        .with_timestamp(seconds)
        .with_headers(headers.0);
    // a JSON value has text keys only: this cannot fail
    (properties, serde_json::to_vec(&message.data).unwrap_or_default())
}

struct Headers(FieldTable);

impl Headers {
    fn attribute(&mut self, name: &str, value: impl Display) {
        self.header(&attribute_header(name), value);
    }

    fn header(&mut self, name: &str, value: impl Display) {
        self.0.insert(short(name), AMQPValue::LongString(value.to_string().into()));
    }
}

/// The message that came with these properties and this body, or what is wrong with it. Headers that
/// nobody here knows are not looked at.
pub fn decode(properties: &BasicProperties, body: &[u8]) -> Result<Message, String> {
    let content = properties.content_type().as_ref().map_or(JSON, |content| content.as_str());
    if content.starts_with(STRUCTURED) {
        return Err(format!(
            "it is a CloudEvent in structured mode ({content}); binary mode is what is read here"
        ));
    }
    if !is_json(content) {
        return Err(format!("its content is not {JSON} but {content:?}"));
    }
    let nothing = FieldTable::default();
    let attributes = Attributes(properties.headers().as_ref().unwrap_or(&nothing));
    let version = attributes.required("specversion")?;
    if version != VERSION {
        return Err(format!("its specversion is {version:?}, and {VERSION:?} is what is read here"));
    }
    let source = attributes.required("source")?;
    let source = source.strip_prefix('/').unwrap_or(&source);
    if source.is_empty() {
        return Err("its source is empty".to_owned());
    }
    Ok(Message {
        id: MessageId(attributes.read("id", "a UUID", |text| Uuid::try_parse(text).ok())?),
        kind: attributes
            .read("type", "a name", |text| Some(text.to_owned()).filter(|text| !text.is_empty()))?,
        source: source.to_owned(),
        subject: OrderId(attributes.read("subject", "a UUID", |text| Uuid::try_parse(text).ok())?),
        // what no database of ours could keep is no version of anything
        sequence: attributes.read("sequence", "a number from 0 to 2^63 - 1", |text| {
            text.parse().ok().filter(|number| i64::try_from(*number).is_ok())
        })?,
        coordination: attributes.read("coordination", "a coordination", Coordination::parse)?,
        at: attributes.read("time", "an RFC 3339 time", Timestamp::parse)?,
        trace: attributes.trace(),
        data: serde_json::from_slice(body).map_err(|error| format!("its body is not JSON: {error}"))?,
    })
}

fn is_json(content: &str) -> bool {
    let media = content.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case(JSON)
}

/// The header that an attribute stands in.
pub(in crate::messaging) fn attribute_header(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// The trace in which a message says it was sent, as its `traceparent`; also where the rest cannot be read.
pub(in crate::messaging) fn traceparent(headers: &FieldTable) -> Option<String> {
    given_trace(headers).map(|trace| trace.traceparent())
}

/// The same, read.
pub(in crate::messaging) fn given_trace(headers: &FieldTable) -> Option<TraceContext> {
    Attributes(headers).given_trace()
}

/// An attribute's value as text, where there is one; also where the rest cannot be read.
pub(in crate::messaging) fn attribute(headers: &FieldTable, name: &str) -> Option<String> {
    Attributes(headers).get(name)
}

struct Attributes<'a>(&'a FieldTable);

impl Attributes<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let values = self.0.inner();
        let value = |prefix: &str| values.get(format!("{prefix}{name}").as_str());
        value(PREFIX).or_else(|| value(OTHER_PREFIX)).and_then(text)
    }

    fn required(&self, name: &str) -> Result<String, String> {
        self.get(name).ok_or_else(|| format!("it has no attribute {name} (header {PREFIX}{name})"))
    }

    fn read<T>(&self, name: &str, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let text = self.required(name)?;
        read(&text).ok_or_else(|| format!("its attribute {name} is not {what}: {text:?}"))
    }

    fn given_trace(&self) -> Option<TraceContext> {
        let header = |name: &str| self.0.inner().get(name).and_then(text).or_else(|| self.get(name));
        TraceContext::parse(&header("traceparent")?, header("tracestate").as_deref())
    }

    /// The trace; a new one where none is given or it is malformed, as its specification asks.
    fn trace(&self) -> TraceContext {
        self.given_trace().unwrap_or_else(TraceContext::root)
    }
}

/// A header's value as text: the binding lets attributes come in their own types too.
pub(in crate::messaging) fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        AMQPValue::Timestamp(seconds) => {
            let micros = i64::try_from(*seconds).ok()?.checked_mul(1_000_000)?;
            Some(Timestamp(micros).to_string())
        }
        AMQPValue::Boolean(value) => Some(value.to_string()),
        other => integer(other).map(|value| value.to_string()),
    }
}

/// A header's value as a whole number.
pub(in crate::messaging) fn integer(value: &AMQPValue) -> Option<i64> {
    match value {
        AMQPValue::ShortShortInt(value) => Some(i64::from(*value)),
        AMQPValue::ShortShortUInt(value) => Some(i64::from(*value)),
        AMQPValue::ShortInt(value) => Some(i64::from(*value)),
        AMQPValue::ShortUInt(value) => Some(i64::from(*value)),
        AMQPValue::LongInt(value) => Some(i64::from(*value)),
        AMQPValue::LongUInt(value) => Some(i64::from(*value)),
        AMQPValue::LongLongInt(value) => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
