//! A module's outbox and inbox, in its own database, and the relay between outbox and broker.
//!
//! - [`statements`]: every SQL statement, with the module's name in it
//! - [`books`]: the outbox and the inbox, read and written
//! - [`lease`]: who of all instances of the module may relay
//! - [`relay`]: publishes what waits in the outbox
//! - [`status`]: what there is to know about all this: metrics, and `GET /messages`
//! - [`rest`]: the control endpoints
//!
//! The outbox is the answer to two systems that cannot commit together: what a module says is written in
//! the transaction that makes it true, and reaches the broker later, at least once. The inbox is the answer
//! to 'at least once': what was dealt with is written down in the transaction that dealt with it.

mod books;
mod lease;
mod relay;
mod rest;
mod rows;
mod statements;
mod status;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use contracts::messages::{MessageId, Outgoing};
use sqlx::{Any, Transaction};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use relay::Publish;
pub use rest::{BookPage, InboxEntry, OutboxEntry};
pub use status::{MessagesStatus, RelayState};

use self::books::Books;
use self::lease::Lease;
use self::relay::{Pace, Relay};
use self::status::Status;
use crate::clock::Clock;
use crate::messaging::Bus;
use crate::messaging::bus::Gate;
use crate::messaging::in_process::Arrivals;
use crate::messaging::tables::MAILBOX;
use crate::store::{Store, StoreError};

/// Whether a message came for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It did.
    First,
    /// It was dealt with before.
    Again,
}

/// For how long the books are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Outbox rows, after they were published; 24 hours. The relay needs them no more: people and
    /// `tradewind audit` do.
    pub outbox: Duration,
    /// Inbox rows, after the message was dealt with; 7 days. It must be longer than a message can live in
    /// queues, dead letters that somebody redrives included, and longer than `outbox`: a fact that is said
    /// again after its outbox row is gone is published again, and only the inbox still knows it.
    pub inbox: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { outbox: DAY, inbox: 7 * DAY }
    }
}

/// How much the relay publishes at once, at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Messages; 500. With 1, each message is published, confirmed and marked by itself.
    pub rows: u32,
    /// Bytes; 1 MB. One message that is larger still goes out, alone.
    pub bytes: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Self { rows: 500, bytes: 1_000_000 }
    }
}

/// A module's outbox and inbox: a handle, cheap to clone.
#[derive(Clone)]
pub struct Mailbox(Option<Open>);

#[derive(Clone)]
struct Open {
    books: Arc<Books>,
    arrivals: Arc<Arrivals>,
    status: Arc<Status>,
    /// Wakes the relay of this process.
    posted: Arc<Notify>,
    pace: Pace,
    retention: Retention,
    batch: Batch,
}

impl Mailbox {
    /// The mailbox of `module` in its database, whose tables it brings up to date. Modules may share a
    /// database: each has tables of its own.
    pub async fn open(
        store: &Store,
        module: &'static str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        MAILBOX.bring_up_to_date(store, module).await?;
        Ok(Self(Some(Open {
            arrivals: Arc::new(Arrivals::new(store.clone(), module, clock.clone())),
            books: Arc::new(Books::new(store.clone(), module, clock)),
            status: Arc::new(Status::new(module)),
            posted: Arc::new(Notify::new()),
            pace: Pace::default(),
            retention: Retention::default(),
            batch: Batch::default(),
        })))
    }

    /// The mailbox of a process without a broker: what is posted is forgotten, since nobody would ever
    /// fetch it.
    pub fn closed() -> Self {
        Self(None)
    }

    /// The same mailbox, keeping its books for other times than the usual ones.
    pub fn keeping(self, retention: Retention) -> Self {
        self.with(|open| open.retention = retention)
    }

    /// The same mailbox, whose relay publishes in batches of another size than the usual one.
    pub fn publishing(self, batch: Batch) -> Self {
        self.with(|open| open.batch = batch)
    }

