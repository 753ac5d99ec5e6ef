//! The records of a stream: appended at its end, read again and again, given up only by age or size. Each has
//! an offset, 0, 1, 2 and so on, and a timestamp.
//!
//! - [`entry`]: what a record of a stream says
//! - [`kept`]: what is kept of a stream, and how much of it is on disk; shared with readers
//! - [`reader`]: reads, outside the lock of whoever appends
//! - [`open`]: opens a stream's folder
//!
//! Segments are named by their first offset. A segment's header notes the newest timestamp of everything
//! before it, so that the age of old segments is known without reading them. Timestamps come from a clock that
//! may be set back; what counts everywhere is the newest so far.

mod entry;
mod kept;
mod open;
mod reader;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use self::kept::{Piece, Shared};
use super::scribe::{AppendFile, Durability, Scribe, Ticket};
use super::segment::header::{self, Header, Kind};
use super::segment::{self, record};

pub(crate) use self::entry::Entry;
pub(crate) use self::reader::StreamReader;

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the first record that is kept.
    First,
    /// With the last record; with the next one where there is none.
    Last,
    /// With the next record that is appended.
    Next,
    /// With this offset, or the first that is kept after it. An offset that is not given yet is waited for.
    Offset(u64),
    /// With the first record that is not older than this, in milliseconds since 1970; with the next one where
    /// all are older.
    Timestamp(u64),
}

/// The files of a stream, for whoever appends.
pub(crate) struct StreamLog {
    folder: PathBuf,
    // when a segment is full
    segment_bytes: u64,
    scribe: Scribe,
    // the current segment
    file: Arc<AppendFile>,
    shared: Arc<Shared>,
}

impl StreamLog {
    /// Appends a record, whose payload `fill` appends to the buffer; begins a new segment where one is due.
    /// Readers see it when the ticket is reached, from which on it survives a power cut.
    pub fn append(
        &mut self,
        timestamp_ms: u64,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<(u64, Ticket)> {
        if self.file.end() >= self.segment_bytes.max(header::LENGTH as u64 + 1) {
            self.begin_segment()?;
        }
        // a reader that the scribe wakes must find it noted
        let mut kept = self.shared.kept.lock();
        let offset = kept.next;
        let (_, ticket) = self.scribe.write(&self.file, Durability::Synced, |buffer| {
            record::write(buffer, |buffer| entry::write(buffer, offset, timestamp_ms, fill));
        });
        kept.append(timestamp_ms, self.file.end(), ticket, self.scribe.reached());
        Ok((offset, ticket))
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let mut kept = self.shared.kept.lock();
        let header = Header { first: kept.next, note: kept.newest() };
        self.file = segment::begin(&self.folder, Kind::Stream, header, &self.scribe, Some(&self.file))?;
        kept.push(Piece { first: header.first, length: header::LENGTH as u64, newest: header.note });
        Ok(())
    }

    /// The offset of the first record that is kept; [`Self::next`] where none is.
    pub fn first(&self) -> u64 {
        self.shared.kept.lock().first()
    }

    /// The offset of the record that is appended next.
    pub fn next(&self) -> u64 {
        self.shared.kept.lock().next
    }

    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        self.shared.kept.lock().bytes
    }

    /// Gives up the oldest segments as long as all files together have more than `max_bytes`, or the segment
    /// has nothing from `before_ms` or later; how many. Never the current one.
    pub fn retain(&mut self, max_bytes: Option<u64>, before_ms: Option<u64>) -> usize {
        let given_up = self.shared.kept.lock().retain(max_bytes, before_ms);
        for first in &given_up {
            self.scribe.remove(segment::path(&self.folder, *first));
        }
        given_up.len()
    }

    /// Reads from here on. Touches no file yet.
    pub fn reader(&self, from: Start) -> StreamReader {
        StreamReader::new(self.folder.clone(), self.shared.clone(), from)
    }

    /// Gives up everything, and then the folder, once everything that was given to the scribe before is
    /// written: the record that the stream is gone, for one. Readers find nothing from here on. The folder's
    /// name must not be used again, since deletion takes its time.
    pub fn delete(self) {
        for first in self.shared.kept.lock().clear() {
            self.scribe.remove(segment::path(&self.folder, first));
        }
        self.scribe.remove(self.folder);
    }
}
