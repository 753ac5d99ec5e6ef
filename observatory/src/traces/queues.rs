//! Which trace goes next when the window is full.

use std::collections::BTreeMap;

use super::trace::Class;

/// Nanoseconds without a new span after which a trace counts as settled. Exporters send every few seconds, so the
/// pieces of one trace come about as far apart.
const SETTLING: u64 = 10_000_000_000;

/// A trace that waits for its turn to be forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) id: u128,
    pub(super) bytes: usize,
    /// When something of it arrived last; nanoseconds since 1970.
    pub(super) since: u64,
}

/// A queue for each class, in each of which that comes first to which nothing was added for the longest time.
#[derive(Debug)]
pub(super) struct Queues {
    queues: [Queue; 3],
    tickets: u64,
}

#[derive(Debug)]
struct Queue {
    waiting: BTreeMap<u64, Waiting>,
    bytes: usize,
    /// So many bytes are kept of the class even where traces that are still being written need room. Without them a
    /// flood that fills the window faster than traces settle would wash out the very traces that matter in a flood.
    reserve: usize,
}

impl Queues {
    pub(super) fn new(window_bytes: usize) -> Self {
        let queue = |reserve| Queue { waiting: BTreeMap::new(), bytes: 0, reserve };
        Self { queues: [queue(0), queue(window_bytes / 8), queue(window_bytes / 4)], tickets: 0 }
    }

    /// The next place in any queue.
    pub(super) fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    pub(super) fn push(&mut self, class: Class, ticket: u64, waiting: Waiting) {
        let queue = &mut self.queues[class as usize];
        queue.bytes += waiting.bytes;
        queue.waiting.insert(ticket, waiting);
    }

    /// Takes a trace out of its queue, if it is in it.
    pub(super) fn remove(&mut self, class: Class, ticket: u64) {
        let queue = &mut self.queues[class as usize];
        if let Some(waiting) = queue.waiting.remove(&ticket) {
            queue.bytes -= waiting.bytes;
        }
    }

    /// Who goes next. Settled traces before those that are still being written; of either, ordinary ones before slow
    /// ones before failed ones; but ordinary ones are given up, even half-written, before slow and failed ones are
    /// fewer than their reserve.
    pub(super) fn next(&self, now: u64) -> Option<u128> {
        let [ordinary, slow, failed] = &self.queues;
        let settled = [ordinary, slow, failed].into_iter().find_map(|queue| queue.settled(now));
        settled.or_else(|| [ordinary, slow, failed].into_iter().find_map(Queue::oldest))
    }
}

impl Queue {
    fn oldest(&self) -> Option<u128> {
        self.waiting.first_key_value().map(|(_, waiting)| waiting.id)
    }

    /// The oldest, if it has settled and the class has more than its reserve.
    fn settled(&self, now: u64) -> Option<u128> {
        let (_, oldest) = self.waiting.first_key_value()?;
        (oldest.since.saturating_add(SETTLING) <= now && self.bytes > self.reserve).then_some(oldest.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(queues: &mut Queues, class: Class, id: u128, bytes: usize, since: u64) -> u64 {
        let ticket = queues.ticket();
        queues.push(class, ticket, Waiting { id, bytes, since });
        ticket
    }

    #[test]
    fn classes_go_in_order_and_the_oldest_of_each_first() {
        let mut queues = Queues::new(0);
        let failed = put(&mut queues, Class::Failed, 1, 10, 0);
        let slow = put(&mut queues, Class::Slow, 2, 10, 0);
        let old = put(&mut queues, Class::Ordinary, 3, 10, 0);
        let young = put(&mut queues, Class::Ordinary, 4, 10, 0);
        let order = [(Class::Ordinary, old, 3), (Class::Ordinary, young, 4), (Class::Slow, slow, 2)];
        for (class, ticket, id) in order {
            assert_eq!(queues.next(SETTLING), Some(id));
            queues.remove(class, ticket);
        }
        assert_eq!(queues.next(SETTLING), Some(1));
        queues.remove(Class::Failed, failed);
        assert_eq!(queues.next(SETTLING), None);
    }

    #[test]
    fn what_is_being_written_outlives_what_has_settled() {
        let mut queues = Queues::new(0);
        put(&mut queues, Class::Failed, 1, 10, 0);
        put(&mut queues, Class::Ordinary, 2, 10, 1);
        assert_eq!(queues.next(SETTLING), Some(1));
    }

    #[test]
    fn a_reserve_of_failed_traces_outlives_ordinary_ones_that_are_being_written() {
        let mut queues = Queues::new(40);
        put(&mut queues, Class::Failed, 1, 10, 0);
        put(&mut queues, Class::Ordinary, 2, 10, 1);
        assert_eq!(queues.next(SETTLING), Some(2));
        put(&mut queues, Class::Failed, 3, 1, 1);
        assert_eq!(queues.next(SETTLING), Some(1));
    }
}