    fn with(mut self, change: impl FnOnce(&mut Open)) -> Self {
        if let Some(open) = &mut self.0 {
            change(open);
        }
        self
    }

    /// Whether what is posted goes anywhere.
    pub fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// What came for the module and is not dealt with, where no broker keeps it.
    pub(in crate::messaging) fn arrivals(&self) -> Option<&Arc<Arrivals>> {
        self.0.as_ref().map(|open| &open.arrivals)
    }

    /// Writes messages into the outbox, in the transaction that makes them true. What stands there under
    /// the same id already stands.
    ///
    /// Call it after the row of what the messages are about (the order, the payment) was written in this
    /// transaction. That row's lock lets one transaction after the other post about it, and this is all
    /// that keeps the messages about one thing in order.
    pub async fn post_in_tx(
        &self,
        tx: &mut Transaction<'_, Any>,
        messages: &[Outgoing],
    ) -> Result<(), StoreError> {
        match &self.0 {
            Some(open) => open.books.post_in_tx(tx, messages).await,
            None => Ok(()),
        }
    }

    /// Tells the relay that there is something in the outbox: to be called after the commit. Where the
    /// relay is another process', or nobody calls this, the relay finds it by itself a moment later.
    pub fn posted(&self) {
        if let Some(open) = &self.0 {
            open.posted.notify_one();
        }
    }

    /// Notes in the inbox that a message out of `queue` is dealt with, in the transaction that does.
    /// Where another transaction is about to note the same, this waits for how that one ends.
    pub async fn receive_in_tx(
        &self,
        tx: &mut Transaction<'_, Any>,
        queue: &str,
        id: MessageId,
    ) -> Result<Received, StoreError> {
        match &self.0 {
            Some(open) => open.books.receive_in_tx(tx, queue, id).await,
            None => Ok(Received::First),
        }
    }

    /// Whether a message out of `queue` was dealt with: a look, which saves the work.
    pub async fn has_received(&self, queue: &str, id: MessageId) -> Result<bool, StoreError> {
        match &self.0 {
            Some(open) => open.books.has_received(queue, id).await,
            None => Ok(false),
        }
    }

    /// Notes in the inbox that a message is dealt with, and posts the answers to it, in one transaction;
    /// posts nothing where it was dealt with before.
    pub async fn settle(
        &self,
        queue: &str,
        id: MessageId,
        answers: &[Outgoing],
    ) -> Result<Received, StoreError> {
        let Some(open) = &self.0 else { return Ok(Received::First) };
        let received = open.books.settle(queue, id, answers).await?;
        if received == Received::First && !answers.is_empty() {
            self.posted();
        }
        Ok(received)
    }

    /// Publishes what is in the outbox, until `shutdown` and while the bus is open: of all instances of the module the one that holds
    /// the relay's lease. Forgets what is old in outbox and inbox.
    pub async fn relay(self, bus: Bus, shutdown: CancellationToken) {
        let gate = bus.gate().clone();
        self.relay_to(bus, &gate, shutdown).await;
    }

    /// The same, to whatever publishes, while `gate` is open.
    pub async fn relay_to(self, publisher: impl Publish, gate: &Gate, shutdown: CancellationToken) {
        let Some(open) = self.0 else { return };
        let lease = Lease::new(&open.books, open.pace.lease);
        let relay = Relay {
            lease,
            books: open.books,
            status: open.status,
            posted: open.posted,
            publisher,
            pace: open.pace,
            retention: open.retention,
            batch: open.batch,
        };
        relay.run(gate, shutdown).await;
    }

    /// `GET /messages`, `/messages/outbox`, `/messages/inbox`: how much waits, and the books of both, for
    /// `tradewind status` and `tradewind audit`.
    pub fn control_routes(&self) -> Router {
        rest::routes(self.clone())
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(open) => f.debug_tuple("Mailbox").field(&open.books.module()).finish(),
            None => f.write_str("Mailbox::closed"),
        }
    }
}
