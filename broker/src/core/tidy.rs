//! Keeps the log short. What is still needed of its oldest segment is written once more at its end, and then
//! the segment goes. Segments go in their order: a record that says that a message is gone must not go
//! before the message itself.
//!
//! Done in steps by whoever keeps house, with the lock given back in between: read a segment, copy what is
//! needed ([`Core::copy_needed`]), wait for the disk, and let the messages move ([`Core::moved`]).

use std::sync::Arc;

use bytes::Bytes;

use super::Core;
use super::ids::QueueId;
use super::queue::slots::Mark;
use super::records::{self, Entry, Purpose, Record};
use crate::storage::log::{Place, Segment};
use crate::storage::scribe::Ticket;

/// A message that stands in two places, until it has moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    queue: QueueId,
    number: u64,
    from: Place,
    to: Place,
}

impl Core {
    /// The segment to tidy next, if it is worth it.
    pub fn segment_to_tidy(&mut self) -> std::io::Result<Option<Arc<Segment>>> {
        self.store.next_to_tidy()
    }

    /// Deletes the segments of which nothing is needed.
    pub fn remove_dead(&mut self) {
        self.store.remove_dead();
    }

    /// Writes once more what is needed of these records; where it stands then, and when that is on disk.
    pub fn copy_needed(&mut self, records: &[(Place, Bytes)]) -> (Vec<Move>, Ticket) {
        self.begin_segment_if_full();
        let (mut moves, mut last) = (Vec::new(), 0);
        for (from, record) in records {
            let (purpose, entries, message) = match records::read(record.clone()) {
                Ok(Record::Message(entries, message)) => (Purpose::Keep, entries, message),
                Ok(Record::Spilled(entries, message)) => (Purpose::Spill, entries, message),
                _ => continue,
            };
            let needed: Vec<Entry> =
                entries.into_iter().filter_map(|entry| self.still_there(entry, *from)).collect();
            if needed.is_empty() {
                continue;
            }
            let (to, ticket) = self.store.again(purpose, &needed, &message);
            last = ticket;
            for entry in needed {
                // nothing of it goes before the messages have moved there
                self.store.hold(to);
                moves.push(Move { queue: entry.queue, number: entry.number, from: *from, to });
            }
        }
        (moves, last)
    }

    fn still_there(&self, entry: Entry, from: Place) -> Option<Entry> {
        let slot = self.queues.get(&entry.queue)?.messages.get(entry.number)?;
        (slot.place() == Some(from)).then_some(Entry { returns: slot.returns, ..entry })
    }

    /// The copies are on disk: from now on messages are read there.
    pub fn moved(&mut self, moves: &[Move]) {
        for Move { queue, number, from, to } in moves {
            let slot = self.queues.get_mut(queue).and_then(|queue| queue.messages.get_mut(*number));
            match slot.filter(|slot| slot.place() == Some(*from)) {
                Some(slot) => {
                    slot.put(*to);
                    slot.set(Mark::Written);
                    self.store.release(*from);
                }
                // it has gone meanwhile
                None => self.store.release(*to),
            }
        }
    }
}
