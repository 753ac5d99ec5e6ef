//! What is kept of a stream, and how much of it is on disk: shared by the one who appends and all who read.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::storage::scribe::Ticket;

/// Shared by the one who appends and all who read. Held for moments only, and never while a file is read.
#[derive(Debug)]
pub(super) struct Shared {
    pub kept: Mutex<Kept>,
    /// How far the scribe is. A reader must not keep the scribe itself from ending.
    reached: watch::Receiver<Ticket>,
}

impl Shared {
    pub fn new(kept: Kept, reached: watch::Receiver<Ticket>) -> Self {
        Self { kept: Mutex::new(kept), reached }
    }

    /// Where there is something to read from `offset` on; nothing where there is nothing yet.
    pub fn window(&self, offset: u64) -> Option<Window> {
        let reached = *self.reached.borrow();
        let mut kept = self.kept.lock();
        kept.settle(reached);
        kept.window(offset)
    }
}

/// What is kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// Every segment, the oldest first; the last is the current one.
    pieces: VecDeque<Piece>,
    /// Bytes of all of them.
    pub bytes: u64,
    /// The offset that is given next.
    pub next: u64,
    durable: Durable,
    // appended, and not on disk yet: as many as the scribe's backlog holds
    pending: VecDeque<(Ticket, Durable)>,
}

/// A segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its first offset.
    pub first: u64,
    /// Bytes of its file, with what waits to be written.
    pub length: u64,
    /// The newest timestamp in it and in all before it.
    pub newest: u64,
}

/// How much is on disk: everything before this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Durable {
    /// The segment, by its first offset.
    piece: u64,
    /// Bytes of it.
    length: u64,
    /// The offset that comes next.
    next: u64,
}

/// What of one segment can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// The first offset of the segment.
    pub first: u64,
    /// The offset that was asked for, or the first one kept.
    pub from: u64,
    /// The offset behind the last one that can be read; greater than `from`.
    pub until: u64,
    /// The bytes of the file that can be read.
    pub length: u64,
}

impl Kept {
    /// Everything is on disk.
    pub fn new(pieces: VecDeque<Piece>, next: u64) -> Self {
        let (piece, length) = pieces.back().map_or((next, 0), |last| (last.first, last.length));
        let bytes = pieces.iter().map(|piece| piece.length).sum();
        Self { pieces, bytes, next, durable: Durable { piece, length, next }, pending: VecDeque::new() }
    }

    /// A segment was begun.
    pub fn push(&mut self, piece: Piece) {
        self.bytes += piece.length;
        self.pieces.push_back(piece);
    }

    /// A record was appended to the current segment, which is `length` bytes long with it.
    pub fn append(&mut self, timestamp_ms: u64, length: u64, ticket: Ticket, reached: Ticket) {
        self.settle(reached);
        let Some(last) = self.pieces.back_mut() else { return };
        self.bytes += length - last.length;
        last.length = length;
        last.newest = last.newest.max(timestamp_ms);
        self.next += 1;
        self.pending.push_back((ticket, Durable { piece: last.first, length, next: self.next }));
    }

    fn settle(&mut self, reached: Ticket) {
        while let Some((_, durable)) = self.pending.pop_front_if(|(ticket, _)| *ticket <= reached) {
            self.durable = durable;
        }
    }

    pub fn first(&self) -> u64 {
        self.pieces.front().map_or(self.next, |oldest| oldest.first)
    }

    pub fn newest(&self) -> u64 {
        self.pieces.back().map_or(0, |last| last.newest)
    }

    /// Where the search for a record that is not older than `timestamp_ms` begins, if there is one.
    pub fn since(&self, timestamp_ms: u64) -> Option<u64> {
        let index = self.pieces.partition_point(|piece| piece.newest < timestamp_ms);
        self.pieces.get(index).map(|piece| piece.first)
    }

    /// Forgets the oldest segments that are too many or too old: their first offsets.
    pub fn retain(&mut self, max_bytes: Option<u64>, before_ms: Option<u64>) -> Vec<u64> {
        let mut given_up = Vec::new();
        while self.pieces.len() > 1
            && let Some(oldest) = self.pieces.pop_front_if(|oldest| {
                max_bytes.is_some_and(|max| self.bytes > max)
                    || before_ms.is_some_and(|at| oldest.newest < at)
            })
        {
            self.bytes -= oldest.length;
            given_up.push(oldest.first);
        }
        given_up
    }

    /// Forgets everything: the first offsets of all segments.
    pub fn clear(&mut self) -> Vec<u64> {
        self.pending.clear();
        self.bytes = 0;
        self.pieces.drain(..).map(|piece| piece.first).collect()
    }

    fn window(&self, offset: u64) -> Option<Window> {
        let from = offset.max(self.first());
        if from >= self.durable.next {
            return None;
        }
        let index = self.pieces.partition_point(|piece| piece.first <= from).checked_sub(1)?;
        let piece = self.pieces.get(index)?;
        let ends = self.pieces.get(index + 1).map_or(u64::MAX, |following| following.first);
        let length = if piece.first == self.durable.piece { self.durable.length } else { piece.length };
        Some(Window { first: piece.first, from, until: self.durable.next.min(ends), length })
    }
}
