//! What the arguments of a queue's declaration mean.

use std::fmt;
use std::sync::Arc;

use amq_protocol::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};

use crate::error::{Code, Refusal};

/// The kinds of queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum QueueKind {
    /// As durable as its messages ask for.
    Classic,
    /// Everything in it is durable, deliveries are counted. One node has no quorum: the name is RabbitMQ's.
    Quorum,
    /// Reading takes nothing out.
    Stream,
}

impl QueueKind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Quorum => "quorum",
            Self::Stream => "stream",
        }
    }
}

/// What happens when a queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// The oldest messages go.
    DropHead,
    /// New messages are refused, which a publisher hears as a nack.
    RejectPublish,
    /// The same, and they become dead letters.
    RejectPublishDlx,
}

/// How surely dead letters arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// A message that finds no queue is lost.
    AtMostOnce,
    /// A message stays until a queue has it.
    AtLeastOnce,
}

/// Whether one consumer at a time is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// All take turns.
    Shared,
    /// One gets everything, and the next when it goes (`x-single-active-consumer`).
    SingleActive,
}

/// Where dead letters go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetters {
    pub exchange: Arc<str>,
    /// The routing key; that of the message where there is none.
    pub key: Option<Arc<str>>,
    pub strategy: Strategy,
}

/// What the arguments of a queue's declaration mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub kind: QueueKind,
    /// How long a message may wait, in milliseconds.
    pub message_ttl: Option<u64>,
    /// How long the queue lives without being used, in milliseconds.
    pub expires: Option<u64>,
    pub max_length: Option<u64>,
    pub max_bytes: Option<u64>,
    pub overflow: Overflow,
    pub dead_letters: Option<DeadLetters>,
    /// How often a message may come back before it is a dead letter.
    pub delivery_limit: Option<u16>,
    pub sharing: Sharing,
    /// How old what a stream keeps may be, in milliseconds.
    pub max_age: Option<u64>,
    /// The length of a stream's files, in bytes.
    pub segment_bytes: Option<u64>,
}

/// How often a message of a quorum queue may come back where the declaration does not say, as in RabbitMQ 4.
const USUAL_DELIVERY_LIMIT: u16 = 20;
/// What RabbitMQ allows for a time to live at the most: ten years, in milliseconds.
pub(crate) const LONGEST_TTL: u64 = 315_360_000_000;
/// What RabbitMQ allows for the length of a stream's files at the most, in bytes.
const LONGEST_SEGMENT: u64 = 3_000_000_000;

/// Arguments that RabbitMQ knows and this broker does not do.
const NOT_DONE: &[&str] = &["x-max-priority"];
/// Arguments that each kind of queue does not know, though others do.
const UNKNOWN_TO_CLASSIC: &[&str] = &[
    "x-delivery-limit",
    "x-dead-letter-strategy",
    "x-max-age",
    "x-stream-max-segment-size-bytes",
    "x-quorum-initial-group-size",
    "x-initial-cluster-size",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
];
const UNKNOWN_TO_QUORUM: &[&str] = &[
    "x-max-priority",
    "x-queue-mode",
    "x-queue-version",
    "x-queue-master-locator",
    "x-max-age",
    "x-stream-max-segment-size-bytes",
];
const UNKNOWN_TO_STREAM: &[&str] = &[
    "x-message-ttl",
    "x-expires",
    "x-max-length",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-overflow",
    "x-queue-mode",
    "x-queue-version",
    "x-max-priority",
    "x-single-active-consumer",
    "x-delivery-limit",
    "x-queue-master-locator",
    "x-quorum-initial-group-size",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
];

impl QueueKind {
    fn unknown_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Classic => UNKNOWN_TO_CLASSIC,
            Self::Quorum => UNKNOWN_TO_QUORUM,
            Self::Stream => UNKNOWN_TO_STREAM,
        }
    }

    /// What RabbitMQ calls it in error texts.
    pub fn in_errors(self) -> &'static str {
        match self {
            Self::Classic => "rabbit_classic_queue",
            Self::Quorum => "rabbit_quorum_queue",
            Self::Stream => "rabbit_stream_queue",
        }
    }
}

