//! How an event of a module becomes a message, and back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Address, Message, MessageId, Origin, Outgoing};
use crate::types::{OrderId, Timestamp};

/// What a module tells the world. The enum is internally tagged (`type`) with the event's name.
pub trait Event: Serialize + DeserializeOwned + Sized {
    /// The module that says it.
    const MODULE: &'static str;
    /// The names of all its events.
    const NAMES: &'static [&'static str];

    /// Its name: `stock_reserved`.
    fn name(&self) -> &'static str;

    /// The order that it is about.
    fn subject(&self) -> OrderId;

    /// The version of what it is about, after it.
    fn sequence(&self) -> u64;

    /// The message that says it as a fact about the module's own books: under one id however often.
    fn fact(&self, origin: &Origin, at: Timestamp) -> Outgoing {
        let kind = kind(Self::MODULE, self.name());
        let id = MessageId::of(Self::MODULE, &kind, self.subject(), self.sequence());
        self.message(id, kind, origin, at)
    }

    /// The message that says it in answer to `cause`, where nothing changed in the books (a refusal):
    /// under one id however often `cause` comes.
    fn answer(&self, cause: MessageId, origin: &Origin, at: Timestamp) -> Outgoing {
        let kind = kind(Self::MODULE, self.name());
        let id = cause.answered(Self::MODULE, &kind);
        self.message(id, kind, origin, at)
    }

    /// The event in `message`: nothing where it says something else, or in a version that this code does
    /// not know; an error where it claims to be one and cannot be read.
    fn read(message: &Message) -> Result<Option<Self>, serde_json::Error> {
        if !Self::NAMES.iter().any(|name| message.kind == kind(Self::MODULE, name)) {
            return Ok(None);
        }
        Self::deserialize(&message.data).map(Some)
    }

    #[doc(hidden)]
    fn message(&self, id: MessageId, kind: String, origin: &Origin, at: Timestamp) -> Outgoing {
        let message = Message {
            id,
            kind,
            source: Self::MODULE.to_owned(),
            subject: self.subject(),
            sequence: self.sequence(),
            coordination: origin.coordination,
            at,
            trace: origin.trace.clone(),
            // an enum of structs with text keys: this cannot fail
            data: serde_json::to_value(self).unwrap_or_default(),
        };
        Outgoing { to: Address::event(Self::MODULE, self.name(), origin.coordination), message }
    }
}

/// The type of an event's message: a change that old readers would misread gets another version.
pub fn kind(module: &str, name: &str) -> String {
    format!("tradewind.{module}.{name}.v1")
}
