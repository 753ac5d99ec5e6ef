//! Notifications on real databases: each test runs on SQLite and, where there is one, on PostgreSQL.

mod delivery;
mod feed;
mod messages;
mod process;
mod rest;
mod service;
mod smtp;

use std::sync::Arc;
use std::time::Duration;

use chassis::bell::Bell;
use chassis::clock::{Clock as _, ManualClock};
use chassis::config::Live;
use chassis::messaging::{Delivery, Handled, Handler as _, Mailbox};
use chassis::store::{Store, StoreUrl, commit};
use contracts::messages::queues::NOTIFICATIONS_EVENTS;
use contracts::messages::{Event, Message, MessageId, Origin};
use contracts::notifications::{ListNotifications, Notification, Notifications as _};
use contracts::orders::{Coordination, Order, OrderEvent, OrderStatus, PricedLine};
use contracts::shipping::{Shipment, ShipmentStatus, ShippingEvent};
use contracts::types::{CustomerId, PageRequest};
use contracts::{Context, Money, OrderId, Timestamp, TraceContext};
use notifications::config::{MailConfig, StreamConfig};
use notifications::feed::Feed;
use notifications::messages::NewsHandler;
use notifications::service::Service;
use notifications::store::SqlStore;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// So long between two looks into the database that only a ring of the bell can explain an early answer.
const HARDLY_EVER: StreamConfig = StreamConfig { poll_ms: 60_000 };

/// One database, to be shared by several replicas.
struct Bench {
    database: testkit::Database,
    clock: ManualClock,
}

/// One instance of the service.
struct Replica {
    store: Arc<SqlStore>,
    service: Arc<Service>,
    handler: Arc<NewsHandler>,
    bell: Bell<CustomerId>,
    mail: Arc<Notify>,
    ending: CancellationToken,
    clock: ManualClock,
    ctx: Context,
}

/// A fresh database on each engine.
async fn benches() -> Vec<Bench> {
    let databases = testkit::databases().await;
    let bench = |database| Bench { database, clock: ManualClock::at(Timestamp(1_795_370_742_000_000)) };
    databases.into_iter().map(bench).collect()
}

impl Bench {
    /// Changes the books behind everybody's back.
    async fn execute(&self, statement: &'static str, id: MessageId) {
        let url = StoreUrl::parse(&self.database.url).expect("an address");
        let store = Store::open(&url, "notifications", notifications::migrations()).await.expect("opens");
        let mut tx = store.begin().await.expect("begins");
        sqlx::query(statement).bind(id.to_string()).execute(&mut *tx).await.expect("executes");
        commit(tx).await.expect("commits");
    }

    /// Another instance of the service on this database, with connections of its own.
    async fn replica(&self, streaming: StreamConfig) -> Replica {
        let url = StoreUrl::parse(&self.database.url).expect("an address");
        let store = Store::open(&url, "notifications", notifications::migrations()).await.expect("opens");
        let clock = Arc::new(self.clock.clone());
        let mailbox = Mailbox::open(&store, "notifications", clock.clone()).await.expect("opens");
        let store = Arc::new(SqlStore::new(store, mailbox.clone()));
        let (bell, ending) = (Bell::default(), CancellationToken::new());
        let mail = Arc::<Notify>::default();
        let handler = NewsHandler {
            store: store.clone(),
            clock,
            config: Live::fixed(MailConfig::default()),
            mailbox,
            bell: bell.clone(),
            mail: mail.clone(),
        };
        let feed = Feed::new(store.clone(), Live::fixed(streaming), bell.clone(), ending.clone());
        Replica {
            service: Arc::new(Service::new(store.clone(), feed)),
            store,
            handler: Arc::new(handler),
            bell,
            mail,
            ending,
            clock: self.clock.clone(),
            ctx: Context::background("test", PATIENCE),
        }
    }
}

impl Replica {
    /// What becomes of a message at its attempt number `attempt`.
    async fn handle(&self, message: Message, attempt: u32) -> Handled {
        self.handler.handle(&Delivery { message, queue: NOTIFICATIONS_EVENTS.name, attempt }).await
    }

    /// Hears that an order of `customer` is confirmed, which leads to a mail.
    async fn confirmed(&self, customer: &CustomerId) -> Notification {
        let event = self.message(&OrderEvent::OrderConfirmed { order: order(customer) });
        let id = event.id;
        self.clock.advance(Duration::from_secs(1));
        assert_eq!(self.handle(event, 1).await, Handled::Done);
        let all = self.list(customer).await;
        all.into_iter().find(|notification| notification.id == id).expect("a mail")
    }

    /// The first page of a customer's notifications.
    async fn list(&self, customer: &CustomerId) -> Vec<Notification> {
        let request = ListNotifications { customer_id: customer.clone(), page: PageRequest::largest(None) };
        self.service.list(&self.ctx, request).await.expect("a page").items
    }

    fn message(&self, event: &impl Event) -> Message {
        event.fact(&origin(), self.clock.now()).message
    }
}

fn origin() -> Origin {
    Origin { coordination: Coordination::Orchestrated, trace: TraceContext::root(), passed: None }
}

fn customer(name: &str) -> CustomerId {
    CustomerId(name.into())
}

fn order(customer: &CustomerId) -> Order {
    Order {
        id: OrderId(Uuid::now_v7()),
        customer_id: customer.clone(),
        status: OrderStatus::Confirmed,
        step: "confirmed".into(),
        coordination: Coordination::Orchestrated,
        lines: vec![PricedLine {
            sku: "TEA-1".into(),
            name: "Teekanne „Größe 2“".into(),
            quantity: 2,
            unit_price: Money::eur(1999),
            weight_grams: 300,
        }],
        shipping: Money::eur(490),
        total: Money::eur(4488),
        reason: None,
        placed_at: Timestamp(1_795_370_000_000_000),
        updated_at: Timestamp(1_795_370_000_000_000),
        version: 7,
    }
}

fn shipped(order_id: OrderId) -> ShippingEvent {
    ShippingEvent::ShipmentShipped {
        shipment: Shipment {
            order_id,
            status: ShipmentStatus::Shipped,
            carrier: "Tailwind Parcel".into(),
            tracking_number: "TW123".into(),
            updated_at: Timestamp(1_795_370_000_000_000),
        },
    }
}
