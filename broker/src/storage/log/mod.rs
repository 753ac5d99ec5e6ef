//! The log of everything durable but streams: records in the order in which they were written, in segments.
//!
//! - [`segment`]: one segment, for those who read
//! - [`table`]: what is known of every segment
//! - [`open`]: reads a log back
//!
//! What is in a record is its owner's business. The owner also says which records it may still need
//! ([`Log::hold`], [`Log::release`]). A segment in which none is needed is deleted, but only when it is the
//! oldest: a record may undo what an older one did, so an older one must not outlive it. What stands in the way
//! of deletion is written again at the end and released where it stood; the deletion waits until the copy is
//! on disk.
//!
//! **Positions.** A record's position is that of its segment and how far into the file it stands. A segment
//! begins where the one before ends, so positions grow over all of them, and a gap is noticed.

mod open;
mod segment;
mod table;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use self::table::Table;
use super::folder::Lock;
use super::scribe::{AppendFile, Durability, Scribe, Ticket};
use super::segment::header::{self, Header, Kind};
use super::segment::{self as segments, record};

pub(crate) use self::segment::Segment;

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it begins, counted over all segments.
    pub position: u64,
    /// Bytes of its payload.
    pub length: u32,
}

impl Place {
    /// Bytes that it takes on disk.
    pub fn size(self) -> u64 {
        record::HEAD as u64 + u64::from(self.length)
    }
}

/// The log.
pub(crate) struct Log {
    folder: PathBuf,
    // when a segment is full
    segment_bytes: u64,
    scribe: Scribe,
    // the current segment
    file: Arc<AppendFile>,
    table: Table,
    // released last
    _lock: Lock,
}

impl Log {
    /// Appends a record, whose payload `fill` appends to the buffer. Nobody holds it yet. It can be read when
    /// the ticket is reached.
    pub fn append(&mut self, durability: Durability, fill: impl FnOnce(&mut Vec<u8>)) -> (Place, Ticket) {
        let mut length = 0;
        let (_, ticket) =
            self.scribe.write(&self.file, durability, |buffer| length = record::write(buffer, fill));
        let place = Place { position: self.table.end(), length };
        self.table.grow(place.size());
        (place, ticket)
    }

    /// Whether the current segment is as long as it should become, and as this many bytes.
    pub fn is_full(&self, least: u64) -> bool {
        self.file.end() >= self.segment_bytes.max(least)
    }

    /// What is appended from here on goes into a new segment. Waits for no disk.
    pub fn begin_segment(&mut self) -> io::Result<()> {
        let header = Header { first: self.table.end(), note: 0 };
        self.file = segments::begin(&self.folder, Kind::Log, header, &self.scribe, Some(&self.file))?;
        self.table.push(header.first, header::LENGTH as u64);
        Ok(())
    }

    /// A record is needed, once more than before.
    pub fn hold(&mut self, place: Place) {
        self.table.hold(place);
    }

    /// A record is needed, once less than before.
    pub fn release(&mut self, place: Place) {
        self.table.release(place);
    }

    /// Gives up the oldest segments, as far as nothing in them is needed; how many. Never the current one, and
    /// never one behind a segment that is needed. They are deleted when everything that was appended before is
    /// synced.
    pub fn remove_dead(&mut self) -> usize {
        let dead = self.table.take_dead();
        if !dead.is_empty() {
            // what was copied out of them may ask for less
            self.scribe.write(&self.file, Durability::Synced, |_| {});
        }
        for first in &dead {
            self.scribe.remove(segments::path(&self.folder, *first));
        }
        dead.len()
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.table.bytes()
    }

    /// Bytes of the records that are needed; those that are held twice count twice.
    pub fn live_bytes(&self) -> u64 {
        self.table.live_bytes()
    }

    /// The oldest segment, unless it is the current one.
    pub fn oldest(&mut self) -> io::Result<Option<Arc<Segment>>> {
        self.table.oldest(&self.folder)
    }

    /// The segment that a record is in; [`io::ErrorKind::NotFound`] where it is gone. It stays readable for
    /// whoever has it, also when its file is deleted. Opens the file, but reads nothing.
    pub fn at(&mut self, place: Place) -> io::Result<Arc<Segment>> {
        self.table.at(&self.folder, place)
    }
}
