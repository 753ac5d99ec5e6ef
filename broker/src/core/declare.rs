//! Exchanges and queues are declared, emptied and deleted.

use std::fmt;
use std::sync::Arc;

use amq_protocol::types::{AMQPValue, FieldTable};
use rand::RngCore;

use super::ids::{ConnectionId, QueueId};
use super::queue::settings::{QueueKind, Settings, integer, type_name};
use super::queue::{Queue, QueueSpec};
use super::records::Change;
use super::routing::{Exchange, ExchangeKind, ExchangeSpec};
use super::{Core, direct_reply, now};
use crate::error::{Code, Refusal};
use crate::storage::scribe::Ticket;

/// Names that begin so are the broker's.
const RESERVED: &str = "amq.";
/// Where an exchange sends what it cannot route, in RabbitMQ.
const ALTERNATE: &str = "alternate-exchange";

/// Whether something may be made, or must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existence {
    MayBeMade,
    /// `passive`
    MustBe,
}

/// What happens in a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    Durable,
    Transient,
}

/// Under which condition something is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Only if nobody uses it.
    pub unused: bool,
    /// Only if nothing is in it.
    pub empty: bool,
}

/// The declaration of an exchange.
#[derive(Debug)]
pub(crate) struct ExchangeDeclaration {
    pub name: String,
    pub kind: String,
    pub existence: Existence,
    pub lifetime: Lifetime,
    pub auto_delete: bool,
    pub internal: bool,
    pub arguments: FieldTable,
}

/// The declaration of a queue.
#[derive(Debug)]
pub(crate) struct QueueDeclaration {
    /// Empty for a name of the broker's.
    pub name: String,
    pub existence: Existence,
    pub lifetime: Lifetime,
    pub exclusive: bool,
    pub auto_delete: bool,
    pub arguments: FieldTable,
}

/// An answer, and what must be on disk before it may be given.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub value: T,
    pub ticket: Ticket,
}

/// What the declaration of a queue answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub name: Arc<str>,
    pub messages: u32,
    pub consumers: u32,
}

impl Core {
    /// Makes the exchanges that are there from the beginning.
    pub(super) fn declare_standard_exchanges(&mut self) {
        for exchange in Exchange::all_standard() {
            self.exchanges.entry(exchange.spec.name.clone()).or_insert(exchange);
        }
    }

    /// Declares an exchange.
    pub fn declare_exchange(&mut self, mut wanted: ExchangeDeclaration) -> Result<Answer<()>, Refusal> {
        without_line_ends(&mut wanted.name);
        let name = &wanted.name;
        if name.is_empty() {
            return Err(on_default_exchange());
        }
        if wanted.existence == Existence::MustBe {
            return match self.exchanges.contains_key(name.as_str()) {
                true => Ok(Answer { value: (), ticket: 0 }),
                false => Err(Refusal::missing("exchange", name)),
            };
        }
        let kind = ExchangeKind::parse(&wanted.kind)?;
        let spec = ExchangeSpec {
            name: name.as_str().into(),
            kind,
            durable: wanted.lifetime == Lifetime::Durable,
            auto_delete: wanted.auto_delete,
            internal: wanted.internal,
            arguments: wanted.arguments,
        };
        if let Some(exchange) = self.exchanges.get(name.as_str()) {
            same_exchange(&exchange.spec, &spec)?;
            return Ok(Answer { value: (), ticket: 0 });
        }
        if name.starts_with(RESERVED) {
            return Err(reserved("exchange", name));
        }
        if spec.arguments.inner().contains_key(ALTERNATE) {
            let text = format!(
                "this broker does not do {ALTERNATE} (exchange '{name}' in vhost '/'); RabbitMQ does"
            );
            return Err(Refusal::not_implemented(text));
        }
        let ticket = match spec.durable {
            true => self.store.change(&Change::ExchangeDeclared(spec.clone())),
            false => 0,
        };
        self.exchanges.insert(spec.name.clone(), Exchange::new(spec));
        Ok(Answer { value: (), ticket })
    }

    /// Deletes an exchange; that there is none is no failure.
    pub fn delete_exchange(&mut self, name: &str, condition: Condition) -> Result<Answer<()>, Refusal> {
        if name.is_empty() {
            return Err(on_default_exchange());
        }
        if name.starts_with(RESERVED) {
            let text = format!("deletion of system exchange '{name}' in vhost '/' not allowed");
            return Err(Refusal::new(Code::AccessRefused, text));
        }
        let Some(exchange) = self.exchanges.get(name) else { return Ok(Answer { value: (), ticket: 0 }) };
        if condition.unused && !exchange.bindings().is_empty() {
            let text = format!("exchange '{name}' in vhost '/' in use");
            return Err(Refusal::new(Code::PreconditionFailed, text));
        }
        Ok(Answer { value: (), ticket: self.drop_exchange(name) })
    }

