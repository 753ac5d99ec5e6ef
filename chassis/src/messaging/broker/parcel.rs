//! A message as the broker sees it: an address, properties and bytes.

use contracts::messages::Outgoing;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, MAX_SHORT_STRING_LENGTH, ShortString};

use super::{PublishError, cloud_event};

/// A message, packed for the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// To which exchange; the empty name is the default exchange, where the key is a queue's name.
    pub exchange: String,
    /// Under which routing key.
    pub key: String,
    /// Its properties and headers. Its `message_id` names it where it cannot be delivered.
    pub properties: BasicProperties,
    /// Its body.
    pub body: Vec<u8>,
}

/// Keeps a message when the broker stops.
pub(super) const PERSISTENT: u8 = 2;

impl Parcel {
    /// A message of ours, as a CloudEvent.
    pub fn of(outgoing: &Outgoing) -> Self {
        let (properties, body) = cloud_event::encode(&outgoing.message);
        Self { exchange: outgoing.to.exchange.clone(), key: outgoing.to.key.clone(), properties, body }
    }

    /// What it is called, for people.
    pub(super) fn name(&self) -> String {
        named(self.properties.message_id().as_ref(), &self.exchange, &self.key)
    }

    /// Exchange and key, as AMQP takes them.
    pub(super) fn address(&self) -> Result<(ShortString, ShortString), PublishError> {
        let short = |text: &str| {
            ShortString::try_new(text).map_err(|_| {
                PublishError::Returned(format!("{}: its address is longer than AMQP allows", self.name()))
            })
        };
        Ok((short(&self.exchange)?, short(&self.key)?))
    }
}

/// Headers by which a sender has the broker put a message into further queues.
const COPIES: [&str; 2] = ["CC", "BCC"];

/// The properties of a message that is sent on, with other headers: they say what it is, as before. What its
/// sender wanted of the broker the first time is left out: it must not expire where it is put now, nor go to
/// other queues again, and the user who sent it is not us, for which the broker would refuse it.
pub(in crate::messaging) fn sent_on(
    properties: &BasicProperties,
    headers: impl IntoIterator<Item = (ShortString, AMQPValue)>,
) -> BasicProperties {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        if !COPIES.contains(&name.as_str()) {
            table.insert(name, value);
        }
    }
    let mut sent = BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(table);
    for (value, with) in [
        (properties.content_type(), BasicProperties::with_content_type as With),
        (properties.content_encoding(), BasicProperties::with_content_encoding),
        (properties.correlation_id(), BasicProperties::with_correlation_id),
        (properties.reply_to(), BasicProperties::with_reply_to),
        (properties.message_id(), BasicProperties::with_message_id),
        (properties.kind(), BasicProperties::with_type),
        (properties.app_id(), BasicProperties::with_app_id),
    ] {
        if let Some(value) = value {
            sent = with(sent, value.clone());
        }
    }
    if let Some(priority) = properties.priority() {
        sent = sent.with_priority(*priority);
    }
    if let Some(timestamp) = properties.timestamp() {
        sent = sent.with_timestamp(*timestamp);
    }
    sent
}

/// Sets a property.
type With = fn(BasicProperties, ShortString) -> BasicProperties;

/// What a message is called, for people.
pub(super) fn named(id: Option<&ShortString>, exchange: &str, key: &str) -> String {
    let exchange = if exchange.is_empty() { "the default exchange" } else { exchange };
    match id {
        Some(id) => format!("message {id} to {exchange} under {key:?}"),
        None => format!("a message to {exchange} under {key:?}"),
    }
}

/// A text as a short string, cut where it is too long for one.
pub(in crate::messaging) fn short(text: &str) -> ShortString {
    let end = text.floor_char_boundary(MAX_SHORT_STRING_LENGTH);
    ShortString::try_new(&text[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_on_says_what_it_is_and_asks_nothing_of_the_broker_again() {
        let what = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_content_encoding("utf-8".into())
            .with_correlation_id("7".into())
            .with_reply_to("somewhere".into())
            .with_message_id("m".into())
            .with_type("t".into())
            .with_app_id("orders".into())
            .with_priority(3)
            .with_timestamp(5);
        let asked = what
            .clone()
            .with_delivery_mode(1)
            .with_expiration("1000".into())
            .with_user_id("somebody".into())
            .with_cluster_id("x".into());
        let value = AMQPValue::LongString("v".into());
        let headers = ["CC", "BCC", "other"].map(|name| (ShortString::from(name), value.clone()));
        let mut kept = FieldTable::default();
        kept.insert("other".into(), value);
        assert_eq!(sent_on(&asked, headers), what.with_delivery_mode(PERSISTENT).with_headers(kept));
        let nothing = BasicProperties::default();
        let plain = nothing.clone().with_delivery_mode(PERSISTENT).with_headers(FieldTable::default());
        assert_eq!(sent_on(&nothing, []), plain);
    }
}
