//! A module's outbox and inbox, as they lie on its disk: they survive it.

use std::collections::HashSet;
use std::sync::Arc;

use chassis::messaging::Received;
use contracts::messages::topology::EVENTS;
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
    inbox: HashSet<(&'static str, MessageId)>,
}

/// A message in an outbox.
#[derive(Clone)]
pub struct Row {
    /// What.
    pub outgoing: Arc<Outgoing>,
    /// Whether the relay is done with it.
    pub published: bool,
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
                tables.outbox.push(Row { outgoing: Arc::new(outgoing), published: false });
            }
        }
        self.posted.notify_one();
    }

    /// Whether a message was dealt with before.
    pub fn has_received(&self, queue: &'static str, id: MessageId) -> bool {
        !self.world.has(Bug::NoInbox) && self.tables.lock().inbox.contains(&(queue, id))
    }

    /// Notes that a message is dealt with.
    pub fn receive(&self, queue: &'static str, id: MessageId) -> Received {
        let first = self.tables.lock().inbox.insert((queue, id));
        if first || self.world.has(Bug::NoInbox) { Received::First } else { Received::Again }
    }

    /// The oldest messages that are not marked as published, with their places, at most `most`.
    pub fn waiting(&self, most: usize) -> Vec<(usize, Arc<Outgoing>)> {
        let tables = self.tables.lock();
        let waiting = tables.outbox.iter().enumerate().filter(|(_, row)| !row.published);
        waiting.take(most).map(|(place, row)| (place, row.outgoing.clone())).collect()
    }

    /// Marks the messages at these places as published.
    pub fn mark(&self, places: impl IntoIterator<Item = usize>) {
        let mut tables = self.tables.lock();
        places.into_iter().for_each(|place| tables.outbox[place].published = true);
    }

    /// Waits until something is posted.
    pub async fn posted(&self) {
        self.posted.notified().await;
    }

    /// The whole outbox, oldest first.
    pub fn outbox(&self) -> Vec<Row> {
        self.tables.lock().outbox.clone()
    }

    /// The whole inbox, in no order.
    pub fn inbox(&self) -> Vec<(&'static str, MessageId)> {
        self.tables.lock().inbox.iter().copied().collect()
    }
}
