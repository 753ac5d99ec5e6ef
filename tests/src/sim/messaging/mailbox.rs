//! A module's outbox and inbox, as they lie on its disk: they survive it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chassis::messaging::Received;
use chassis::messaging::mailbox::{InboxEntry, OutboxEntry};
use contracts::Timestamp;
use contracts::messages::queues::EVENTS;
use contracts::messages::{MessageId, Outgoing};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::sim::Bug;
use crate::sim::world::World;

/// Outbox and inbox. Whoever calls several methods without a point between them writes one transaction.
pub struct Mailbox {
    world: Arc<World>,
    tables: Mutex<Tables>,
    posted: Notify,
}

#[derive(Default)]
struct Tables {
    outbox: Vec<Row>,
    ids: HashSet<MessageId>,
    inbox: HashMap<(&'static str, MessageId), Timestamp>,
}

/// A message in an outbox.
struct Row {
    outgoing: Arc<Outgoing>,
    posted_at: Timestamp,
    /// When the relay was done with it.
    published_at: Option<Timestamp>,
}

impl Mailbox {
    /// An empty one.
    pub fn new(world: Arc<World>) -> Self {
        Self { world, tables: Mutex::default(), posted: Notify::new() }
    }

    /// Writes messages into the outbox; one whose id is there already is there already.
    pub fn post(&self, messages: impl IntoIterator<Item = Outgoing>) {
        let mut tables = self.tables.lock();
        for mut outgoing in messages {
            if self.world.has(Bug::RandomFactIds) && outgoing.to.exchange == EVENTS {
                outgoing.message.id = MessageId::random();
            }
            if tables.ids.insert(outgoing.message.id) {
                self.world.note(|| format!("{} of {}", outgoing.message.kind, outgoing.message.subject));
                let (outgoing, posted_at) = (Arc::new(outgoing), self.world.now());
                tables.outbox.push(Row { outgoing, posted_at, published_at: None });
            }
        }
        self.posted.notify_one();
    }

    /// Whether a message was dealt with before.
    pub fn has_received(&self, queue: &'static str, id: MessageId) -> bool {
        !self.forgets() && self.tables.lock().inbox.contains_key(&(queue, id))
    }

    fn forgets(&self) -> bool {
        self.world.has(Bug::NoInbox) || self.world.has(Bug::ForgottenRefusal)
    }

    /// Notes that a message is dealt with.
    pub fn receive(&self, queue: &'static str, id: MessageId) -> Received {
        let known = self.tables.lock().inbox.insert((queue, id), self.world.now());
        if known.is_none() || self.forgets() { Received::First } else { Received::Again }
    }

    /// The oldest messages that are not marked as published, with their places, at most `most`.
    pub fn waiting(&self, most: usize) -> Vec<(usize, Arc<Outgoing>)> {
        let tables = self.tables.lock();
        let waiting = tables.outbox.iter().enumerate().filter(|(_, row)| row.published_at.is_none());
        waiting.take(most).map(|(place, row)| (place, row.outgoing.clone())).collect()
    }

    /// Marks the messages at these places as published.
    pub fn mark(&self, places: impl IntoIterator<Item = usize>) {
        let (mut tables, now) = (self.tables.lock(), self.world.now());
        places.into_iter().for_each(|place| tables.outbox[place].published_at = Some(now));
    }

    /// Waits until something is posted.
    pub async fn posted(&self) {
        self.posted.notified().await;
    }

    /// The whole outbox, oldest first.
    pub fn outbox(&self) -> Vec<OutboxEntry> {
        let entry = |(position, row): (usize, &Row)| {
            let Outgoing { to, message } = &*row.outgoing;
            OutboxEntry {
                position: position as i64,
                id: message.id,
                kind: message.kind.clone(),
                subject: message.subject.to_string(),
                exchange: to.exchange.clone(),
                key: to.key.clone(),
                coordination: message.coordination,
                created_at: row.posted_at,
                published_at: row.published_at,
            }
        };
        self.tables.lock().outbox.iter().enumerate().map(entry).collect()
    }

    /// The whole inbox, in no order.
    pub fn inbox(&self) -> Vec<InboxEntry> {
        let entry = |((queue, id), at): (&(&'static str, MessageId), &Timestamp)| {
            let queue = (*queue).to_owned();
            InboxEntry { position: 0, queue, id: *id, received_at: *at }
        };
        self.tables.lock().inbox.iter().map(entry).collect()
    }
}
