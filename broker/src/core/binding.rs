//! Queues are bound to exchanges.

use amq_protocol::types::FieldTable;

use super::ids::{ConnectionId, QueueId};
use super::queue::Queue;
use super::records::Change;
use super::routing::Binding;
use super::{Answer, Core, declare};
use crate::error::Refusal;

/// A binding, as a client names it.
#[derive(Debug)]
pub(crate) struct BindingRequest {
    pub exchange: String,
    pub queue: String,
    pub key: String,
    pub arguments: FieldTable,
}

impl Core {
    /// Binds a queue to an exchange.
    pub fn bind(&mut self, connection: ConnectionId, request: BindingRequest) -> Result<Answer<()>, Refusal> {
        if request.exchange.is_empty() {
            return Err(declare::on_default_exchange());
        }
        if !self.exchanges.contains_key(request.exchange.as_str()) {
            return Err(Refusal::missing("exchange", &request.exchange));
        }
        let queue = self.usable_queue(connection, &request.queue)?;
        let (name, binding, kept) = self.named(queue, request);
        let exchange = self.exchanges.get_mut(name.as_str());
        let exchange = exchange.ok_or_else(|| Refusal::missing("exchange", &name))?;
        let durable = kept && exchange.spec.durable;
        let new = exchange.bind(binding.clone())?;
        let ticket = if new && durable { self.store.change(&Change::Bound(name, binding)) } else { 0 };
        Ok(Answer { value: (), ticket })
    }

    /// Takes a binding away; that there is none, no such queue or no such exchange is no failure.
    pub fn unbind(&mut self, request: BindingRequest) -> Result<Answer<()>, Refusal> {
        if request.exchange.is_empty() {
            return Err(declare::on_default_exchange());
        }
        let nothing = Ok(Answer { value: (), ticket: 0 });
        let Some(queue) = self.names.get(request.queue.as_str()).copied() else { return nothing };
        let (name, binding, kept) = self.named(queue, request);
        let Some(exchange) = self.exchanges.get_mut(name.as_str()) else { return nothing };
        let durable = kept && exchange.spec.durable;
        let mut ticket = 0;
        if exchange.unbind(&binding) {
            if durable {
                ticket = self.store.change(&Change::Unbound(name.clone(), binding));
            }
            ticket = ticket.max(self.drop_exchange_if_left(&name));
        }
        Ok(Answer { value: (), ticket })
    }

    /// The exchange, the binding, and whether the queue outlives a restart.
    fn named(&self, queue: QueueId, request: BindingRequest) -> (String, Binding, bool) {
        let kept = self.queues.get(&queue).is_some_and(Queue::is_kept);
        let binding = Binding { queue, key: request.key.into(), arguments: request.arguments };
        (request.exchange, binding, kept)
    }

    /// Takes away all bindings of a queue that is gone. The log need not know: the queue's end says it.
    pub(super) fn unbind_everywhere(&mut self, queue: QueueId) {
        let bound = self.exchanges.values_mut().filter_map(|exchange| {
            let gone = exchange.unbind_queue(queue);
            (!gone.is_empty()).then(|| exchange.spec.name.to_string())
        });
        for name in bound.collect::<Vec<_>>() {
            self.drop_exchange_if_left(&name);
        }
    }

    /// An auto-delete exchange goes with its last binding.
    fn drop_exchange_if_left(&mut self, name: &str) -> crate::storage::scribe::Ticket {
        let left = self
            .exchanges
            .get(name)
            .is_some_and(|exchange| exchange.spec.auto_delete && exchange.bindings().is_empty());
        if left { self.drop_exchange(name) } else { 0 }
    }
}
