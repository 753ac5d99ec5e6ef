//! What happens at a time: messages expire, queues expire, and what found no queue is tried again.

use std::collections::BTreeSet;

use super::dead_letters::Reason;
use super::ids::QueueId;
use super::{Core, now};

/// How many messages expire in one go, before others have their turn.
const AT_ONCE: usize = 256;
/// How long after it a dead letter that found no queue, or a message that could not be read, is tried again, in
/// milliseconds.
const RETRY: u64 = 500;

/// When something is to be done about which queue, in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(u64, QueueId)>);

impl Core {
    /// When something is to be done next, in milliseconds since 1970.
    pub fn next_timer(&self) -> Option<u64> {
        self.timers.0.first().map(|(at, _)| *at)
    }

    /// Does what is due. Says whether more is due already.
    pub fn tick(&mut self) -> Due {
        let now = now();
        self.written();
        self.begin_segment_if_full();
        let mut left = AT_ONCE;
        while let Some((at, id)) = self.timers.0.first().copied()
            && at <= now
        {
            if left == 0 {
                return Due::More;
            }
            self.timers.0.remove(&(at, id));
            let Some(queue) = self.queues.get_mut(&id) else { continue };
            queue.timer = None;
            let unused = queue.consumers.len() == 0;
            if queue.settings.expires.is_some_and(|expires| unused && queue.used + expires <= now) {
                self.delete_queue(id);
                continue;
            }
            queue.unreadable = false;
            self.retry_stuck(id, AT_ONCE);
            left = self.expire(id, now, left);
            self.dirty.push_back(id);
            self.set_timer(id);
            self.deliver();
        }
        Due::Nothing
    }

    /// Takes out the messages at the head that have waited too long, so many at the most; how many more may
    /// be taken out.
    fn expire(&mut self, id: QueueId, now: u64, mut left: usize) -> usize {
        while left > 0
            && let Some(queue) = self.queues.get(&id)
            && let Some(head) = queue.messages.head()
            && queue.messages.get(head).is_some_and(|slot| slot.expires != 0 && slot.expires < now)
        {
            self.bury(id, head, Reason::Expired);
            left -= 1;
        }
        left
    }

    /// The same, however many there are.
    pub(super) fn expire_all(&mut self, id: QueueId, now: u64) {
        self.expire(id, now, usize::MAX);
        self.deliver();
    }

    /// Sets the timer of a queue to the next time that something is to be done about it.
    pub(super) fn set_timer(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let head = queue.messages.head().and_then(|head| queue.messages.get(head));
        let message = head.map(|slot| slot.expires).filter(|at| *at != 0).map(|at| at + 1);
        let unused =
            queue.settings.expires.filter(|_| queue.consumers.len() == 0).map(|after| queue.used + after);
        let stuck = (queue.unreadable || !queue.stuck.is_empty()).then(|| now() + RETRY);
        let next = message.into_iter().chain(unused).chain(stuck).min();
        if queue.timer == next {
            return;
        }
        if let Some(old) = queue.timer {
            self.timers.0.remove(&(old, id));
        }
        queue.timer = next;
        if let Some(at) = next {
            self.timers.0.insert((at, id));
            if self.timers.0.first() == Some(&(at, id)) {
                self.housekeeping.notify_one();
            }
        }
    }

    /// A queue has no timer any more.
    pub(super) fn drop_timer(&mut self, id: QueueId) {
        if let Some(at) = self.queues.get_mut(&id).and_then(|queue| queue.timer.take()) {
            self.timers.0.remove(&(at, id));
        }
    }
}

/// Whether something is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    More,
    Nothing,
}