    pub(super) fn drop_exchange(&mut self, name: &str) -> Ticket {
        match self.exchanges.remove(name) {
            Some(exchange) if exchange.spec.durable => {
                self.store.change(&Change::ExchangeDeleted(name.to_owned()))
            }
            _ => 0,
        }
    }

    /// Declares a queue.
    pub fn declare_queue(
        &mut self,
        connection: ConnectionId,
        mut wanted: QueueDeclaration,
    ) -> Result<Answer<Counted>, Refusal> {
        self.written();
        without_line_ends(&mut wanted.name);
        // who answers directly looks in this way whether anybody still waits for it
        let address = direct_reply::address_of(&wanted.name);
        if wanted.name == direct_reply::PSEUDO_QUEUE
            || address.is_some_and(|address| self.awaits_replies(address))
        {
            return Ok(Answer {
                value: Counted { name: wanted.name.into(), messages: 0, consumers: 1 },
                ticket: 0,
            });
        }
        if wanted.existence == Existence::MustBe {
            return self.counted(self.usable_queue(connection, &wanted.name)?);
        }
        if wanted.name.starts_with(RESERVED) {
            return Err(reserved("queue", &wanted.name));
        }
        if self.names.contains_key(wanted.name.as_str()) {
            let id = self.usable_queue(connection, &wanted.name)?;
            if let Some(queue) = self.queues.get(&id) {
                same_queue(queue, &wanted, connection)?;
            }
            return self.counted(id);
        }
        let name: Arc<str> = match wanted.name.as_str() {
            "" => generated("amq.gen-").into(),
            name => name.into(),
        };
        let settings = Settings::parse(&name, &wanted.arguments)?;
        fits_kind(&name, &settings, &wanted)?;
        if self.queues.len() >= self.limits.queues {
            let text = format!("there are {} queues already, which is the limit", self.limits.queues);
            return Err(Refusal::new(Code::PreconditionFailed, text));
        }
        let id = QueueId(self.next_queue);
        let stream = match settings.kind {
            QueueKind::Stream => Some(self.store.stream(id, settings.segment_bytes).map_err(|error| {
                tracing::error!(%error, "the files of stream {name} cannot be made: {error}");
                Refusal::new(Code::InternalError, "the files of the stream cannot be made")
            })?),
            _ => None,
        };
        self.next_queue += 1;
        let spec = QueueSpec {
            id,
            name: name.clone(),
            durable: wanted.lifetime == Lifetime::Durable,
            auto_delete: wanted.auto_delete,
            arguments: wanted.arguments,
        };
        let mut queue = Queue::new(spec, settings, wanted.exclusive.then_some(connection), now());
        queue.stream = stream;
        let ticket = match queue.is_kept() {
            true => self.store.change(&Change::QueueDeclared(queue.spec.clone())),
            false => 0,
        };
        self.names.insert(name.clone(), id);
        self.queues.insert(id, queue);
        self.set_timer(id);
        Ok(Answer { value: Counted { name, messages: 0, consumers: 0 }, ticket })
    }

    fn counted(&mut self, id: QueueId) -> Result<Answer<Counted>, Refusal> {
        let Some(queue) = self.queues.get_mut(&id) else { return Err(Refusal::missing("queue", "")) };
        queue.used = now();
        let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let value = Counted {
            name: queue.spec.name.clone(),
            messages: number(queue.ready()),
            consumers: number(queue.consumers.len() as u64),
        };
        self.set_timer(id);
        Ok(Answer { value, ticket: 0 })
    }

