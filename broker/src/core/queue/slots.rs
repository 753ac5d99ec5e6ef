//! Where the messages of a queue are: 32 bytes a message, however large it is.
//!
//! A message has a number, one greater than the message before. Numbers are kept in chunks, and a chunk goes
//! when its last message has gone: one message that nobody acknowledges holds a few kilobytes, and not
//! everything that came after it.

use std::collections::BTreeMap;

use crate::storage::log::Place;

/// How many messages a chunk holds.
const CHUNK: u64 = 128;
/// What a slot says of a message that is in no file.
const NOWHERE: u64 = u64::MAX;

/// What is known of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    position: u64,
    /// When it expires, in milliseconds since 1970; 0 for never.
    pub expires: u64,
    length: u32,
    /// How long its body is.
    pub body: u32,
    /// How often it came back: the delivery count of quorum queues.
    pub returns: u16,
    marks: u16,
}

/// What can be true of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Mark {
    /// It is there at all.
    Present = 1,
    /// It is to outlive a restart: what becomes of it is written down.
    Durable = 2,
    /// Its record is in the file, and can be read.
    Written = 4,
    /// It may have been delivered before.
    Redelivered = 8,
    /// A consumer has it now.
    Held = 16,
}

impl Slot {
    const EMPTY: Self = Self { position: NOWHERE, expires: 0, length: 0, body: 0, returns: 0, marks: 0 };

    /// A message whose body has this many bytes, in memory alone.
    pub fn new(body: usize) -> Self {
        Self { body: u32::try_from(body).unwrap_or(u32::MAX), marks: Mark::Present as u16, ..Self::EMPTY }
    }

    /// Where its record is; nothing where it is in memory alone.
    pub fn place(&self) -> Option<Place> {
        (self.position != NOWHERE).then_some(Place { position: self.position, length: self.length })
    }

    /// Says where its record is.
    pub fn put(&mut self, place: Place) {
        (self.position, self.length) = (place.position, place.length);
    }

    /// Whether something is true of it.
    pub fn is(&self, mark: Mark) -> bool {
        self.marks & mark as u16 != 0
    }

    /// Makes something true of it.
    pub fn set(&mut self, mark: Mark) {
        self.marks |= mark as u16;
    }

    /// Makes something untrue of it.
    pub fn clear(&mut self, mark: Mark) {
        self.marks &= !(mark as u16);
    }
}

/// The messages of a queue, by number.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    chunks: BTreeMap<u64, Box<Chunk>>,
}

#[derive(Debug)]
struct Chunk {
    live: u16,
    slots: [Slot; CHUNK as usize],
}

impl Slots {
    /// Adds a message under its number.
    pub fn insert(&mut self, number: u64, slot: Slot) {
        let chunk = self
            .chunks
            .entry(number / CHUNK)
            .or_insert_with(|| Box::new(Chunk { live: 0, slots: [Slot::EMPTY; CHUNK as usize] }));
        let place = &mut chunk.slots[(number % CHUNK) as usize];
        if !place.is(Mark::Present) {
            chunk.live += 1;
        }
        *place = slot;
    }

    /// The message of that number.
    pub fn get(&self, number: u64) -> Option<&Slot> {
        let slot = &self.chunks.get(&(number / CHUNK))?.slots[(number % CHUNK) as usize];
        slot.is(Mark::Present).then_some(slot)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Slot> {
        let slot = &mut self.chunks.get_mut(&(number / CHUNK))?.slots[(number % CHUNK) as usize];
        slot.is(Mark::Present).then_some(slot)
    }

    /// Takes a message out.
    pub fn remove(&mut self, number: u64) -> Option<Slot> {
        let chunk = self.chunks.get_mut(&(number / CHUNK))?;
        let place = &mut chunk.slots[(number % CHUNK) as usize];
        let slot = std::mem::replace(place, Slot::EMPTY);
        if !slot.is(Mark::Present) {
            return None;
        }
        chunk.live -= 1;
        if chunk.live == 0 {
            self.chunks.remove(&(number / CHUNK));
        }
        Some(slot)
    }

    /// The first message from a number on.
    pub fn first_from(&self, number: u64) -> Option<u64> {
        self.iter_from(number).next().map(|(number, _)| number)
    }

    /// Every message from a number on, in order.
    pub fn iter_from(&self, number: u64) -> impl Iterator<Item = (u64, &Slot)> {
        self.chunks.range(number / CHUNK..).flat_map(move |(chunk, slots)| {
            let first = chunk * CHUNK;
            // the first chunk may begin before
            let skipped = usize::try_from(number.saturating_sub(first)).unwrap_or_default();
            let numbered = slots.slots.iter().enumerate().skip(skipped);
            numbered
                .filter(|(_, slot)| slot.is(Mark::Present))
                .map(move |(at, slot)| (first + at as u64, slot))
        })
    }

    /// The bytes of memory that they take.
    pub fn memory(&self) -> usize {
        self.chunks.len() * (size_of::<Chunk>() + size_of::<(u64, Box<Chunk>)>())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_takes_thirty_two_bytes() {
        assert_eq!(size_of::<Slot>(), 32);
    }

    #[test]
    fn one_message_that_stays_holds_its_chunk_and_no_more() {
        let mut slots = Slots::default();
        (0..10_000).for_each(|number| slots.insert(number, Slot::new(1)));
        let full = slots.memory();
        (1..10_000).for_each(|number| assert!(slots.remove(number).is_some()));
        assert!(slots.memory() * 50 < full, "{} of {full}", slots.memory());
        assert_eq!(slots.first_from(0), Some(0));
        assert!(slots.remove(0).is_some() && slots.remove(0).is_none());
        assert_eq!(slots.memory(), 0);
    }

    proptest! {
        #[test]
        fn they_behave_as_a_map_does(changes in prop::collection::vec((any::<bool>(), 0u64..1000), 0..200), from in 0u64..1000) {
            let (mut slots, mut map) = (Slots::default(), BTreeMap::new());
            for (insert, number) in changes {
                if insert {
                    slots.insert(number, Slot::new(number as usize));
                    map.insert(number, Slot::new(number as usize));
                } else {
                    prop_assert_eq!(slots.remove(number), map.remove(&number));
                }
            }
            let there: Vec<_> = slots.iter_from(from).map(|(number, slot)| (number, *slot)).collect();
            prop_assert_eq!(there, map.range(from..).map(|(number, slot)| (*number, *slot)).collect::<Vec<_>>());
        }
    }
}
