//! What is known of every segment of the log, without reading it.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};

use super::{Place, Segment};

/// Open files that nobody uses at the moment. A long log has many segments, a process may open few files, and
/// connections need theirs.
const KEPT_OPEN: usize = 16;

/// Every segment, the oldest first; the last is the current one.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: VecDeque<Entry>,
    live_bytes: u64,
    // those that were asked for last
    recent: VecDeque<Arc<Segment>>,
}

#[derive(Debug)]
struct Entry {
    first: u64,
    length: u64,
    // how often its records are held
    holds: u64,
    open: Weak<Segment>,
}

impl Table {
    /// Adds a segment at the end.
    pub fn push(&mut self, first: u64, length: u64) {
        self.entries.push_back(Entry { first, length, holds: 0, open: Weak::new() });
    }

    /// The last segment has grown.
    pub fn grow(&mut self, bytes: u64) {
        if let Some(last) = self.entries.back_mut() {
            last.length += bytes;
        }
    }

    /// The position that comes next.
    pub fn end(&self) -> u64 {
        self.entries.back().map_or(0, |last| last.first + last.length)
    }

    pub fn bytes(&self) -> u64 {
        // segments follow one another without a gap
        self.entries.front().map_or(0, |oldest| self.end() - oldest.first)
    }

    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    pub fn hold(&mut self, place: Place) {
        if let Some(entry) = self.entry(place) {
            entry.holds += 1;
            self.live_bytes += place.size();
        }
    }

    pub fn release(&mut self, place: Place) {
        if let Some(entry) = self.entry(place) {
            debug_assert!(entry.holds > 0, "{place:?} was not held");
            entry.holds = entry.holds.saturating_sub(1);
            self.live_bytes = self.live_bytes.saturating_sub(place.size());
        }
    }

    /// Forgets the oldest segments that nobody needs: what they began with.
    pub fn take_dead(&mut self) -> Vec<u64> {
        let mut dead = Vec::new();
        while self.entries.len() > 1
            && let Some(oldest) = self.entries.pop_front_if(|oldest| oldest.holds == 0)
        {
            self.recent.retain(|segment| segment.first() != oldest.first);
            dead.push(oldest.first);
        }
        dead
    }

    pub fn oldest(&mut self, folder: &Path) -> io::Result<Option<Arc<Segment>>> {
        if self.entries.len() < 2 { Ok(None) } else { self.segment(folder, 0).map(Some) }
    }

    pub fn at(&mut self, folder: &Path, place: Place) -> io::Result<Arc<Segment>> {
        let index = self.index(place).ok_or(io::ErrorKind::NotFound)?;
        self.segment(folder, index)
    }

    fn segment(&mut self, folder: &Path, index: usize) -> io::Result<Arc<Segment>> {
        let entry = self.entries.get_mut(index).ok_or(io::ErrorKind::NotFound)?;
        if let Some(open) = entry.open.upgrade() {
            return Ok(open);
        }
        let segment = Arc::new(Segment::open(folder, entry.first)?);
        entry.open = Arc::downgrade(&segment);
        self.recent.truncate(KEPT_OPEN - 1);
        self.recent.push_front(segment.clone());
        Ok(segment)
    }

    fn entry(&mut self, place: Place) -> Option<&mut Entry> {
        self.index(place).and_then(|index| self.entries.get_mut(index))
    }

    /// Which segment a place is in.
    fn index(&self, place: Place) -> Option<usize> {
        let index = self.entries.partition_point(|entry| entry.first <= place.position).checked_sub(1)?;
        (place.position < self.end()).then_some(index)
    }
}