    /// Deletes a queue; how many messages waited in it. That there is none is no failure.
    pub fn delete_queue_if(
        &mut self,
        connection: ConnectionId,
        name: &str,
        condition: Condition,
    ) -> Result<Answer<u32>, Refusal> {
        if !self.names.contains_key(name) {
            return Ok(Answer { value: 0, ticket: 0 });
        }
        let id = self.usable_queue(connection, name)?;
        let Some(queue) = self.queues.get(&id) else { return Ok(Answer { value: 0, ticket: 0 }) };
        let kind = queue.settings.kind;
        for (set, flag) in [(condition.unused, "if-unused"), (condition.empty, "if-empty")] {
            if kind == QueueKind::Quorum && set {
                let text = format!(
                    "cannot delete queue '{name}' in vhost '/'. queue.delete operations with {flag} flag set are not supported by \
                     quorum queues"
                );
                return Err(Refusal::not_implemented(text));
            }
        }
        let condition = match kind {
            // as in RabbitMQ, a stream goes whoever reads it
            QueueKind::Stream => Condition { unused: false, empty: false },
            _ => condition,
        };
        let refuse = |why| {
            Err(Refusal::new(Code::PreconditionFailed, format_args!("queue '{name}' in vhost '/' {why}")))
        };
        if condition.unused && queue.consumers.len() > 0 {
            return refuse("in use");
        }
        if condition.empty && queue.ready() > 0 {
            return refuse("not empty");
        }
        let waited = match kind {
            QueueKind::Stream => 0,
            _ => u32::try_from(queue.ready()).unwrap_or(u32::MAX),
        };
        let ticket = self.delete_queue(id);
        self.deliver();
        Ok(Answer { value: waited, ticket })
    }

    /// Deletes a queue with all that is in it and bound to it.
    pub(super) fn delete_queue(&mut self, id: QueueId) -> Ticket {
        self.drop_timer(id);
        let Some(mut queue) = self.queues.remove(&id) else { return 0 };
        self.names.remove(&queue.spec.name);
        self.cancel_by_us(queue.consumers.take_all());
        let numbers: Vec<u64> = queue.messages.iter().map(|(number, _)| number).collect();
        for number in numbers {
            let Some((slot, cached)) = queue.messages.remove(number) else { continue };
            self.store.cached -= cached.map_or(0, |message| message.size());
            if let Some(place) = slot.place() {
                self.store.release(place);
            }
        }
        self.unbind_everywhere(id);
        let ticket = match queue.is_kept() {
            true => self.store.change(&Change::QueueDeleted(id)),
            false => 0,
        };
        // the files go after the record that says so
        if let Some(stream) = queue.stream.take() {
            stream.delete();
        }
        ticket
    }

    /// Takes everything out of a queue that waits in it; how many messages that were.
    pub fn purge(&mut self, connection: ConnectionId, name: &str) -> Result<Answer<u32>, Refusal> {
        let id = self.usable_queue(connection, name)?;
        let Some(queue) = self.queues.get(&id) else { return Err(Refusal::missing("queue", name)) };
        if queue.settings.kind == QueueKind::Stream {
            let text = format!("queue.purge not supported by stream queues queue '{name}' in vhost '/'");
            return Err(Refusal::not_implemented(text));
        }
        let waiting = queue.messages.waiting();
        self.begin_segment_if_full();
        // in parts, so that no record is too long to be read back in one go
        waiting.chunks(8192).for_each(|numbers| self.discard(id, numbers));
        self.set_timer(id);
        Ok(Answer {
            value: u32::try_from(waiting.len()).unwrap_or(u32::MAX),
            ticket: self.store.scribe().given(),
        })
    }
}

/// Names have no line ends, as in RabbitMQ.
fn without_line_ends(name: &mut String) {
    name.retain(|letter| !matches!(letter, '\r' | '\n'));
}

/// A name that nobody else has.
pub(super) fn generated(prefix: &str) -> String {
    let mut random = rand::rng();
    format!("{prefix}{:016x}{:016x}", random.next_u64(), random.next_u64())
}

pub(super) fn on_default_exchange() -> Refusal {
    Refusal::new(Code::AccessRefused, "operation not permitted on the default exchange")
}

fn reserved(what: &str, name: &str) -> Refusal {
    Refusal::new(Code::AccessRefused, format_args!("{what} name '{name}' contains reserved prefix 'amq.*'"))
}

/// Quorum queues and streams are durable, and belong to everybody.
fn fits_kind(name: &str, settings: &Settings, wanted: &QueueDeclaration) -> Result<(), Refusal> {
    let kind = settings.kind;
    if kind == QueueKind::Classic {
        return Ok(());
    }
    if wanted.name.is_empty() {
        let text = format!("Cannot declare a server-named queue for type {}", kind.in_errors());
        return Err(Refusal::new(Code::PreconditionFailed, text));
    }
    let invalid = |property| {
        let text = format!("invalid property '{property}' for queue '{name}' in vhost '/'");
        Err(Refusal::new(Code::PreconditionFailed, text))
    };
    if wanted.exclusive {
        return invalid("exclusive-owner");
    }
    if wanted.auto_delete {
        return invalid("auto-delete");
    }
    if wanted.lifetime == Lifetime::Transient {
        return invalid("non-durable");
    }
    Ok(())
}

