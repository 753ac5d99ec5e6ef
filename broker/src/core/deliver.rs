//! Messages go to consumers, in turns, as far as these are willing.

use super::ids::{ChannelKey, ConsumerId, QueueId};
use super::queue::Queue;
use super::queue::consumers::Acks;
use super::queue::settings::QueueKind;
use super::queue::slots::Mark;
use super::store::Store;
use super::{Core, Held, now};
use crate::connection::outbox::{Content, Note, Outgoing, Source};
use crate::frame::write::Redelivered;

impl Core {
    /// Does what follows from what was done: delivers in every queue in which something may be delivered, and puts
    /// aside what is too much, until nothing more is to be done. One list, and no recursion: queues may put their
    /// dead letters into each other.
    pub(super) fn deliver(&mut self) {
        self.deliver_at(now());
    }

    /// The same, as of a moment: a message that may not wait at all is delivered in the moment in which it came,
    /// or never.
    pub(super) fn deliver_at(&mut self, now: u64) {
        loop {
            if let Some((id, message)) = self.turned_away.pop_front() {
                self.dead_letter_refused(id, &message);
            } else if let Some(id) = self.overfull.pop_front() {
                self.drop_what_is_too_much(id, now);
            } else if let Some(id) = self.dirty.pop_front() {
                self.deliver_from(id, now);
            } else {
                return;
            }
        }
    }

    pub(super) fn deliver_from(&mut self, id: QueueId, now: u64) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        if queue.settings.kind == QueueKind::Stream {
            queue
                .consumers
                .iter()
                .filter_map(|consumer| consumer.feed.as_ref())
                .for_each(|feed| feed.notify_one());
            return;
        }
        loop {
            let Some(queue) = self.queues.get_mut(&id) else { return };
            let Some(number) = queue.messages.head() else { break };
            if queue.messages.get(number).is_some_and(|slot| slot.expires != 0 && slot.expires < now) {
                // the timer takes them out, some at a time
                break;
            }
            let channels = &self.channels;
            let consumer = queue.consumers.next(queue.settings.sharing, |consumer| {
                let channel = channels.get(&consumer.channel);
                channel.is_some_and(|channel| {
                    channel.shared_prefetch == 0 || channel.held.len() < usize::from(channel.shared_prefetch)
                })
            });
            let Some(consumer) = consumer else { break };
            let (channel, acks, id_of_consumer) = (consumer.channel, consumer.acks, consumer.id);
            let (tag_of_consumer, outbox) = (consumer.tag.clone(), consumer.outbox.clone());
            let Some((content, redelivered)) = take(queue, &mut self.store, number) else {
                // a file cannot be opened: the timer has it tried again
                queue.unreadable = true;
                break;
            };
            if acks == Acks::Awaited
                && let Some(consumer) = queue.consumers.get_mut(id_of_consumer)
            {
                consumer.held += 1;
            }
            let tag = self.next_tag(channel);
            outbox.push(Outgoing::Delivery {
                channel: channel.number,
                consumer: tag_of_consumer,
                tag,
                redelivered,
                content,
            });
            self.note_delivery(id, number, channel, tag, acks, Some(id_of_consumer), redelivered);
        }
        self.set_timer(id);
    }

    /// The tag of the next delivery on a channel.
    pub(super) fn next_tag(&mut self, channel: ChannelKey) -> u64 {
        let Some(channel) = self.channels.get_mut(&channel) else { return 0 };
        channel.last_tag += 1;
        channel.last_tag
    }

    /// What was delivered is held until it is acknowledged, or gone at once.
    #[expect(clippy::too_many_arguments, reason = "each says something else about one delivery")]
    pub(super) fn note_delivery(
        &mut self,
        id: QueueId,
        number: u64,
        channel: ChannelKey,
        tag: u64,
        acks: Acks,
        consumer: Option<ConsumerId>,
        redelivered: Redelivered,
    ) {
        self.totals.delivered += 1;
        self.totals.redelivered += u64::from(redelivered == Redelivered::Yes);
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.counts.delivered += 1;
        }
        match acks {
            Acks::Awaited => {
                if let Some(channel) = self.channels.get_mut(&channel) {
                    channel.held.insert(tag, Held { queue: id, number, consumer });
                }
            }
            Acks::None => self.discard(id, &[number]),
        }
    }

    /// Messages are gone for good.
    pub(super) fn discard(&mut self, id: QueueId, numbers: &[u64]) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let mut durable = Vec::new();
        for number in numbers {
            let Some((slot, cached)) = queue.messages.remove(*number) else { continue };
            self.store.forget(&slot, cached.as_deref());
            if slot.is(Mark::Durable) {
                durable.push(*number);
            }
        }
        self.store.gone(id, &durable);
    }
}

/// Takes a message out of those that wait; its content, and whether it may have been delivered before. It waits
/// on where its file cannot be opened.
pub(super) fn take(queue: &mut Queue, store: &mut Store, number: u64) -> Option<(Content, Redelivered)> {
    let slot = *queue.messages.get(number)?;
    let source = match queue.messages.cached(number).cloned() {
        Some(message) => Source::Memory(message),
        None => {
            let place = slot.place()?;
            match store.segment(place) {
                Ok(segment) => Source::File(segment, place),
                Err(error) => {
                    tracing::error!(%error, "message {number} of {} cannot be read: {error}", queue.spec.name);
                    return None;
                }
            }
        }
    };
    queue.messages.hold(number);
    if slot.is(Mark::Written)
        && let Some(message) = queue.messages.uncache(number)
    {
        // should it come back, it is read from disk
        store.cached -= message.size();
    }
    let note = (queue.settings.kind == QueueKind::Quorum && slot.returns > 0)
        .then_some(Note::DeliveryCount(slot.returns));
    let redelivered = if slot.is(Mark::Redelivered) { Redelivered::Yes } else { Redelivered::No };
    Some((Content { source, note }, redelivered))
}
