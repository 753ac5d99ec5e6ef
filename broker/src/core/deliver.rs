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
    /// Delivers in every queue in which something may be delivered, until nothing more can be.
    pub(super) fn deliver(&mut self) {
        self.deliver_at(now());
    }

    /// The same, as of a moment: a message that may not wait at all is delivered in the moment in which it came,
    /// or never.
    pub(super) fn deliver_at(&mut self, now: u64) {
        while let Some(id) = self.dirty.pop_front() {
            self.deliver_from(id, now);
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
            if acks == Acks::Awaited {
                consumer.held += 1;
            }
            let Some((content, redelivered)) = take(queue, &mut self.store, number) else { break };
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
            if let Some(message) = cached {
                self.store.cached -= message.size();
            }
            if let Some(place) = slot.place() {
                self.store.release(place);
            }
            if slot.is(Mark::Durable) {
                durable.push(*number);
            }
        }
        self.store.gone(id, &durable);
    }
}

/// Takes a message out of those that wait; its content, and whether it may have been delivered before.
pub(super) fn take(queue: &mut Queue, store: &mut Store, number: u64) -> Option<(Content, Redelivered)> {
    queue.messages.hold(number);
    let slot = *queue.messages.get(number)?;
    let source = match queue.messages.cached(number).cloned() {
        Some(message) => {
            if slot.is(Mark::Written) {
                // should it come back, it is read from disk
                store.cached -= message.size();
                queue.messages.uncache(number);
            }
            Source::Memory(message)
        }
        None => {
            let place = slot.place()?;
            Source::File(store.segment(place).ok()?, place)
        }
    };
    let note = (queue.settings.kind == QueueKind::Quorum && slot.returns > 0)
        .then_some(Note::DeliveryCount(slot.returns));
    let redelivered = if slot.is(Mark::Redelivered) { Redelivered::Yes } else { Redelivered::No };
    Some((Content { source, note }, redelivered))
}
