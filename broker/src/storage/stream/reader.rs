//! Reads a stream, outside the lock of whoever appends to it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::kept::{Shared, Window};
use super::{Entry, Start, entry};
use crate::storage::segment;
use crate::storage::segment::walk::{Step, Walk};

/// Reads a stream, from some offset on, as far as it is on disk.
pub(crate) struct StreamReader {
    folder: PathBuf,
    shared: Arc<Shared>,
    next: u64,
    // what is older is passed over, until something is not
    since: Option<u64>,
    cursor: Option<Cursor>,
}

/// Where we are in a segment. What lies before the offset that is wanted is read and passed over: that costs
/// one segment at most, once for each reader.
struct Cursor {
    first: u64,
    offset: u64,
    walk: Walk<File>,
}

impl StreamReader {
    pub(super) fn new(folder: PathBuf, shared: Arc<Shared>, from: Start) -> Self {
        let kept = shared.kept.lock();
        let mut since = None;
        let next = match from {
            Start::First => kept.first(),
            Start::Last => kept.next.saturating_sub(1).max(kept.first()),
            Start::Next => kept.next,
            Start::Offset(offset) => offset,
            Start::Timestamp(timestamp_ms) => match kept.since(timestamp_ms) {
                Some(offset) => {
                    since = Some(timestamp_ms);
                    offset
                }
                None => kept.next,
            },
        };
        drop(kept);
        Self { folder, shared, next, since, cursor: None }
    }

    /// The offset that is read next. Where a timestamp was asked for and nothing is read yet, the offset that
    /// the search begins with.
    #[cfg(test)]
    pub fn next_offset(&self) -> u64 {
        self.next
    }

    /// Whether there is something to read.
    pub fn has_more(&self) -> bool {
        self.shared.window(self.next).is_some()
    }

    /// What comes next: so many records at most, and no more once their payloads have `max_bytes` bytes
    /// together. Empty when there is nothing yet. Goes on with the first record that is kept where older ones
    /// were given up. Blocks.
    pub fn read(&mut self, max_records: usize, max_bytes: usize) -> io::Result<Vec<Entry>> {
        let mut read = Vec::new();
        let mut bytes = 0;
        let mut take = |entry: Entry| {
            bytes += entry.payload.len();
            read.push(entry);
            if read.len() < max_records && bytes < max_bytes { Room::Left } else { Room::None }
        };
        let mut more = if max_records > 0 && max_bytes > 0 { Ok(Room::Left) } else { Ok(Room::None) };
        while let Ok(Room::Left) = more {
            more = self.read_segment(&mut take);
        }
        match more {
            // what was read before an error is not lost, and the error comes again
            Err(error) if read.is_empty() => Err(error),
            _ => Ok(read),
        }
    }

    /// Reads in one segment; says whether there may be more in the next.
    fn read_segment(&mut self, take: &mut impl FnMut(Entry) -> Room) -> io::Result<Room> {
        let Some((window, mut cursor)) = self.place()? else { return Ok(Room::None) };
        let room = self.pass(window, &mut cursor, take)?;
        // after an error it is opened anew
        self.cursor = Some(cursor);
        Ok(room)
    }

    /// The segment to read in, opened where we are.
    fn place(&mut self) -> io::Result<Option<(Window, Cursor)>> {
        let mut failed = None;
        loop {
            let Some(window) = self.shared.window(self.next) else { return Ok(None) };
            if let Some(mut cursor) = self.cursor.take_if(|cursor| cursor.first == window.first) {
                cursor.walk.extend(window.length);
                return Ok(Some((window, cursor)));
            }
            match File::open(segment::path(&self.folder, window.first)) {
                Ok(file) => {
                    let walk = Walk::new(file, window.length);
                    return Ok(Some((window, Cursor { first: window.first, offset: window.first, walk })));
                }
                // it was given up this moment
                Err(error) if error.kind() == io::ErrorKind::NotFound && failed != Some(window.first) => {
                    failed = Some(window.first);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes through a segment until there is no room, or no more that is on disk.
    fn pass(
        &mut self,
        window: Window,
        cursor: &mut Cursor,
        take: &mut impl FnMut(Entry) -> Room,
    ) -> io::Result<Room> {
        self.next = window.from;
        while self.next < window.until {
            let (offset, timestamp_ms, payload) = match cursor.walk.step()? {
                Step::Record { at, payload } => match entry::read(payload) {
                    Some(read @ (offset, ..)) if offset == cursor.offset => read,
                    _ => return Err(self.invalid(window, at, "another record is there than was written")),
                },
                Step::Broken { at, why } => return Err(self.invalid(window, at, why)),
                Step::End => return Err(self.invalid(window, window.length, "records are missing")),
            };
            cursor.offset += 1;
            if offset < self.next {
                continue;
            }
            self.next = offset + 1;
            if self.since.is_some_and(|since| timestamp_ms < since) {
                continue;
            }
            self.since = None;
            let payload = Bytes::copy_from_slice(payload);
            if take(Entry { offset, timestamp_ms, payload }) == Room::None {
                return Ok(Room::None);
            }
        }
        Ok(Room::Left)
    }

    fn invalid(&self, window: Window, at: u64, why: &str) -> io::Error {
        let path = segment::path(&self.folder, window.first);
        io::Error::new(io::ErrorKind::InvalidData, format!("{} at byte {at}: {why}", path.display()))
    }
}

/// Whether more is wanted, and may be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Left,
    None,
}
