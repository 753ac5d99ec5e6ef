//! Consumers come and go; a message is asked for; how much may be under way.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, basic};
use amq_protocol::types::{AMQPValue, FieldTable};
use tokio::sync::Notify;

use super::ids::{ChannelKey, ConnectionId, ConsumerId, QueueId};
use super::queue::Queue;
use super::queue::consumers::{Acks, Company, Consumer};
use super::queue::settings::{QueueKind, Sharing};
use super::streams::Feeding;
use super::{Core, Hears, declare, deliver, direct_reply, now};
use crate::connection::outbox::Outgoing;
use crate::error::{Code, Refusal};

/// What a consumer asks for.
#[derive(Debug)]
pub(crate) struct ConsumeRequest {
    pub queue: String,
    /// What it wants to be called; empty for a name of the broker's.
    pub tag: String,
    pub acks: Acks,
    pub company: Company,
    pub arguments: FieldTable,
}

impl Core {
    /// Begins a consumer; its tag, and of a stream what is to be read for it. Nothing is delivered before
    /// [`Self::begin_delivery`], so that the answer goes first.
    pub fn consume(
        &mut self,
        key: ChannelKey,
        request: ConsumeRequest,
    ) -> Result<(Arc<str>, Option<Feeding>), Refusal> {
        if request.arguments.inner().contains_key("x-priority") {
            return Err(Refusal::not_implemented(
                "this broker does not do priorities of consumers; RabbitMQ does",
            ));
        }
        let tag = self.free_tag(key, &request.tag)?;
        if request.queue == direct_reply::PSEUDO_QUEUE {
            return self.consume_replies(key, tag, &request).map(|tag| (tag, None));
        }
        let id = self.usable_queue(key.connection, &request.queue)?;
        let name: Arc<str> = request.queue.into();
        let Some(channel) = self.channels.get_mut(&key) else {
            return Err(Refusal::new(Code::ChannelError, "the channel is not open"));
        };
        let Some(queue) = self.queues.get_mut(&id) else { return Err(Refusal::missing("queue", &name)) };
        let alone = queue.consumers.len() == 0;
        // the other kinds let everybody in, as in RabbitMQ
        if queue.settings.kind == QueueKind::Classic
            && (queue.consumers.are_excluded()
                || (request.company == Company::Exclusive
                    && (!alone || queue.settings.sharing == Sharing::SingleActive)))
        {
            let text = format!("queue '{name}' in vhost '/' in exclusive use");
            return Err(Refusal::new(Code::AccessRefused, text));
        }
        if channel.shared_prefetch != 0 && queue.settings.kind != QueueKind::Classic {
            let text = format!("queue '{name}' in vhost '/' does not support global qos");
            return Err(Refusal::not_implemented(text));
        }
        let Some(client) = self.connections.get(&key.connection) else {
            return Err(Refusal::new(Code::ChannelError, "the connection is gone"));
        };
        if queue.settings.kind != QueueKind::Stream && start_argument(&request.arguments).is_some() {
            let text = format!(
                "invalid arg 'x-stream-offset' for queue '{name}' in vhost '/' of queue type {}",
                queue.settings.kind.in_errors()
            );
            return Err(Refusal::new(Code::PreconditionFailed, text));
        }
        let consumer_id = ConsumerId(self.next_consumer);
        let feeding = match queue.settings.kind {
            QueueKind::Stream => Some(super::streams::begin(
                queue,
                consumer_id,
                &request.arguments,
                request.acks,
                channel.prefetch,
            )?),
            _ => None,
        };
        self.next_consumer += 1;
        queue.used = now();
        queue.consumers.add(Consumer {
            id: consumer_id,
            channel: key,
            tag: tag.clone(),
            acks: request.acks,
            company: request.company,
            prefetch: channel.prefetch,
            held: 0,
            outbox: client.outbox.clone(),
            feed: feeding.as_ref().map(|feeding| feeding.wake.clone()),
        });
        channel.consumers.insert(tag.clone(), (id, consumer_id));
        Ok((tag, feeding))
    }

    /// The consumer of that tag has had its answer, and gets what waits for it.
    pub fn begin_delivery(&mut self, key: ChannelKey, tag: &str) {
        if let Some((queue, _)) = self.channels.get(&key).and_then(|channel| channel.consumers.get(tag)) {
            self.dirty.push_back(*queue);
            self.deliver();
        }
    }

    /// A tag that no consumer of the channel has.
    fn free_tag(&self, key: ChannelKey, wanted: &str) -> Result<Arc<str>, Refusal> {
        if wanted.is_empty() {
            return Ok(declare::generated("amq.ctag-").into());
        }
        let channel = self.channels.get(&key);
        let taken = channel.is_some_and(|channel| {
            channel.consumers.contains_key(wanted)
                || channel.replies.as_ref().is_some_and(|replies| &*replies.tag == wanted)
        });
        if taken {
            return Err(Refusal::new(
                Code::NotAllowed,
                format_args!("attempt to reuse consumer tag '{wanted}'"),
            ));
        }
        Ok(wanted.into())
    }

