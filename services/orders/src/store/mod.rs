//! What orders remember. Each method is one atomic change; [`sql`] keeps it in a database, and the
//! simulation in memory.

mod rows;
mod sql;
mod tx;

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::messages::{MessageId, Outgoing};
use contracts::orders::TimelineEntry;
use contracts::{CustomerId, OrderId, Timestamp};

pub use sql::SqlStore;

use crate::domain::Driver;
pub use crate::domain::StoredOrder;

/// An idempotency key, scoped to a customer and an operation, and what was asked under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Whose.
    pub customer_id: CustomerId,
    /// `orders.place`.
    pub operation: String,
    /// The key.
    pub key: String,
    /// A digest of the request.
    pub fingerprint: String,
}

/// What is known under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// A digest of the request that came first.
    pub fingerprint: String,
    /// The order that it placed.
    pub order_id: OrderId,
    /// What was answered, as JSON; nothing while that is out.
    pub answer: Option<String>,
}

/// A claim to drive an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who.
    pub owner: String,
    /// Until when.
    pub until: Timestamp,
}

/// Whether an order was new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored.
    New,
    /// Nothing is stored: the key was used before.
    KeyKnown(KnownKey),
}

/// What becomes of an order, to be stored and said all at once or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// Which order, as it is afterwards; its version has risen by one with each step.
    pub order: StoredOrder,
    /// What goes into the event log, one a step.
    pub entries: Vec<TimelineEntry>,
    /// Who made the steps and drives on; it has run out where the order now rests.
    pub lease: Lease,
    /// What whoever placed it is told, as JSON, when a step decides that.
    pub answer: Option<String>,
    /// What is said to others.
    pub outgoing: Vec<Outgoing>,
}

impl Transition {
    /// The version that the order must have for the steps to be made.
    pub fn version_before(&self) -> u64 {
        self.order.version.saturating_sub(self.entries.len() as u64)
    }
}

/// A message that a change of an order comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Out of which queue it came.
    pub queue: &'static str,
    /// Which.
    pub message: MessageId,
}

/// Says what becomes of an order that stands so, under this lease; nothing where it stays as it is.
/// Pure: it is called with a transaction open.
pub type Decide<'a> = dyn Fn(&StoredOrder, &Lease) -> Option<Transition> + Send + Sync + 'a;

/// What became of an order that was to be changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// This is stored.
    Made(Box<Transition>),
    /// Nothing was to be changed.
    None,
    /// Nothing is changed: the message was dealt with before.
    ReceivedBefore,
    /// There is no such order.
    NoOrder,
}

/// Whether a conditional change came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Done,
    /// Somebody else was faster, or has taken the order over; nothing changed.
    Lost,
}

/// What orders remember.
#[async_trait]
pub trait OrderStore: Send + Sync + 'static {
    /// Whether what is said to others goes anywhere. Without a broker it does not.
    fn posts(&self) -> bool;

    /// Stores a new order, its first step, its key, and what is said about it, all or nothing.
    async fn order_insert(
        &self,
        order: &StoredOrder,
        entry: &TimelineEntry,
        lease: &Lease,
        key: Option<&KeyRecord>,
        outgoing: &[Outgoing],
    ) -> Result<Inserted, StoreError>;

    /// The order as it stands.
    async fn order(&self, id: OrderId) -> Result<Option<StoredOrder>, StoreError>;

    /// A customer's orders, newest first, at most `limit`, those before `before` (all when empty).
    async fn orders_of(
        &self,
        customer: &CustomerId,
        before: &str,
        limit: u32,
    ) -> Result<Vec<StoredOrder>, StoreError>;

    /// Every order, oldest first, at most `limit`, those after `after`.
    async fn orders_after(&self, after: &str, limit: u32) -> Result<Vec<StoredOrder>, StoreError>;

    /// Stores a step, if the order is still at the version before it, and it rested there or nobody
    /// has taken it over from `lease.owner`.
    async fn transition(&self, transition: &Transition) -> Result<Outcome, StoreError>;

    /// Changes an order as `decide` says about it as it stands, while nobody else can change it; together
    /// with `receipt`, so that a message changes an order once however often it comes.
    async fn order_change(
        &self,
        id: OrderId,
        receipt: Option<&Receipt>,
        decide: &Decide<'_>,
    ) -> Result<Change, StoreError>;

    /// Takes an order that calls drive, that does not rest, and that nobody drives any more, or that
    /// `lease.owner` drives.
    async fn lease_take(
        &self,
        id: OrderId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<StoredOrder>, StoreError>;

    /// Lets a lease that has run out by `now` run until `until`, whoever held it and whatever else the row
    /// says: the row is not read.
    async fn lease_postpone(
        &self,
        id: OrderId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Outcome, StoreError>;

    /// Orders of this kind that do not rest and whose lease has run out, that of the first longest ago.
    async fn orders_overdue(
        &self,
        driver: Driver,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OrderId>, StoreError>;

    /// Every step of an order, oldest first.
    async fn timeline(&self, id: OrderId) -> Result<Vec<TimelineEntry>, StoreError>;

    /// What is known under a key.
    async fn key(&self, key: &KeyRecord) -> Result<Option<KnownKey>, StoreError>;

    /// Forgets keys older than `before`, at most `limit`; says how many.
    async fn keys_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
