//! What was delivered is acknowledged, refused, or comes back.

use std::collections::BTreeMap;

use super::dead_letters::Reason;
use super::ids::{ChannelKey, QueueId};
use super::queue::settings::QueueKind;
use super::{Core, Held};
use crate::error::{Code, Refusal};

/// Whether a word is about one delivery, or about all up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    One,
    UpTo,
}

/// What is to become of a delivery that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It waits again.
    Requeue,
    /// It is a dead letter, or gone.
    Discard,
}

impl Core {
    /// A consumer is done with deliveries.
    pub fn acknowledge(&mut self, key: ChannelKey, tag: u64, extent: Extent) -> Result<(), Refusal> {
        let settled = self.settled(key, tag, extent)?;
        self.written();
        self.begin_segment_if_full();
        self.totals.acknowledged += settled.len() as u64;
        let mut numbers: BTreeMap<QueueId, Vec<u64>> = BTreeMap::new();
        for held in settled {
            self.let_go(&held);
            numbers.entry(held.queue).or_default().push(held.number);
        }
        for (id, numbers) in numbers {
            let Some(queue) = self.queues.get_mut(&id) else { continue };
            queue.counts.acknowledged += numbers.len() as u64;
            if queue.settings.kind != QueueKind::Stream {
                self.discard(id, &numbers);
            }
        }
        self.retry_consumers_of(key);
        self.deliver();
        Ok(())
    }

    /// A consumer does not want deliveries.
    pub fn refuse(&mut self, key: ChannelKey, tag: u64, extent: Extent, fate: Fate) -> Result<(), Refusal> {
        let settled = self.settled(key, tag, extent)?;
        self.begin_segment_if_full();
        match fate {
            Fate::Requeue => self.put_back(settled),
            Fate::Discard => {
                for held in settled {
                    self.let_go(&held);
                    self.bury(held.queue, held.number, Reason::Rejected);
                }
            }
        }
        self.retry_consumers_of(key);
        self.deliver();
        Ok(())
    }

    /// Everything that a channel has comes back.
    pub fn recover(&mut self, key: ChannelKey) {
        let Some(channel) = self.channels.get_mut(&key) else { return };
        let held = std::mem::take(&mut channel.held).into_values().collect();
        self.put_back(held);
        self.retry_consumers_of(key);
        self.deliver();
    }

    /// Messages wait again. What came back too often is a dead letter.
    pub(super) fn put_back(&mut self, held: Vec<Held>) {
        for held in held {
            self.let_go(&held);
            let Some(queue) = self.queues.get_mut(&held.queue) else { continue };
            if queue.settings.kind == QueueKind::Quorum
                && let Some(slot) = queue.messages.get_mut(held.number)
            {
                slot.returns = slot.returns.saturating_add(1);
                if queue.settings.delivery_limit.is_some_and(|limit| slot.returns > limit) {
                    self.bury(held.queue, held.number, Reason::DeliveryLimit);
                    continue;
                }
                self.store.returned(held.queue, held.number, slot.returns);
            }
            queue.messages.give_back(held.number);
            self.overfull.push_back(held.queue);
        }
    }

    /// The deliveries that a word is about. A tag that stands for none ends the channel.
    fn settled(&mut self, key: ChannelKey, tag: u64, extent: Extent) -> Result<Vec<Held>, Refusal> {
        let unknown = || Refusal::new(Code::PreconditionFailed, format_args!("unknown delivery tag {tag}"));
        let channel = self.channels.get_mut(&key).ok_or_else(unknown)?;
        match extent {
            // 0 stands for all there are, and there may be none
            Extent::UpTo if tag == 0 => Ok(std::mem::take(&mut channel.held).into_values().collect()),
            Extent::UpTo if channel.held.contains_key(&tag) => {
                let later = channel.held.split_off(&tag.saturating_add(1));
                Ok(std::mem::replace(&mut channel.held, later).into_values().collect())
            }
            Extent::One => channel.held.remove(&tag).map(|held| vec![held]).ok_or_else(unknown),
            Extent::UpTo => Err(unknown()),
        }
    }

    /// A consumer has one message less.
    fn let_go(&mut self, held: &Held) {
        let Some(queue) = self.queues.get_mut(&held.queue) else { return };
        if let Some(consumer) = held.consumer.and_then(|id| queue.consumers.get_mut(id)) {
            consumer.held = consumer.held.saturating_sub(1);
        }
        if self.dirty.back() != Some(&held.queue) {
            self.dirty.push_back(held.queue);
        }
    }

    /// Where consumers of a channel share a prefetch, one that settles makes room for all.
    fn retry_consumers_of(&mut self, key: ChannelKey) {
        if let Some(channel) = self.channels.get(&key).filter(|channel| channel.shared_prefetch != 0) {
            self.dirty.extend(channel.consumers.values().map(|(queue, _)| *queue));
        }
    }
}
