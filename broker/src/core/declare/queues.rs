//! Queues are declared, emptied and deleted.

use std::sync::Arc;

use amq_protocol::types::FieldTable;

use super::agreement::same_queue;
use super::{Answer, Condition, Existence, Lifetime, RESERVED, generated, reserved, without_line_ends};
use crate::core::ids::{ConnectionId, QueueId};
use crate::core::queue::settings::{QueueKind, Settings};
use crate::core::queue::{Queue, QueueSpec};
use crate::core::records::Change;
use crate::core::{Core, direct_reply, now};
use crate::error::{Code, Refusal};
use crate::storage::scribe::Ticket;

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

/// What the declaration of a queue answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub name: Arc<str>,
    pub messages: u32,
    pub consumers: u32,
}

impl Core {
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
    pub(in crate::core) fn delete_queue(&mut self, id: QueueId) -> Ticket {
        self.drop_timer(id);
        let Some(mut queue) = self.queues.remove(&id) else { return 0 };
        self.names.remove(&queue.spec.name);
        self.cancel_by_us(queue.consumers.take_all());
        let numbers: Vec<u64> = queue.messages.iter().map(|(number, _)| number).collect();
        for number in numbers {
            let Some((slot, cached)) = queue.messages.remove(number) else { continue };
            self.store.forget(&slot, cached.as_deref());
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

/// A queue that another connection has for itself.
pub(in crate::core) fn locked(name: &str) -> Refusal {
    let text = format!(
        "cannot obtain exclusive access to locked queue '{name}' in vhost '/'. It could be originally declared on \
         another connection or the exclusive property value does not match that of the original declaration."
    );
    Refusal::new(Code::ResourceLocked, text)
}
