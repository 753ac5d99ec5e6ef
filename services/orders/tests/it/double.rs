//! The store as a test sees it: it shows what was said to others, and falls silent if it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::messages::Outgoing;
use contracts::orders::TimelineEntry;
use contracts::{CustomerId, OrderId, Timestamp};
use orders::domain::Driver;
use orders::store::{
    Change, Decide, Inserted, KeyRecord, KnownKey, Lease, OrderStore, Outcome, Receipt, SqlStore,
    StoredOrder, Transition,
};
use parking_lot::Mutex;

use crate::shop::PATIENCE;

/// After which of its commits a store falls silent: it does what it is asked, and loses the connection
/// before it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Insert,
    Transition,
    Change,
}

pub struct Double {
    inner: Arc<SqlStore>,
    silent: Option<After>,
    said: Mutex<Vec<Outgoing>>,
    looks: AtomicUsize,
}

impl Double {
    pub fn of(inner: Arc<SqlStore>) -> Self {
        Self { inner, silent: None, said: Mutex::default(), looks: AtomicUsize::new(0) }
    }

    pub fn silent(inner: Arc<SqlStore>, after: After) -> Self {
        Self { silent: Some(after), ..Self::of(inner) }
    }

    /// What was said since this was last asked for.
    pub fn said(&self) -> Vec<Outgoing> {
        std::mem::take(&mut self.said.lock())
    }

    /// How often somebody looked how an order stands, or what was answered under a key.
    pub fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }

    /// Waits until something was said: a moment after it is stored.
    pub async fn speaks(&self) {
        let spoken = || async { (!self.said.lock().is_empty()).then_some(()) };
        testkit::eventually("something to be said", PATIENCE, spoken).await;
    }

    fn told<T>(&self, what: After, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let value = result?;
        if self.silent == Some(what) {
            return Err(StoreError::Commit(sqlx::Error::WorkerCrashed));
        }
        Ok(value)
    }
}

#[async_trait]
impl OrderStore for Double {
    fn posts(&self) -> bool {
        self.inner.posts()
    }

    async fn order_insert(
        &self,
        order: &StoredOrder,
        entry: &TimelineEntry,
        lease: &Lease,
        key: Option<&KeyRecord>,
        outgoing: &[Outgoing],
    ) -> Result<Inserted, StoreError> {
        let inserted = self.inner.order_insert(order, entry, lease, key, outgoing).await;
        if let Ok(Inserted::New) = &inserted {
            self.said.lock().extend_from_slice(outgoing);
        }
        self.told(After::Insert, inserted)
    }

    async fn order(&self, id: OrderId) -> Result<Option<StoredOrder>, StoreError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.inner.order(id).await
    }

    async fn orders_of(
        &self,
        customer: &CustomerId,
        before: &str,
        limit: u32,
    ) -> Result<Vec<StoredOrder>, StoreError> {
        self.inner.orders_of(customer, before, limit).await
    }

    async fn orders_after(&self, after: &str, limit: u32) -> Result<Vec<StoredOrder>, StoreError> {
        self.inner.orders_after(after, limit).await
    }

    async fn transition(&self, transition: &Transition) -> Result<Outcome, StoreError> {
        let outcome = self.inner.transition(transition).await;
        if let Ok(Outcome::Done) = outcome {
            self.said.lock().extend_from_slice(&transition.outgoing);
        }
        self.told(After::Transition, outcome)
    }

    async fn order_change(
        &self,
        id: OrderId,
        receipt: Option<&Receipt>,
        decide: &Decide<'_>,
    ) -> Result<Change, StoreError> {
        let change = self.inner.order_change(id, receipt, decide).await;
        if let Ok(Change::Made(transition)) = &change {
            self.said.lock().extend_from_slice(&transition.outgoing);
        }
        self.told(After::Change, change)
    }

    async fn lease_take(
        &self,
        id: OrderId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<StoredOrder>, StoreError> {
        self.inner.lease_take(id, lease, now).await
    }

    async fn lease_postpone(
        &self,
        id: OrderId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        self.inner.lease_postpone(id, until, now).await
    }

    async fn orders_overdue(
        &self,
        driver: Driver,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OrderId>, StoreError> {
        self.inner.orders_overdue(driver, now, limit).await
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<TimelineEntry>, StoreError> {
        self.inner.timeline(id).await
    }

    async fn key(&self, key: &KeyRecord) -> Result<Option<KnownKey>, StoreError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.inner.key(key).await
    }

    async fn keys_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner.keys_prune(before, limit).await
    }
}
