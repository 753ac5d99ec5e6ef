//! The service on a fresh database, with faked modules round it and a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use chassis::bell::Bell;
use chassis::clock::{Clock as _, ManualClock};
use chassis::config::Live;
use chassis::messaging::Mailbox;
use chassis::store::{Store, StoreUrl};
use contracts::orders::{
    CancelOrder, GetOrder, GetTimeline, Order, Orders as _, PlaceOrder, PricedLine, TimelineEntry,
};
use contracts::payments::CardToken;
use contracts::types::{Address, Line, PageRequest};
use contracts::{Context, CustomerId, IdempotencyKey, Money, OrderId, PortResult, Problem, Timestamp};
use orders::config::SagaConfig;
use orders::domain::State;
use orders::saga::{Ports, Saga};
use orders::service::{RandomIds, Service};
use orders::store::{Lease, OrderStore as _, SqlStore, StoredOrder};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::double::{After, Double};
use crate::others::{Call, Others, ports};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Where the clock of the tests stands at first.
pub const BEGIN: Timestamp = Timestamp(1_700_000_000_000_000);

/// Whether a process has a broker.
#[derive(Debug, Clone, Copy)]
enum Mail {
    Open,
    Closed,
}

/// One process that serves orders.
pub struct Shop {
    folder: Arc<TempDir>,
    pub clock: ManualClock,
    pub others: Arc<Others>,
    pub store: Arc<SqlStore>,
    /// What the saga stores by, and what it says.
    pub double: Arc<Double>,
    pub saga: Saga,
    pub service: Arc<Service>,
    config: SagaConfig,
}

impl Shop {
    /// A shop whose twins do not wait long for each other.
    pub async fn open() -> Self {
        Self::configured(SagaConfig { twin_wait_ms: 50, ..SagaConfig::default() }).await
    }

    pub async fn configured(config: SagaConfig) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::over(folder, ManualClock::at(BEGIN), Arc::default(), config, "first", Mail::Closed).await
    }

    /// A shop in which messages are heard.
    pub async fn with_mail() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let config = SagaConfig { twin_wait_ms: 50, ..SagaConfig::default() };
        Self::over(folder, ManualClock::at(BEGIN), Arc::default(), config, "first", Mail::Open).await
    }

    /// Another process on the same database, without a broker.
    pub async fn without_mail(&self) -> Self {
        self.replica().await
    }

    /// The same process, whose database falls silent.
    pub fn falling_silent(&self, after: After) -> Self {
        self.storing_by(Double::silent(self.store.clone(), after))
    }

    fn storing_by(&self, double: Double) -> Self {
        let double = Arc::new(double);
        let saga = Saga { store: double.clone(), ..self.saga.clone() };
        let service = Arc::new(Service::new(saga.clone(), RandomIds, TaskTracker::new()));
        Self {
            folder: self.folder.clone(),
            clock: self.clock.clone(),
            others: self.others.clone(),
            store: self.store.clone(),
            config: self.config.clone(),
            double,
            saga,
            service,
        }
    }

    /// Another process on the same database.
    pub async fn replica(&self) -> Self {
        let (folder, clock) = (self.folder.clone(), self.clock.clone());
        Self::over(folder, clock, self.others.clone(), self.config.clone(), "second", Mail::Closed).await
    }

    async fn over(
        folder: Arc<TempDir>,
        clock: ManualClock,
        others: Arc<Others>,
        config: SagaConfig,
        owner: &str,
        mail: Mail,
    ) -> Self {
        let url = StoreUrl::sqlite_in(folder.path());
        let database = Store::open(&url, "orders", orders::migrations()).await.expect("the database opens");
        let mailbox = match mail {
            Mail::Open => Mailbox::open(&database, "orders", Arc::new(clock.clone())).await,
            Mail::Closed => Ok(Mailbox::closed()),
        };
        let store = Arc::new(SqlStore::new(database, mailbox.expect("the mailbox opens")));
        let double = Arc::new(Double::of(store.clone()));
        let saga = Saga {
            store: double.clone(),
            ports: Ports {
                catalog: others.clone(),
                inventory: others.clone(),
                payments: others.clone(),
                shipping: others.clone(),
            },
            clock: Arc::new(clock.clone()),
            config: Live::fixed(config.clone()),
            owner: owner.to_owned(),
            bell: Bell::default(),
        };
        let service = Arc::new(Service::new(saga.clone(), RandomIds, TaskTracker::new()));
        Self { folder, clock, others, store, double, saga, service, config }
    }

    pub async fn place(&self, ctx: &Context) -> PortResult<Order> {
        self.service.place(ctx, request()).await
    }

    /// Places an order that must be confirmed.
    pub async fn confirmed(&self) -> Order {
        self.place(&ctx()).await.expect("is confirmed")
    }

    /// Places an order in a task of its own.
    pub fn placing(&self, ctx: Context) -> tokio::task::JoinHandle<PortResult<Order>> {
        let service = self.service.clone();
        tokio::spawn(async move { service.place(&ctx, request()).await })
    }

    pub async fn cancel(&self, order_id: OrderId) -> PortResult<Order> {
        self.service.cancel(&ctx(), CancelOrder { order_id }).await
    }

    pub async fn order(&self, order_id: OrderId) -> Order {
        self.service.order(&ctx(), GetOrder { order_id }).await.expect("there is one")
    }

    /// Waits until an order is at this step.
    pub async fn comes_to(&self, step: &str, order_id: OrderId) -> Order {
        let reached = || async { Some(self.order(order_id).await).filter(|order| order.step == step) };
        testkit::eventually(&format!("order {order_id} to be {step}"), PATIENCE, reached).await
    }

    pub async fn timeline(&self, order_id: OrderId) -> Vec<TimelineEntry> {
        self.service.timeline(&ctx(), GetTimeline { order_id }).await.expect("there is one").entries
    }

    /// What moved an order, step by step.
    pub async fn causes(&self, order_id: OrderId) -> Vec<String> {
        self.timeline(order_id).await.into_iter().map(|entry| entry.cause).collect()
    }

    /// Every order there is.
    pub async fn orders(&self) -> Vec<Order> {
        self.service.audit(&ctx(), PageRequest::largest(None)).await.expect("a page").items
    }

    /// Lets so much time pass that every lease has run out.
    pub fn leases_run_out(&self) {
        self.clock.advance(Duration::from_millis(self.config.lease_ms));
    }

    /// Lets so much time pass that every order which messages drive is looked after.
    pub fn resend_is_due(&self) {
        self.clock.advance(Duration::from_millis(self.config.resend_ms));
    }

    /// Changes rows as the store never would.
    pub async fn alter(&self, statement: &'static str) {
        let url = StoreUrl::sqlite_in(self.folder.path());
        let raw = Store::open(&url, "orders", orders::migrations()).await.expect("the database opens");
        let mut tx = raw.begin().await.expect("begins");
        sqlx::query(statement).execute(&mut *tx).await.expect("the statement is sound");
        tx.commit().await.expect("commits");
    }

    /// The order as the saga sees it.
    pub async fn stored_order(&self, id: OrderId) -> StoredOrder {
        self.store.order(id).await.expect("the database answers").expect("there is one")
    }

    /// Looks once for orders that are abandoned when every lease has run out.
    pub async fn recover(&self) {
        self.leases_run_out();
        self.saga.recovery_pass().await.expect("the database answers");
    }

    /// An order that a process which is gone left in `state`, after these calls had happened.
    pub async fn abandoned(&self, state: State, happened: &[Call]) -> OrderId {
        let order = stored(state);
        let lease = Lease { owner: "gone".into(), until: self.clock.now() };
        self.store.order_insert(&order, &first_entry(&order), &lease, None, &[]).await.expect("is stored");
        self.others.happened(order.id, happened);
        order.id
    }
}

