//! Exchanges, queues and consumers: what the broker does, under one lock.
//!
//! - [`Core`]: all of it
//! - `routing`, `queue`: exchanges and queues by themselves
//! - `declare`, `binding`: what clients declare, bind and delete
//! - `publish`, `deliver`, `consume`, `settle`: the way of a message, from its publisher to its end
//! - `dead_letters`, `timers`: what happens to messages that nobody takes
//! - `direct_reply`, `streams`: the two that have rules of their own
//! - `store`, `records`, `recovery`, `tidy`: what is on disk
//!
//! Everything here is quick: nothing waits, and nothing is read from disk but a message that becomes a dead
//! letter. What a client is to be sent goes into its [`crate::connection::outbox::Outbox`].

mod binding;
mod consume;
mod dead_letters;
mod declare;
mod deliver;
mod direct_reply;
pub(crate) mod ids;
mod publish;
pub(crate) mod queue;
mod records;
mod recovery;
pub(crate) mod routing;
mod settle;
mod snapshot;
mod status;
pub(crate) mod store;
mod streams;
mod tidy;
mod timers;
mod wire_table;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use crate::config::Limits;
use crate::connection::outbox::Outbox;
use crate::message::Message;
use crate::status::Totals;
pub(crate) use binding::BindingRequest;
pub(crate) use consume::{ConsumeRequest, Got};
pub(crate) use declare::{Answer, Condition, ExchangeDeclaration, Existence, Lifetime, QueueDeclaration};
use ids::{ChannelKey, ConnectionId, ConsumerId, QueueId};
pub(crate) use publish::Mandatory;
use queue::Queue;
use routing::Exchange;
pub(crate) use settle::{Extent, Fate};
use store::Store;
pub(crate) use streams::Feeding;
pub(crate) use timers::Due;
use timers::Timers;

/// Everything under one lock.
pub(crate) struct Core {
    limits: Limits,
    exchanges: BTreeMap<Arc<str>, Exchange>,
    queues: HashMap<QueueId, Queue>,
    names: BTreeMap<Arc<str>, QueueId>,
    connections: HashMap<ConnectionId, Client>,
    channels: HashMap<ChannelKey, Channel>,
    store: Store,
    timers: Timers,
    // queues in which something may be delivered
    dirty: VecDeque<QueueId>,
    // queues that may have more than they may
    overfull: VecDeque<QueueId>,
    // messages that a full queue has turned away, and that are to be dead letters
    turned_away: VecDeque<(QueueId, Arc<Message>)>,
    totals: Totals,
    next_queue: u32,
    next_consumer: u64,
    /// Wakes whoever does what is to be done in time.
    pub housekeeping: Arc<Notify>,
}

/// A connection.
pub(crate) struct Client {
    pub user: String,
    pub name: String,
    pub peer: String,
    pub outbox: Arc<Outbox>,
    /// Whether it wants to hear when its consumers are cancelled.
    pub hears_cancels: Hears,
    /// Whether it wants to hear when publishers are blocked.
    pub hears_blocked: Hears,
    pub channels: BTreeSet<u16>,
}

/// Whether a client understands something that the protocol has not from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hears {
    Yes,
    No,
}

/// A channel.
#[derive(Debug, Default)]
struct Channel {
    /// The tag of the last delivery.
    last_tag: u64,
    /// What was delivered and not acknowledged, by tag.
    held: BTreeMap<u64, Held>,
    /// The prefetch of consumers to come.
    prefetch: u16,
    /// What all consumers may hold together; 0 for any number.
    shared_prefetch: u16,
    consumers: BTreeMap<Arc<str>, (QueueId, ConsumerId)>,
    /// Where direct replies go.
    replies: Option<direct_reply::Replies>,
}

/// A message that was delivered and not acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    queue: QueueId,
    number: u64,
    // none where the message was asked for
    consumer: Option<ConsumerId>,
}

impl Core {
    /// A connection has been let in.
    pub fn connected(&mut self, id: ConnectionId, client: Client) {
        self.connections.insert(id, client);
    }

    /// A connection is gone, and with it its channels and the queues that are its alone.
    pub fn disconnected(&mut self, id: ConnectionId) {
        let Some(client) = self.connections.get(&id) else { return };
        for number in client.channels.clone() {
            self.channel_closed(ChannelKey { connection: id, number });
        }
        let owned: Vec<QueueId> =
            self.queues.values().filter(|queue| queue.owner == Some(id)).map(|queue| queue.spec.id).collect();
        for queue in owned {
            self.delete_queue(queue);
        }
        self.connections.remove(&id);
        self.deliver();
    }

    /// A channel was opened.
    pub fn channel_opened(&mut self, key: ChannelKey) {
        if let Some(client) = self.connections.get_mut(&key.connection) {
            client.channels.insert(key.number);
            self.channels.insert(key, Channel::default());
        }
    }

    /// A channel is gone: its consumers, too, and what they had waits again.
    pub fn channel_closed(&mut self, key: ChannelKey) {
        let Some(channel) = self.channels.get_mut(&key) else { return };
        let consumers = std::mem::take(&mut channel.consumers);
        let held: Vec<Held> = std::mem::take(&mut channel.held).into_values().collect();
        self.channels.remove(&key);
        if let Some(client) = self.connections.get_mut(&key.connection) {
            client.channels.remove(&key.number);
            client.outbox.forget_confirms(key.number);
        }
        // what it had comes back before an auto-delete queue goes with its last consumer
        self.put_back(held);
        for (queue, consumer) in consumers.into_values() {
            self.remove_consumer(queue, consumer);
        }
        self.deliver();
    }

    /// A client has taken so much that it can be given more.
    pub fn resumed(&mut self, id: ConnectionId) {
        let Some(client) = self.connections.get(&id) else { return };
        for number in &client.channels {
            let Some(channel) = self.channels.get(&ChannelKey { connection: id, number: *number }) else {
                continue;
            };
            self.dirty.extend(channel.consumers.values().map(|(queue, _)| *queue));
        }
        self.deliver();
    }

    /// Whether a client wants to hear when publishers are blocked.
    pub fn hears_blocked(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_some_and(|client| client.hears_blocked == Hears::Yes)
    }

    /// Where everything is written.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The bytes of memory that it takes to know where all messages are.
    pub fn index_bytes(&self) -> usize {
        let queues: usize = self.queues.values().map(|queue| queue.messages.memory()).sum();
        let held: usize = self.channels.values().map(|channel| channel.held.len() * HELD).sum();
        queues + held
    }
}

/// What a delivery that is not acknowledged takes in memory, in bytes.
const HELD: usize = 64;

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