impl Settings {
    /// Reads the arguments of the declaration of queue `name`.
    pub fn parse(name: &str, arguments: &FieldTable) -> Result<Self, Refusal> {
        let reader = Reader { queue: name, arguments };
        let kind = reader.kind()?;
        if let Some(unknown) = kind.unknown_arguments().iter().find(|argument| reader.has(argument)) {
            return Err(reader.refuse(unknown, format_args!(" of queue type {}", kind.in_errors())));
        }
        if let Some(argument) = NOT_DONE.iter().find(|argument| reader.has(argument)) {
            let text =
                format!("this broker does not do {argument} (queue '{name}' in vhost '/'); RabbitMQ does");
            return Err(Refusal::not_implemented(text));
        }
        let overflow = reader.overflow()?;
        Ok(Self {
            kind,
            message_ttl: reader.time("x-message-ttl")?,
            expires: match reader.time("x-expires")? {
                Some(0) => return Err(reader.invalid("x-expires", "{value_zero,0}")),
                expires => expires,
            },
            max_length: reader.number("x-max-length")?,
            max_bytes: reader.number("x-max-length-bytes")?,
            overflow,
            dead_letters: reader.dead_letters(kind, overflow)?,
            delivery_limit: reader.delivery_limit(kind),
            sharing: reader.sharing()?,
            max_age: reader.age("x-max-age")?,
            segment_bytes: match reader.number("x-stream-max-segment-size-bytes")? {
                Some(bytes) if bytes > LONGEST_SEGMENT => {
                    let text = format_args!("Exceeded max value {LONGEST_SEGMENT}");
                    return Err(reader.invalid("x-stream-max-segment-size-bytes", text));
                }
                bytes => bytes.filter(|bytes| *bytes > 0),
            },
        })
    }
}

struct Reader<'a> {
    queue: &'a str,
    arguments: &'a FieldTable,
}

impl Reader<'_> {
    fn has(&self, argument: &str) -> bool {
        self.arguments.inner().contains_key(argument)
    }

    fn get(&self, argument: &str) -> Option<&AMQPValue> {
        self.arguments.inner().get(argument)
    }

    fn refuse(&self, argument: &str, why: impl fmt::Display) -> Refusal {
        let queue = self.queue;
        let text = format_args!("invalid arg '{argument}' for queue '{queue}' in vhost '/'{why}");
        Refusal::new(Code::PreconditionFailed, text)
    }

    fn invalid(&self, argument: &str, why: impl fmt::Display) -> Refusal {
        self.refuse(argument, format_args!(": {why}"))
    }

    fn kind(&self) -> Result<QueueKind, Refusal> {
        match self.text("x-queue-type")?.as_deref() {
            None | Some("classic") => Ok(QueueKind::Classic),
            Some("quorum") => Ok(QueueKind::Quorum),
            Some("stream") => Ok(QueueKind::Stream),
            Some(other) => {
                Err(self.invalid("x-queue-type", format_args!("\"unsupported queue type '{other}'\"")))
            }
        }
    }

    fn overflow(&self) -> Result<Overflow, Refusal> {
        match self.text("x-overflow")?.as_deref() {
            None | Some("drop-head") => Ok(Overflow::DropHead),
            Some("reject-publish") => Ok(Overflow::RejectPublish),
            Some("reject-publish-dlx") => Ok(Overflow::RejectPublishDlx),
            Some(_) => Err(self.invalid("x-overflow", "invalid_overflow")),
        }
    }

    fn dead_letters(&self, kind: QueueKind, overflow: Overflow) -> Result<Option<DeadLetters>, Refusal> {
        let exchange = match self.get("x-dead-letter-exchange") {
            None => None,
            Some(AMQPValue::LongString(exchange)) => Some(exchange.to_string()),
            Some(other) => {
                let (queue, kind) = (self.queue, type_name(other));
                let text = format_args!(
                    "invalid type '{kind}' for arg 'x-dead-letter-exchange' in queue '{queue}' in vhost '/'"
                );
                return Err(Refusal::new(Code::PreconditionFailed, text));
            }
        };
        let key = self.text("x-dead-letter-routing-key")?;
        if key.is_some() && exchange.is_none() {
            return Err(self.invalid("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined"));
        }
        let strategy = match self.text("x-dead-letter-strategy")?.as_deref() {
            // it cannot be kept while messages are dropped: RabbitMQ falls back, too
            Some("at-least-once") if kind == QueueKind::Quorum && overflow != Overflow::DropHead => {
                Strategy::AtLeastOnce
            }
            None | Some("at-most-once" | "at-least-once") => Strategy::AtMostOnce,
            Some(_) => return Err(self.invalid("x-dead-letter-strategy", "invalid_dlx_strategy")),
        };
        let place =
            |exchange: String| DeadLetters { exchange: exchange.into(), key: key.map(Arc::from), strategy };
        Ok(exchange.map(place))
    }

    /// A negative limit stands for none, as in RabbitMQ 4; what is no number is as good as nothing said.
    fn delivery_limit(&self, kind: QueueKind) -> Option<u16> {
        match self.get("x-delivery-limit").and_then(integer) {
            _ if kind != QueueKind::Quorum => None,
            Some(limit) if limit < 0 => None,
            Some(limit) => Some(u16::try_from(limit).unwrap_or(u16::MAX)),
            None => Some(USUAL_DELIVERY_LIMIT),
        }
    }

    fn sharing(&self) -> Result<Sharing, Refusal> {
        match self.get("x-single-active-consumer") {
            None | Some(AMQPValue::Boolean(false)) => Ok(Sharing::Shared),
            Some(AMQPValue::Boolean(true)) => Ok(Sharing::SingleActive),
            Some(other) => Err(self.unacceptable("x-single-active-consumer", other)),
        }
    }

    fn unacceptable(&self, argument: &str, value: &AMQPValue) -> Refusal {
        self.invalid(argument, format_args!("{{unacceptable_type,{}}}", type_name(value)))
    }

    fn text(&self, argument: &str) -> Result<Option<String>, Refusal> {
        match self.get(argument) {
            None => Ok(None),
            Some(AMQPValue::LongString(text)) => Ok(Some(text.to_string())),
            Some(other) => Err(self.unacceptable(argument, other)),
        }
    }

    fn number(&self, argument: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.get(argument) else { return Ok(None) };
        let Some(number) = integer(value) else {
            let text = format_args!("\"expected integer, got {}\"", type_name(value));
            return Err(self.invalid(argument, text));
        };
        u64::try_from(number)
            .map(Some)
            .map_err(|_| self.invalid(argument, format_args!("{{value_negative,{number}}}")))
    }

    /// In milliseconds.
    fn time(&self, argument: &str) -> Result<Option<u64>, Refusal> {
        match self.number(argument)? {
            Some(time) if time > LONGEST_TTL => {
                Err(self.invalid(argument, format_args!("{{value_too_large,{time}}}")))
            }
            time => Ok(time),
        }
    }

    /// A time as streams have it: `7D`, `12h`. In milliseconds.
    fn age(&self, argument: &str) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.text(argument)? else { return Ok(None) };
        parse_age(&text).map(Some).ok_or_else(|| self.invalid(argument, "invalid_max_age"))
    }
}

