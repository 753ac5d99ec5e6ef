//! A message as the broker sees it: an address, properties and bytes.

use contracts::messages::Outgoing;
use lapin::BasicProperties;
use lapin::types::{MAX_SHORT_STRING_LENGTH, ShortString};

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
pub(in crate::messaging) const PERSISTENT: u8 = 2;

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
