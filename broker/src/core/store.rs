//! The core's side of the disk: what is written, where it stands, and what of it is still needed.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ids::QueueId;
use super::queue::slots::Slot;
use super::records::{self, Change, Entry, Purpose, Snapshot};
use crate::error::OpenError;
use crate::message::Message;
use crate::storage::log::{Log, Place, Segment};
use crate::storage::scribe::{Durability, Scribe, Ticket};
use crate::storage::stream::StreamLog;

/// Below this size the log is not tidied, in bytes.
const SMALL: u64 = 64 << 20;

/// The core's side of the disk.
pub(crate) struct Store {
    folder: PathBuf,
    log: Log,
    scribe: Scribe,
    streams: PathBuf,
    segment_bytes: u64,
    // messages whose records are on their way to the disk
    under_way: VecDeque<UnderWay>,
    // how long the last one was
    snapshot_bytes: u64,
    /// The bytes of messages in memory.
    pub cached: usize,
}

/// A message whose record is on its way to the disk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnderWay {
    ticket: Ticket,
    pub queue: QueueId,
    pub number: u64,
}

impl Store {
    /// Opens the folder; every record of the log goes to `replay`.
    pub fn open(
        folder: &Path,
        segment_bytes: u64,
        replay: impl FnMut(Place, &[u8]) -> Result<(), String>,
    ) -> Result<Self, OpenError> {
        let scribe = Scribe::start().map_err(|error| OpenError::Folder(folder.to_owned(), error))?;
        let log = Log::open(folder, segment_bytes, scribe.clone(), replay)?;
        let streams = folder.join("streams");
        Ok(Self {
            folder: folder.to_owned(),
            log,
            scribe,
            streams,
            segment_bytes,
            under_way: VecDeque::new(),
            snapshot_bytes: 0,
            cached: 0,
        })
    }

    /// The thread that writes.
    pub fn scribe(&self) -> &Scribe {
        &self.scribe
    }

    /// Writes a message down, once for all the queues that it is in.
    pub fn message(&mut self, purpose: Purpose, entries: &[Entry], message: &Message) -> (Place, Ticket) {
        self.log.append(durability(purpose), |to| records::write_message(to, purpose, entries, message))
    }

    /// Writes a message down once more, from its record.
    pub fn again(&mut self, purpose: Purpose, entries: &[Entry], message: &[u8]) -> (Place, Ticket) {
        self.log.append(durability(purpose), |to| records::write_again(to, purpose, entries, message))
    }

    /// A queue has a message whose record is on its way to the disk.
    pub fn await_written(&mut self, queue: QueueId, number: u64, place: Place, ticket: Ticket) {
        self.log.hold(place);
        self.under_way.push_back(UnderWay { ticket, queue, number });
    }

    /// The next message whose record has arrived on disk since the last call.
    pub fn next_written(&mut self) -> Option<UnderWay> {
        if self.under_way.front()?.ticket > self.scribe.reached() {
            return None;
        }
        self.under_way.pop_front()
    }

    /// Writes down that messages are gone. They may come again after a power cut, but not after the end of
    /// this process.
    pub fn gone(&mut self, queue: QueueId, numbers: &[u64]) {
        if !numbers.is_empty() {
            self.log.append(Durability::Written, |to| records::write_gone(to, queue, numbers));
        }
    }

    /// Writes down how often a message came back.
    pub fn returned(&mut self, queue: QueueId, number: u64, returns: u16) {
        self.log.append(Durability::Written, |to| records::write_returned(to, queue, number, returns));
    }

    /// Writes down what was declared, or deleted.
    pub fn change(&mut self, change: &Change) -> Ticket {
        self.log.append(Durability::Synced, |to| records::write_change(to, change)).1
    }

    /// Whether it is time for [`Self::next_segment`].
    pub fn is_full(&self) -> bool {
        // what is declared must not be most of what is written
        self.log.is_full(4 * self.snapshot_bytes)
    }

    /// Begins a segment, with everything that is declared at its head.
    pub fn next_segment(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        self.log.begin_segment()?;
        self.first_snapshot(snapshot);
        Ok(())
    }

    /// Writes down everything that is declared, into the segment that is there.
    pub fn first_snapshot(&mut self, snapshot: &Snapshot) {
        let (place, _) = self.log.append(Durability::Synced, |to| records::write_snapshot(to, snapshot));
        self.snapshot_bytes = place.size();
    }

    /// A record is needed by one message more, found in the log at the start.
    pub fn hold(&mut self, place: Place) {
        self.log.hold(place);
    }

    /// A record is needed by one message less.
    pub fn release(&mut self, place: Place) {
        self.log.release(place);
    }

    /// A message is gone: neither its record nor its place in memory is needed for it.
    pub fn forget(&mut self, slot: &Slot, cached: Option<&Message>) {
        self.cached -= cached.map_or(0, Message::size);
        if let Some(place) = slot.place() {
            self.release(place);
        }
    }

    /// Deletes what nobody needs any more.
    pub fn remove_dead(&mut self) {
        self.log.remove_dead();
    }

    /// The segment to tidy next: what is needed of it is to be written down once more, so that it can go.
    /// Only when most of the log is of no use.
    pub fn next_to_tidy(&mut self) -> io::Result<Option<Arc<Segment>>> {
        let worth_it = self.log.bytes() > SMALL.max(2 * self.log.live_bytes()) + self.segment_bytes;
        if worth_it { self.log.oldest() } else { Ok(None) }
    }

    /// The segment that holds a record.
    pub fn segment(&mut self, place: Place) -> io::Result<Arc<Segment>> {
        self.log.at(place)
    }

    /// Where everything is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads a message whose record is on disk.
    pub fn read(&mut self, place: Place) -> io::Result<Message> {
        let segment = self.log.at(place)?;
        read_message(&segment, place)
    }

    /// Opens the files of a stream, or makes them.
    pub fn stream(&self, queue: QueueId, segment_bytes: Option<u64>) -> Result<StreamLog, OpenError> {
        let folder = self.streams.join(queue.0.to_string());
        StreamLog::open(&folder, segment_bytes.unwrap_or(self.segment_bytes), self.scribe.clone())
    }

    /// Deletes the files of streams that are not among `kept`.
    pub fn drop_streams_but(&self, kept: impl Fn(QueueId) -> bool) -> io::Result<()> {
        let entries = match std::fs::read_dir(&self.streams) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok()).map(QueueId);
            if id.is_some_and(|id| !kept(id)) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// The bytes of the log's files.
    pub fn bytes(&self) -> u64 {
        self.log.bytes()
    }
}

impl Drop for Store {
    /// Everything is written before the folder is free for another.
    fn drop(&mut self) {
        self.scribe.finish();
    }
}

fn durability(purpose: Purpose) -> Durability {
    match purpose {
        Purpose::Keep => Durability::Synced,
        Purpose::Spill => Durability::Written,
    }
}

/// Reads a message out of a segment.
pub(crate) fn read_message(segment: &Segment, place: Place) -> io::Result<Message> {
    let record = segment.read(place)?;
    records::read_message(record)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no message stands there"))
}