fn differs(
    argument: &str,
    what: &str,
    name: &str,
    received: impl fmt::Display,
    current: impl fmt::Display,
) -> Refusal {
    Refusal::new(
        Code::PreconditionFailed,
        format_args!(
            "inequivalent arg '{argument}' for {what} '{name}' in vhost '/': received {received} but current is {current}"
        ),
    )
}

fn same_exchange(current: &ExchangeSpec, wanted: &ExchangeSpec) -> Result<(), Refusal> {
    let (wanted_kind, kind) = (wanted.kind.as_str(), current.kind.as_str());
    if wanted_kind != kind {
        return Err(differs("type", "exchange", &current.name, quoted(wanted_kind), quoted(kind)));
    }
    for (argument, wanted, now) in [
        ("durable", wanted.durable, current.durable),
        ("auto_delete", wanted.auto_delete, current.auto_delete),
        ("internal", wanted.internal, current.internal),
    ] {
        if wanted != now {
            return Err(differs(argument, "exchange", &current.name, quoted(wanted), quoted(now)));
        }
    }
    let [wanted, now] = [wanted, current].map(|spec| spec.arguments.inner().get(ALTERNATE));
    if wanted != now {
        return Err(differs(ALTERNATE, "exchange", &current.name, described(wanted), described(now)));
    }
    Ok(())
}

/// The arguments in which two declarations of a queue must agree.
const MUST_AGREE: [&str; 14] = [
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-max-length",
    "x-max-length-bytes",
    "x-overflow",
    "x-queue-mode",
    "x-single-active-consumer",
    "x-delivery-limit",
    "x-max-age",
    "x-stream-max-segment-size-bytes",
    "x-queue-type",
];

fn same_queue(queue: &Queue, wanted: &QueueDeclaration, connection: ConnectionId) -> Result<(), Refusal> {
    let name = &queue.spec.name;
    if wanted.exclusive != (queue.owner == Some(connection)) {
        return Err(locked(name));
    }
    for (argument, wanted, now) in [
        ("durable", wanted.lifetime == Lifetime::Durable, queue.spec.durable),
        ("auto_delete", wanted.auto_delete, queue.spec.auto_delete),
    ] {
        if wanted != now {
            return Err(differs(argument, "queue", name, quoted(wanted), quoted(now)));
        }
    }
    for argument in MUST_AGREE {
        let usual = usual(argument);
        let now = queue.spec.arguments.inner().get(argument).or(usual.as_ref());
        let wanted = wanted.arguments.inner().get(argument).or(usual.as_ref());
        let same = match (now, wanted) {
            (Some(now), Some(wanted)) => match (integer(now), integer(wanted)) {
                (Some(now), Some(wanted)) => now == wanted,
                _ => now == wanted,
            },
            (now, wanted) => now == wanted,
        };
        if !same {
            let (received, current) = match (wanted, now) {
                (Some(wanted), Some(now)) => (quoted(shown(wanted)), quoted(shown(now))),
                _ => (described(wanted), described(now)),
            };
            return Err(differs(argument, "queue", name, received, current));
        }
    }
    Ok(())
}

/// What holds where a declaration does not say: a queue is a classic one.
fn usual(argument: &str) -> Option<AMQPValue> {
    (argument == "x-queue-type").then(|| AMQPValue::LongString("classic".into()))
}

fn quoted(value: impl fmt::Display) -> String {
    format!("'{value}'")
}

fn described(value: Option<&AMQPValue>) -> String {
    let Some(value) = value else { return "none".to_owned() };
    format!("the value '{}' of type '{}'", shown(value), type_name(value))
}

fn shown(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::Boolean(flag) => flag.to_string(),
        other => integer(other).map_or_else(|| format!("{other:?}"), |number| number.to_string()),
    }
}

/// A queue that another connection has for itself.
pub(super) fn locked(name: &str) -> Refusal {
    let text = format!(
        "cannot obtain exclusive access to locked queue '{name}' in vhost '/'. It could be originally declared on \
         another connection or the exclusive property value does not match that of the original declaration."
    );
    Refusal::new(Code::ResourceLocked, text)
}