/// The circumstances of a call by a patient customer.
pub fn ctx() -> Context {
    Context::background("test", PATIENCE)
}

/// The same, under an idempotency key.
pub fn keyed(key: &str) -> Context {
    ctx().with_key(IdempotencyKey::parse(key).expect("a key"))
}

/// An order of two products, one of them twice.
pub fn request() -> PlaceOrder {
    PlaceOrder {
        customer_id: CustomerId("ada".into()),
        lines: vec![Line { sku: "A-1".into(), quantity: 2 }, Line { sku: "B-2".into(), quantity: 1 }],
        card: CardToken("tok_approve".into()),
        address: address(),
        coordination: None,
        wait_ms: None,
    }
}

fn address() -> Address {
    Address {
        name: "Ada Lovelace".into(),
        street: "Invalidenstr. 117".into(),
        city: "Berlin".into(),
        postal_code: "10115".into(),
        country: "DE".into(),
    }
}

/// A new order in `state`, as the store keeps it.
pub fn stored(state: State) -> StoredOrder {
    let line = PricedLine {
        sku: "A-1".into(),
        name: "A fine A-1".into(),
        quantity: 1,
        unit_price: Money::eur(ports::PRICE),
        weight_grams: 250,
    };
    StoredOrder {
        id: OrderId(Uuid::now_v7()),
        customer_id: CustomerId("ada".into()),
        state,
        early: Vec::new(),
        coordination: contracts::orders::Coordination::Sync,
        lines: vec![line],
        card: CardToken("tok_approve".into()),
        address: address(),
        shipping: Money::eur(ports::SHIPPING),
        total: Money::eur(ports::PRICE + ports::SHIPPING),
        reason: None,
        placed_at: BEGIN,
        updated_at: BEGIN,
        version: 1,
    }
}

/// The first line of the event log of `order`.
pub fn first_entry(order: &StoredOrder) -> TimelineEntry {
    TimelineEntry {
        version: order.version,
        at: order.placed_at,
        from: None,
        to: order.state.name().to_owned(),
        cause: "placed".into(),
        detail: String::new(),
        direction: contracts::orders::Direction::Forward,
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
    }
}

/// What a request was refused with.
pub fn problem<T: std::fmt::Debug>(result: PortResult<T>) -> Problem {
    result.expect_err("is refused").into_problem()
}

/// The order that a problem points at.
pub fn pointed_at(problem: &Problem) -> OrderId {
    let path = problem.resource.as_deref().unwrap_or_else(|| panic!("points at nothing: {problem}"));
    let id = path.strip_prefix("/orders/").expect("the address of an order");
    OrderId::parse("id", id).expect("its id")
}
