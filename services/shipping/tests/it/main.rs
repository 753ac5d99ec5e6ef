//! Shipping on real databases: each test runs on SQLite and, where there is one, on PostgreSQL.

mod carrier;
mod facts;
mod messages;
mod rest;
mod service;
mod store;
mod tracking;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chassis::clock::ManualClock;
use chassis::config::Live;
use chassis::messaging::Mailbox;
use chassis::store::{Store, StoreUrl};
use contracts::messages::Origin;
use contracts::orders::Coordination;
use contracts::shipping::{CancelShipment, Recall, ScheduleShipment};
use contracts::types::Address;
use contracts::{Context, OrderId, Timestamp, TraceContext};
use shipping::config::TrackingConfig;
use shipping::domain::Pace;
use shipping::service::Service;
use shipping::store::SqlStore;
use shipping::tracking::Tracker;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// A call in an order that orders drive.
static SYNC: LazyLock<Origin> = LazyLock::new(|| origin(Coordination::Sync));
/// Carriers that come at once.
const AT_ONCE: Pace = Pace { dispatch_after: Duration::ZERO, deliver_after: Duration::ZERO };
/// So long between two looks into the database that only a wake-up can explain an early answer.
const HARDLY_EVER: TrackingConfig = TrackingConfig { poll_ms: 60_000 };

/// One database, to be shared by several replicas.
struct Bench {
    database: testkit::Database,
    clock: ManualClock,
}

/// One instance of the service.
struct Replica {
    store: Arc<SqlStore>,
    service: Arc<Service>,
    tracker: Tracker,
    ending: CancellationToken,
    clock: ManualClock,
    ctx: Context,
    mailbox: Mailbox,
    db: Store,
}

/// A message in the outbox.
struct Said {
    name: String,
    coordination: Coordination,
    trace_id: String,
    data: serde_json::Value,
}

impl Said {
    fn read((key, coordination, traceparent, data): (String, String, String, String)) -> Self {
        Self {
            name: key.split('.').nth(1).expect("MODULE.EVENT.COORDINATION, MODULE.QUEUE").to_owned(),
            coordination: Coordination::parse(&coordination).expect("a coordination"),
            trace_id: traceparent.split('-').nth(1).expect("a trace").to_owned(),
            data: serde_json::from_str(&data).expect("JSON"),
        }
    }
}

impl Replica {
    /// What was said about an order, oldest first.
    async fn said(&self, order_id: OrderId) -> Vec<Said> {
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT routing_key, coordination, traceparent, data FROM shipping_outbox
             WHERE subject = $1 ORDER BY position",
        )
        .bind(order_id.to_string())
        .fetch_all(self.db.read())
        .await
        .expect("the outbox");
        rows.into_iter().map(Said::read).collect()
    }

    /// The names of what was said about an order.
    async fn told(&self, order_id: OrderId) -> Vec<String> {
        self.said(order_id).await.into_iter().map(|said| said.name).collect()
    }
}

/// A fresh database on each engine.
async fn benches() -> Vec<Bench> {
    let databases = testkit::databases().await;
    let bench = |database| Bench { database, clock: ManualClock::at(Timestamp(1_700_000_000_000_000)) };
    databases.into_iter().map(bench).collect()
}

impl Bench {
    /// Another instance of the service on this database, with connections of its own.
    async fn replica(&self, tracking: TrackingConfig) -> Replica {
        let url = StoreUrl::parse(&self.database.url).expect("an address");
        let db = Store::open(&url, "shipping", sqlx::migrate!("./migrations")).await.expect("opens");
        let mailbox = Mailbox::open(&db, "shipping", Arc::new(self.clock.clone())).await.expect("opens");
        let store = Arc::new(SqlStore::new(db.clone(), mailbox.clone()));
        let ending = CancellationToken::new();
        let tracker = Tracker::new(store.clone(), Live::fixed(tracking), ending.clone());
        let service = Service::new(store.clone(), Arc::new(self.clock.clone()), tracker.clone());
        Replica {
            store,
            service: Arc::new(service),
            tracker,
            ending,
            clock: self.clock.clone(),
            ctx: Context::background("test", PATIENCE),
            mailbox,
            db,
        }
    }
}

fn new_order() -> OrderId {
    OrderId(Uuid::now_v7())
}

fn booking(order_id: OrderId) -> ScheduleShipment {
    let address = Address {
        name: "Ada Lovelace".into(),
        street: "Invalidenstr. 117".into(),
        city: "Berlin".into(),
        postal_code: "10115".into(),
        country: "DE".into(),
    };
    ScheduleShipment { order_id, address, weight_grams: 500 }
}

fn origin(coordination: Coordination) -> Origin {
    Origin { coordination, trace: TraceContext::root(), passed: None }
}

fn calling_off(order_id: OrderId, recall: Recall) -> CancelShipment {
    CancelShipment { order_id, recall }
}