/// A time as streams have it, `7D` or `12h`, in milliseconds.
pub(crate) fn parse_age(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        'Y' => 365 * 24 * 3600,
        'M' => 30 * 24 * 3600,
        'D' => 24 * 3600,
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(seconds)?.checked_mul(1000)
}

/// An integer of whatever size.
pub(crate) fn integer(value: &AMQPValue) -> Option<i128> {
    match value {
        AMQPValue::ShortShortInt(number) => Some((*number).into()),
        AMQPValue::ShortShortUInt(number) => Some((*number).into()),
        AMQPValue::ShortInt(number) => Some((*number).into()),
        AMQPValue::ShortUInt(number) => Some((*number).into()),
        AMQPValue::LongInt(number) => Some((*number).into()),
        AMQPValue::LongUInt(number) => Some((*number).into()),
        AMQPValue::LongLongInt(number) => Some((*number).into()),
        _ => None,
    }
}

/// What RabbitMQ calls a value's type.
pub(crate) fn type_name(value: &AMQPValue) -> &'static str {
    match value {
        AMQPValue::Boolean(_) => "bool",
        AMQPValue::ShortShortInt(_) => "byte",
        AMQPValue::ShortShortUInt(_) => "unsignedbyte",
        AMQPValue::ShortInt(_) => "short",
        AMQPValue::ShortUInt(_) => "unsignedshort",
        AMQPValue::LongInt(_) => "signedint",
        AMQPValue::LongUInt(_) => "unsignedint",
        AMQPValue::LongLongInt(_) => "long",
        AMQPValue::Float(_) => "float",
        AMQPValue::Double(_) => "double",
        AMQPValue::DecimalValue(_) => "decimal",
        AMQPValue::ShortString(_) | AMQPValue::LongString(_) => "longstr",
        AMQPValue::FieldArray(_) => "array",
        AMQPValue::Timestamp(_) => "timestamp",
        AMQPValue::FieldTable(_) => "table",
        AMQPValue::ByteArray(_) => "binary",
        AMQPValue::Void => "void",
    }
}
