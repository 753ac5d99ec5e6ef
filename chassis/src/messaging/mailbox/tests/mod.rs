//! The mailbox on both engines, with a broker that fails to order.

mod books;
mod held;
mod leading;
mod relay;
mod rest;
mod scripted;

use std::sync::Arc;
use std::time::Duration;

use contracts::messages::{Address, Message, Outgoing};
use contracts::orders::Coordination;
use contracts::{OrderId, Timestamp, TraceContext};
use sqlx::migrate::Migrator;
use tokio::task::JoinHandle;
use uuid::Uuid;

use self::scripted::Scripted;
use super::*;
use crate::clock::ManualClock;
use crate::store::{StoreUrl, commit};

/// How long a test waits for a state; longer than a lease.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mailbox and its database.
struct Shop {
    store: Store,
    mailbox: Mailbox,
    clock: ManualClock,
    database: testkit::Database,
}

/// A shop on each engine.
async fn shops() -> Vec<Shop> {
    let mut shops = Vec::new();
    for database in testkit::databases().await {
        let store = store_at(&database.url, "test").await;
        let clock = ManualClock::at(Timestamp::now());
        let mailbox = open(&store, "test", &clock).await;
        shops.push(Shop { store, mailbox, clock, database });
    }
    shops
}

async fn store_at(url: &str, module: &str) -> Store {
    let url = StoreUrl::parse(url).expect("an address");
    Store::open(&url, module, Migrator::with_migrations(Vec::new())).await.expect("opens")
}

async fn open(store: &Store, module: &'static str, clock: &ManualClock) -> Mailbox {
    Mailbox::open(store, module, Arc::new(clock.clone())).await.expect("opens").at(FAST)
}

/// Everything soon, so that tests need not wait, but for the end of a lease: a relay must not lose it where
/// the machine is slow, or it would publish more often than a test has counted.
const FAST: Pace = Pace {
    lease: Duration::from_secs(30),
    standby: Duration::from_millis(20),
    poll: Duration::from_millis(20),
    prune: Duration::from_millis(20),
    measure: Duration::from_millis(50),
};

impl Mailbox {
    fn at(self, pace: Pace) -> Self {
        self.with(|open| open.pace = pace)
    }
}

impl Shop {
    /// The same module in another process: a mailbox that shares nothing but the database.
    async fn another(&self) -> Mailbox {
        open(&self.store, "test", &self.clock).await
    }

    async fn post(&self, messages: &[Outgoing]) {
        self.post_silently(messages).await;
        self.mailbox.posted();
    }

    /// Posts, and calls no relay.
    async fn post_silently(&self, messages: &[Outgoing]) {
        let mut tx = self.store.begin().await.expect("begins");
        self.mailbox.post_in_tx(&mut tx, messages).await.expect("posts");
        commit(tx).await.expect("commits");
    }

    fn books(&self) -> &Books {
        &self.mailbox.0.as_ref().expect("is open").books
    }

    async fn outbox(&self) -> Vec<OutboxEntry> {
        self.books().outbox_page(0, 10_000).await.expect("reads")
    }

    async fn inbox(&self) -> Vec<InboxEntry> {
        self.books().inbox_page(0, 10_000).await.expect("reads")
    }

    async fn waiting(&self) -> u64 {
        self.books().lag().await.expect("reads").waiting
    }

    /// Ends the lease of a relay that was killed, as time would.
    async fn lapse(&self) {
        let mut tx = self.store.begin().await.expect("begins");
        sqlx::query("UPDATE test_relay SET lapses_at = 0").execute(&mut *tx).await.expect("lapses");
        commit(tx).await.expect("commits");
    }

    async fn all_published(&self) {
        testkit::eventually("an outbox where nothing waits", PATIENCE, async || {
            (self.waiting().await == 0).then_some(())
        })
        .await;
    }
}

impl Mailbox {
    /// Runs a relay of this mailbox.
    fn relaying(&self, broker: &Arc<Scripted>) -> Relaying {
        let shutdown = CancellationToken::new();
        let task = tokio::spawn({
            let (mailbox, broker, shutdown) = (self.clone(), broker.clone(), shutdown.clone());
            async move { mailbox.relay_to(broker, &Gate::default(), shutdown).await }
        });
        Relaying { shutdown, task }
    }

    fn state(&self) -> RelayState {
        self.report().relay
    }

    fn report(&self) -> MessagesStatus {
        let open = self.0.as_ref().expect("is open");
        open.status.report(status::Lag { waiting: 0, oldest: None }, 0, Timestamp::now())
    }

    async fn is(&self, state: RelayState) {
        testkit::eventually("the relay's state", PATIENCE, async || (self.state() == state).then_some(()))
            .await;
    }
}

/// A relay that runs; killed when dropped.
struct Relaying {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Relaying {
    async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.task).await.expect("ends well");
    }

    /// Ends it wherever it is, as `kill -9` does.
    async fn kill(mut self) {
        self.task.abort();
        assert!((&mut self.task).await.expect_err("was killed").is_cancelled());
    }
}

impl Drop for Relaying {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn order() -> OrderId {
    OrderId(Uuid::now_v7())
}

/// What the module says about version `sequence` of `subject`.
fn event(subject: OrderId, sequence: u64) -> Outgoing {
    let kind = "tradewind.test.happened.v1";
    let message = Message {
        id: MessageId::of("test", kind, subject, sequence),
        kind: kind.into(),
        source: "test".into(),
        subject,
        sequence,
        coordination: Coordination::Choreographed,
        at: Timestamp::now(),
        trace: TraceContext { state: Some("vendor=1".into()), ..TraceContext::root() },
        data: serde_json::json!({ "type": "happened", "note": "‘quoted’ \"and\" \u{1F6A2}" }),
    };
    Outgoing { to: Address::event("test", "happened", Coordination::Choreographed), message }
}

/// `count` messages, each about an order of its own.
fn events(count: u64) -> Vec<Outgoing> {
    (1..=count).map(|number| event(order(), number)).collect()
}

fn ids(messages: &[Outgoing]) -> Vec<MessageId> {
    messages.iter().map(|outgoing| outgoing.message.id).collect()
}
