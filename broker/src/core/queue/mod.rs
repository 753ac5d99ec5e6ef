//! Queues.
//!
//! - [`settings`]: what the arguments of a declaration mean
//! - [`slots`], [`messages`]: where messages are, and which wait
//! - [`consumers`]: who gets them, in turns

pub(crate) mod consumers;
pub(crate) mod messages;
pub(crate) mod settings;
pub(crate) mod slots;

use std::collections::VecDeque;
use std::sync::Arc;

use amq_protocol::types::FieldTable;
use serde::{Deserialize, Serialize};

use super::ids::{ConnectionId, QueueId};
use crate::storage::stream::StreamLog;
use consumers::Consumers;
use messages::Messages;
use settings::{QueueKind, Settings};

/// What a queue was declared as.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueSpec {
    pub id: QueueId,
    pub name: Arc<str>,
    /// It outlives a restart.
    pub durable: bool,
    /// It goes with its last consumer.
    pub auto_delete: bool,
    #[serde(with = "super::wire_table")]
    pub arguments: FieldTable,
}

/// A queue.
pub(crate) struct Queue {
    pub spec: QueueSpec,
    pub settings: Settings,
    /// The connection that it belongs to alone, and goes with.
    pub owner: Option<ConnectionId>,
    pub messages: Messages,
    pub consumers: Consumers,
    /// What it keeps, where it is a stream.
    pub stream: Option<StreamLog>,
    /// Dead letters that no queue takes at present, of a queue that must not lose them: held messages, and
    /// why they are to go.
    pub stuck: VecDeque<(u64, super::dead_letters::Reason)>,
    /// Whether its next message could not be read just now.
    pub unreadable: bool,
    /// When its timer rings, in milliseconds since 1970.
    pub timer: Option<u64>,
    /// When it was last used, in milliseconds since 1970.
    pub used: u64,
    pub counts: Counts,
}

/// Messages since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub published: u64,
    pub delivered: u64,
    pub acknowledged: u64,
}

impl Queue {
    /// An empty one.
    pub fn new(spec: QueueSpec, settings: Settings, owner: Option<ConnectionId>, now: u64) -> Self {
        Self {
            spec,
            settings,
            owner,
            messages: Messages::default(),
            consumers: Consumers::default(),
            stream: None,
            stuck: VecDeque::new(),
            unreadable: false,
            timer: None,
            used: now,
            counts: Counts::default(),
        }
    }

    /// Whether what happens to it is written down.
    pub fn is_kept(&self) -> bool {
        self.spec.durable && self.owner.is_none()
    }

    /// Messages that wait; of a stream, those that it keeps.
    pub fn ready(&self) -> u64 {
        match &self.stream {
            Some(stream) => stream.next() - stream.first(),
            None => self.messages.ready(),
        }
    }

    /// Whether a message must be written down.
    pub fn keeps(&self, persistent: Persistence) -> bool {
        self.is_kept() && (self.settings.kind == QueueKind::Quorum || persistent == Persistence::Persistent)
    }

    /// When a message that comes now expires, in milliseconds since 1970; 0 for never.
    pub fn expiry(&self, own: Option<u64>, now: u64) -> u64 {
        let shortest = own.into_iter().chain(self.settings.message_ttl).min();
        shortest.map_or(0, |ttl| now.saturating_add(ttl).max(1))
    }

    /// Whether there is no room for one more message with a body of this many bytes.
    pub fn is_full(&self, body: usize) -> bool {
        let (count, bytes) = (self.messages.ready() + 1, self.messages.ready_bytes() + body as u64);
        self.settings.max_length.is_some_and(|max| count > max)
            || self.settings.max_bytes.is_some_and(|max| bytes > max)
    }

    /// Whether there is more in it than there may be.
    pub fn is_overfull(&self) -> bool {
        self.settings.max_length.is_some_and(|max| self.messages.ready() > max)
            || self.settings.max_bytes.is_some_and(|max| self.messages.ready_bytes() > max)
    }
}

/// What a publisher asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It may be lost in a restart.
    Transient,
    /// It may not.
    Persistent,
}
