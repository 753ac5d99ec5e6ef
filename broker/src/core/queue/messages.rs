//! The messages of one queue: those that wait, in their order, and those that consumers have.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::slots::{Mark, Slot, Slots};
use crate::message::Message;

/// The messages of one queue.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    slots: Slots,
    // came back from consumers: each was delivered once, so all stand before those that never were
    returned: BTreeSet<u64>,
    // the first that was never delivered
    frontier: u64,
    next: u64,
    ready: u64,
    ready_bytes: u64,
    held: u64,
    cache: HashMap<u64, Arc<Message>>,
}

impl Messages {
    /// Puts a message at the end; its number.
    pub fn push(&mut self, slot: Slot, message: Option<Arc<Message>>) -> u64 {
        let number = self.next;
        self.restore(number, slot);
        if let Some(message) = message {
            self.cache.insert(number, message);
        }
        number
    }

    /// Puts a message where it was before a restart.
    pub fn restore(&mut self, number: u64, slot: Slot) {
        self.forget_if_there(number);
        self.next = self.next.max(number + 1);
        self.ready += 1;
        self.ready_bytes += u64::from(slot.body);
        self.slots.insert(number, slot);
    }

    fn forget_if_there(&mut self, number: u64) {
        if self.slots.get(number).is_some() {
            self.remove(number);
        }
    }

    /// Numbers from here on are free.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// No number before this one is given again.
    pub fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// Messages that wait.
    pub fn ready(&self) -> u64 {
        self.ready
    }

    /// The bytes of their bodies.
    pub fn ready_bytes(&self) -> u64 {
        self.ready_bytes
    }

    /// Messages that consumers have.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// The first message that waits.
    pub fn head(&self) -> Option<u64> {
        match self.returned.first() {
            Some(number) => Some(*number),
            None if self.ready == 0 => None,
            None => self.slots.first_from(self.frontier),
        }
    }

    /// What is known of a message.
    pub fn get(&self, number: u64) -> Option<&Slot> {
        self.slots.get(number)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Slot> {
        self.slots.get_mut(number)
    }

    /// Every message, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Slot)> {
        self.slots.iter_from(0)
    }

    /// Every message that waits, in order.
    pub fn waiting(&self) -> Vec<u64> {
        self.iter().filter(|(_, slot)| !slot.is(Mark::Held)).map(|(number, _)| number).collect()
    }

    /// A consumer has the message now.
    pub fn hold(&mut self, number: u64) {
        let Some(slot) = self.slots.get_mut(number).filter(|slot| !slot.is(Mark::Held)) else { return };
        slot.set(Mark::Held);
        let body = u64::from(slot.body);
        self.leave(number, body);
        // whoever takes a message takes the first, so that all before it have been delivered
        self.frontier = self.frontier.max(number + 1);
        self.held += 1;
    }

    /// The message waits again, where it stood.
    pub fn give_back(&mut self, number: u64) {
        let Some(slot) = self.slots.get_mut(number).filter(|slot| slot.is(Mark::Held)) else { return };
        slot.clear(Mark::Held);
        slot.set(Mark::Redelivered);
        self.held -= 1;
        self.ready += 1;
        self.ready_bytes += u64::from(slot.body);
        self.returned.insert(number);
    }

    /// The message is gone; what was known of it, and its content where that was in memory.
    pub fn remove(&mut self, number: u64) -> Option<(Slot, Option<Arc<Message>>)> {
        let slot = self.slots.remove(number)?;
        if slot.is(Mark::Held) {
            self.held -= 1;
        } else {
            self.leave(number, u64::from(slot.body));
        }
        Some((slot, self.cache.remove(&number)))
    }

    /// A message does not wait any more.
    fn leave(&mut self, number: u64, body: u64) {
        self.ready -= 1;
        self.ready_bytes -= body;
        self.returned.remove(&number);
    }

    /// The message's content, where it is in memory.
    pub fn cached(&self, number: u64) -> Option<&Arc<Message>> {
        self.cache.get(&number)
    }

    /// Takes a message's content out of memory.
    pub fn uncache(&mut self, number: u64) -> Option<Arc<Message>> {
        self.cache.remove(&number)
    }

    /// The bytes of memory that it takes to know where the messages are.
    pub fn memory(&self) -> usize {
        self.slots.memory() + self.returned.len() * 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Messages {
        let mut messages = Messages::default();
        for number in 0..3 {
            assert_eq!(messages.push(Slot::new(10), None), number);
        }
        messages
    }

    #[test]
    fn what_comes_back_waits_where_it_stood() {
        let mut messages = three();
        messages.hold(0);
        messages.hold(1);
        assert_eq!((messages.head(), messages.ready(), messages.held()), (Some(2), 1, 2));
        messages.give_back(1);
        assert_eq!(messages.head(), Some(1));
        messages.give_back(0);
        assert_eq!((messages.head(), messages.ready_bytes()), (Some(0), 30));
        assert!(messages.get(0).is_some_and(|slot| slot.is(Mark::Redelivered)));
        assert!(messages.get(2).is_some_and(|slot| !slot.is(Mark::Redelivered)));
    }

    #[test]
    fn what_is_gone_is_counted_nowhere() {
        let mut messages = three();
        messages.hold(0);
        assert!(messages.remove(0).is_some() && messages.remove(0).is_none());
        assert!(messages.remove(2).is_some());
        assert_eq!((messages.ready(), messages.held(), messages.ready_bytes()), (1, 0, 10));
        assert_eq!((messages.waiting(), messages.head()), (vec![1], Some(1)));
        messages.remove(1);
        assert_eq!((messages.head(), messages.memory()), (None, 0));
    }

    #[test]
    fn a_message_that_is_restored_twice_is_there_once() {
        let mut messages = Messages::default();
        messages.restore(7, Slot::new(3));
        messages.restore(5, Slot::new(3));
        messages.restore(7, Slot::new(3));
        assert_eq!((messages.ready(), messages.head(), messages.next()), (2, Some(5), 8));
    }
}
