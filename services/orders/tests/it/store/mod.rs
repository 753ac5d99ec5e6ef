//! What orders remember: each test runs on SQLite and, where there is one, on PostgreSQL.

mod changing;
mod growing;
mod inserting;
mod leases;
mod listing;
mod rows;
mod stepping;

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use chassis::clock::ManualClock;
use chassis::messaging::Mailbox;
use chassis::messaging::mailbox::{BookPage, OutboxEntry};
use chassis::store::{Store, StoreUrl};
use contracts::messages::MessageId;
use contracts::{CustomerId, OrderId, Timestamp};
use futures::future::join_all;
use orders::domain::State;
use orders::store::{
    Inserted, KeyRecord, KnownKey, Lease, OrderStore as _, Outcome, SqlStore, StoredOrder, Transition,
};
use testkit::Database;
use tokio::sync::Barrier;
use tower::ServiceExt as _;

use crate::shop::{BEGIN, first_entry, stored};

/// Orders in a fresh database.
struct Bench {
    database: Database,
    store: Arc<SqlStore>,
    mailbox: Mailbox,
    /// The same database, for statements that the store would never make.
    raw: Store,
}

/// One bench on each engine.
async fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    for database in testkit::databases().await {
        let raw = open(&database).await;
        let mailbox = mailbox(&raw).await;
        benches.push(Bench {
            store: Arc::new(SqlStore::new(raw.clone(), mailbox.clone())),
            mailbox,
            database,
            raw,
        });
    }
    benches
}

async fn open(database: &Database) -> Store {
    let url = StoreUrl::parse(&database.url).expect("the database's address");
    Store::open(&url, "orders", orders::migrations()).await.expect("the database opens")
}

async fn mailbox(store: &Store) -> Mailbox {
    let clock = Arc::new(ManualClock::at(BEGIN));
    Mailbox::open(store, "orders", clock).await.expect("the mailbox opens")
}

impl Bench {
    /// Runs `count` tasks that start together, spread over two processes.
    async fn together<T, F>(&self, count: usize, work: impl Fn(Arc<SqlStore>, usize) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let database = open(&self.database).await;
        let mailbox = mailbox(&database).await;
        let replica = Arc::new(SqlStore::new(database, mailbox));
        let start = Arc::new(Barrier::new(count));
        let tasks = (0..count).map(|n| {
            let work = work(if n % 2 == 0 { self.store.clone() } else { replica.clone() }, n);
            let start = start.clone();
            tokio::spawn(async move {
                start.wait().await;
                work.await
            })
        });
        join_all(tasks).await.into_iter().map(|task| task.expect("does not panic")).collect()
    }

    async fn insert(&self, order: &StoredOrder, lease: &Lease, key: Option<&KeyRecord>) -> Inserted {
        self.store
            .order_insert(order, &first_entry(order), lease, key, &[])
            .await
            .expect("the database answers")
    }

    /// A new order in `state` that nobody drives.
    async fn order_in(&self, state: State) -> StoredOrder {
        let order = stored(state);
        assert_eq!(self.insert(&order, &lease("", 0), None).await, Inserted::New);
        order
    }

    /// The order as it stands.
    async fn stands(&self, id: OrderId) -> Option<StoredOrder> {
        self.store.order(id).await.expect("the database answers")
    }

    async fn known(&self, key: &KeyRecord) -> Option<KnownKey> {
        self.store.key(key).await.expect("the database answers")
    }

    /// The ids of what was posted, in their order.
    async fn posted(&self) -> Vec<MessageId> {
        let request = Request::get("/messages/outbox").body(Body::empty()).expect("a request");
        let reply = self.mailbox.control_routes().oneshot(request).await.expect("routers do not fail");
        let body = axum::body::to_bytes(reply.into_body(), 1 << 20).await.expect("a body");
        let page: BookPage<OutboxEntry> = serde_json::from_slice(&body).expect("a page");
        page.items.into_iter().map(|entry| entry.id).collect()
    }

    async fn step(&self, transition: &Transition) -> Outcome {
        self.store.transition(transition).await.expect("the database answers")
    }
}

/// A lease of `owner` that runs until `until`.
fn lease(owner: &str, until: i64) -> Lease {
    Lease { owner: owner.to_owned(), until: Timestamp(until) }
}

/// A key of Ada's.
fn key(text: &str) -> KeyRecord {
    KeyRecord {
        customer_id: CustomerId("ada".into()),
        operation: "orders.place".into(),
        key: text.to_owned(),
        fingerprint: "f1".into(),
    }
}

/// The step that takes `order` to `state`, made by `driver`.
fn to(state: State, order: &StoredOrder, driver: &Lease) -> Transition {
    let next = StoredOrder { version: order.version + 1, state, ..order.clone() };
    let mut entry = first_entry(&next);
    entry.from = Some(order.state.name().to_owned());
    let (entries, outgoing) = (vec![entry], Vec::new());
    Transition { order: next, entries, lease: driver.clone(), answer: None, outgoing }
}