    /// Ends a consumer, at its own wish. What it has, it keeps. That there is none is no failure.
    pub fn cancel(&mut self, key: ChannelKey, tag: &str) {
        let Some(channel) = self.channels.get_mut(&key) else { return };
        if channel.replies.as_ref().is_some_and(|replies| &*replies.tag == tag) {
            channel.replies = None;
        }
        if let Some((queue, consumer)) = channel.consumers.remove(tag) {
            self.remove_consumer(queue, consumer);
            self.dirty.push_back(queue);
            self.deliver();
        }
    }

    /// Takes a consumer away; an auto-delete queue goes with its last.
    pub(super) fn remove_consumer(&mut self, id: QueueId, consumer: ConsumerId) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let Some(removed) = queue.consumers.remove(consumer) else { return };
        if let Some(feed) = removed.feed {
            feed.notify_one();
        }
        queue.used = now();
        if queue.consumers.len() == 0 && queue.spec.auto_delete {
            self.delete_queue(id);
        } else {
            self.dirty.push_back(id);
            self.set_timer(id);
        }
    }

    /// Tells consumers that their queue is gone.
    pub(super) fn cancel_by_us(&mut self, consumers: Vec<Consumer>) {
        for consumer in consumers {
            if let Some(channel) = self.channels.get_mut(&consumer.channel) {
                channel.consumers.remove(&consumer.tag);
            }
            if let Some(feed) = &consumer.feed {
                feed.notify_one();
            }
            let hears = self.connections.get(&consumer.channel.connection).map(|client| client.hears_cancels);
            if hears == Some(Hears::Yes) {
                let cancel = basic::Cancel { consumer_tag: (&*consumer.tag).into(), nowait: true };
                let method = AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel));
                consumer.outbox.push(Outgoing::Method(consumer.channel.number, method));
            }
        }
    }

    /// Gives the first message that waits; false where there is none.
    pub fn get(&mut self, key: ChannelKey, name: &str, acks: Acks) -> Result<Got, Refusal> {
        let id = self.usable_queue(key.connection, name)?;
        let Some(queue) = self.queues.get_mut(&id) else { return Err(Refusal::missing("queue", name)) };
        if queue.settings.kind == QueueKind::Stream {
            let text = format!("basic.get not supported by stream queues queue '{name}' in vhost '/'");
            return Err(Refusal::not_implemented(text));
        }
        let now = now();
        queue.used = now;
        let Some(number) = queue.messages.head() else { return Ok(Got::Nothing) };
        if queue.messages.get(number).is_some_and(|slot| slot.expires != 0 && slot.expires < now) {
            // what has expired goes first, and the next one is the answer
            self.expire_all(id, now);
            return self.get(key, name, acks);
        }
        let Some((content, redelivered)) = deliver::take(queue, &mut self.store, number) else {
            return Ok(Got::Nothing);
        };
        let left = u32::try_from(queue.messages.ready()).unwrap_or(u32::MAX);
        let tag = self.next_tag(key);
        if let Some(client) = self.connections.get(&key.connection) {
            client.outbox.push(Outgoing::Got { channel: key.number, tag, redelivered, left, content });
        }
        self.note_delivery(id, number, key, tag, acks, None, redelivered);
        self.set_timer(id);
        Ok(Got::Message)
    }

    /// How many messages each consumer to come may have at a time.
    pub fn set_prefetch(&mut self, key: ChannelKey, prefetch: u16) {
        if let Some(channel) = self.channels.get_mut(&key) {
            channel.prefetch = prefetch;
        }
    }

    /// How many messages all consumers of the channel may have together.
    pub fn set_shared_prefetch(&mut self, key: ChannelKey, prefetch: u16) -> Result<(), Refusal> {
        let Some(channel) = self.channels.get_mut(&key) else { return Ok(()) };
        for (queue, _) in channel.consumers.values() {
            let other = self.queues.get(queue).filter(|queue| queue.settings.kind != QueueKind::Classic);
            if let Some(queue) = other {
                let text = format!("queue '{}' in vhost '/' does not support global qos", queue.spec.name);
                return Err(Refusal::not_implemented(text));
            }
        }
        channel.shared_prefetch = prefetch;
        self.dirty.extend(channel.consumers.values().map(|(queue, _)| *queue));
        self.deliver();
        Ok(())
    }

    /// The queue of that name, where the connection may use it.
    pub(super) fn usable_queue(&self, connection: ConnectionId, name: &str) -> Result<QueueId, Refusal> {
        let id = *self.names.get(name).ok_or_else(|| Refusal::missing("queue", name))?;
        let owner = self.queues.get(&id).and_then(|queue: &Queue| queue.owner);
        match owner {
            Some(owner) if owner != connection => Err(declare::locked(name)),
            _ => Ok(id),
        }
    }
}

/// What an asker got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    /// A message, which is in its outbox.
    Message,
    Nothing,
}

/// Where reading a stream begins, as its consumer says it.
pub(super) fn start_argument(arguments: &FieldTable) -> Option<&AMQPValue> {
    arguments.inner().get("x-stream-offset")
}

/// Wakes what reads a stream for one consumer.
pub(super) type Wake = Arc<Notify>;
