//! What waits to be sent to one client, and the confirms that wait for the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use amq_protocol::protocol::AMQPClass;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::frame::write::Redelivered;
use crate::message::Message;
use crate::storage::log::{Place, Segment};
use crate::storage::scribe::Ticket;

/// What an item counts for besides its content, in bytes.
const ITEM: usize = 128;

/// Something to send.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A method without content.
    Method(u16, AMQPClass),
    /// A message for a consumer.
    Delivery { channel: u16, consumer: Arc<str>, tag: u64, redelivered: Redelivered, content: Content },
    /// The message that was asked for.
    Got { channel: u16, tag: u64, redelivered: Redelivered, left: u32, content: Content },
    /// A message that no queue takes.
    Returned { channel: u16, code: u16, text: &'static str, message: Arc<Message> },
}

/// A message, and what is said about it on this delivery.
#[derive(Debug)]
pub(crate) struct Content {
    pub source: Source,
    pub note: Option<Note>,
}

/// Where a message is.
#[derive(Debug)]
pub(crate) enum Source {
    Memory(Arc<Message>),
    /// In a file, which stays readable as long as this is held.
    File(Arc<Segment>, Place),
}

/// A header that a delivery adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// `x-delivery-count`: how often it came back before.
    DeliveryCount(u16),
    /// `x-stream-offset`: where it stands in its stream.
    StreamOffset(u64),
}

/// A publish that waits to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Confirm {
    pub channel: u16,
    pub number: u64,
    /// What must be on disk first.
    pub ticket: Ticket,
    pub verdict: Verdict,
}

/// What a publisher is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Taken,
    /// A queue was full.
    Refused,
}

/// What waits to be sent to one client.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    bytes: AtomicUsize,
    limit: usize,
    // somebody was refused for want of room, and is to be asked again
    stalled: AtomicBool,
    // for the writer: there is something
    filled: Notify,
    // for the reader: there is room
    drained: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Outgoing>,
    confirms: VecDeque<Confirm>,
    ended: bool,
}

/// What the writer takes in one go.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub items: VecDeque<Outgoing>,
    pub confirms: Vec<Confirm>,
    /// Nothing comes after this.
    pub ended: bool,
}

impl Outbox {
    /// One that holds so many bytes before it has no room for deliveries.
    pub fn new(limit: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            bytes: AtomicUsize::new(0),
            limit,
            stalled: AtomicBool::new(false),
            filled: Notify::new(),
            drained: Notify::new(),
        }
    }

    /// Puts something in. What was answered or delivered by rule always fits; room is asked for before.
    pub fn push(&self, item: Outgoing) {
        let mut waiting = self.waiting.lock();
        if waiting.ended {
            return;
        }
        self.bytes.fetch_add(item.size(), Ordering::AcqRel);
        waiting.items.push_back(item);
        let first = waiting.items.len() == 1;
        drop(waiting);
        if first {
            self.filled.notify_one();
        }
    }

    /// A publish is to be confirmed once its ticket is reached. After a return of the same message.
    pub fn confirm(&self, confirm: Confirm) {
        let mut waiting = self.waiting.lock();
        if !waiting.ended {
            waiting.confirms.push_back(confirm);
            if waiting.confirms.len() == 1 {
                self.filled.notify_one();
            }
        }
    }

    /// Confirms of a channel that has ended are of no use.
    pub fn forget_confirms(&self, channel: u16) {
        self.waiting.lock().confirms.retain(|confirm| confirm.channel != channel);
    }

    /// Whether a delivery may be put in. Where not, [`Self::resumed`] says when to ask again.
    pub fn has_room(&self) -> bool {
        if self.bytes.load(Ordering::Acquire) < self.limit {
            return true;
        }
        self.stalled.store(true, Ordering::Release);
        // the writer may have made room between the two
        self.bytes.load(Ordering::Acquire) < self.limit
    }

    /// Whether it is so full that even direct replies are dropped.
    pub fn is_overfull(&self) -> bool {
        self.bytes.load(Ordering::Acquire) > self.limit.saturating_mul(4)
    }

    /// Waits until there is room.
    pub async fn room(&self) {
        loop {
            let drained = self.drained.notified();
            if self.bytes.load(Ordering::Acquire) < self.limit {
                return;
            }
            drained.await;
        }
    }

    /// Nothing is put in any more; what is in it is still sent.
    pub fn end(&self) {
        self.waiting.lock().ended = true;
        self.filled.notify_one();
    }

    /// For the writer: waits until something was put in since the last look.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    /// For the writer: everything that waits, and the confirms whose ticket is reached. Confirms that are
    /// taken may go out after the items that are taken, and not before.
    pub fn take(&self, reached: Ticket) -> Taken {
        let mut waiting = self.waiting.lock();
        let due = waiting.confirms.iter().take_while(|confirm| confirm.ticket <= reached).count();
        let confirms = waiting.confirms.drain(..due).collect();
        let items = std::mem::take(&mut waiting.items);
        Taken { items, confirms, ended: waiting.ended }
    }

    /// Whether confirms wait for the disk.
    pub fn awaits_disk(&self) -> bool {
        !self.waiting.lock().confirms.is_empty()
    }

    /// For the writer: so many bytes were sent. True when somebody was refused before for want of room.
    pub fn sent(&self, bytes: usize) -> bool {
        let before = self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        let left = before.saturating_sub(bytes);
        if left < self.limit {
            self.drained.notify_one();
        }
        left < self.limit / 2 && self.stalled.swap(false, Ordering::AcqRel)
    }
}

impl Outgoing {
    /// What it counts for, in bytes.
    pub fn size(&self) -> usize {
        ITEM + match self {
            Self::Method(..) => 0,
            Self::Delivery { content, .. } | Self::Got { content, .. } => content.size(),
            Self::Returned { message, .. } => message.size(),
        }
    }
}

impl Content {
    fn size(&self) -> usize {
        match &self.source {
            Source::Memory(message) => message.size(),
            Source::File(_, place) => place.length as usize,
        }
    }
}
