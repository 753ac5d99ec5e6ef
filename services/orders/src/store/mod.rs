//! What orders remember. Each method is one atomic change; [`sql`] keeps it in a database, and the
//! simulation in memory.

mod rows;
mod sql;

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::orders::{Coordination, Order, PricedLine, TimelineEntry};
use contracts::payments::CardToken;
use contracts::types::Address;
use contracts::{CustomerId, Money, OrderId, Timestamp};

pub use sql::SqlStore;

use crate::domain::{Reason, State};

/// An order with everything that its saga needs.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredOrder {
    /// Which.
    pub id: OrderId,
    /// Whose.
    pub customer_id: CustomerId,
    /// How far it has come.
    pub state: State,
    /// Who drives it.
    pub coordination: Coordination,
    /// What was ordered.
    pub lines: Vec<PricedLine>,
    /// Who pays.
    pub card: CardToken,
    /// Where to.
    pub address: Address,
    /// What shipping costs.
    pub shipping: Money,
    /// What is to be paid in all.
    pub total: Money,
    /// Why it was not confirmed.
    pub reason: Option<Reason>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Rises by one with each step.
    pub version: u64,
}

impl StoredOrder {
    /// The order as others see it.
    pub fn view(&self) -> Order {
        Order {
            id: self.id,
            customer_id: self.customer_id.clone(),
            status: self.state.status(),
            step: self.state.name().to_owned(),
            coordination: self.coordination,
            lines: self.lines.clone(),
            shipping: self.shipping,
            total: self.total,
            reason: self.reason.as_ref().map(|reason| contracts::orders::Reason {
                code: reason.code.as_str().to_owned(),
                detail: reason.detail.clone(),
            }),
            placed_at: self.placed_at,
            updated_at: self.updated_at,
            version: self.version,
        }
    }
}

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

/// One step of an order, to be stored if nobody else made one first.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// Which order, as it is after the step; its version is one above that before.
    pub order: StoredOrder,
    /// What goes into the event log.
    pub entry: TimelineEntry,
    /// Who made the step and drives on; it has run out where the order now rests.
    pub lease: Lease,
    /// What whoever placed it is told, as JSON, when this step decides that.
    pub answer: Option<String>,
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
    /// Stores a new order, its first step and its key, all or nothing.
    async fn order_insert(
        &self,
        order: &StoredOrder,
        entry: &TimelineEntry,
        lease: &Lease,
        key: Option<&KeyRecord>,
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

    /// Takes an order that does not rest and that nobody drives any more, or that `lease.owner` drives.
    async fn lease_take(
        &self,
        id: OrderId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<StoredOrder>, StoreError>;

    /// Orders that do not rest and that nobody drives any more, longest abandoned first.
    async fn orders_overdue(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError>;

    /// Every step of an order, oldest first.
    async fn timeline(&self, id: OrderId) -> Result<Vec<TimelineEntry>, StoreError>;

    /// What is known under a key.
    async fn key(&self, key: &KeyRecord) -> Result<Option<KnownKey>, StoreError>;

    /// Forgets keys older than `before`, at most `limit`; says how many.
    async fn keys_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
