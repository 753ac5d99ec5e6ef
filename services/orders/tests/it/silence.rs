//! A database that does what it is asked and loses the connection before it says so: what customers
//! are told then.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::orders::{CancelOrder, Orders as _, TimelineEntry};
use contracts::{Code, CustomerId, OrderId, Timestamp};
use orders::saga::Saga;
use orders::service::{RandomIds, Service};
use orders::store::{
    Inserted, KeyRecord, KnownKey, Lease, OrderStore, Outcome, SqlStore, StoredOrder, Transition,
};
use tokio_util::task::TaskTracker;

use crate::others::Holdings;
use crate::shop::{Shop, ctx, keyed, pointed_at, problem, request};

/// After which of its commits a store falls silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Insert,
    Transition,
}

struct SilentStore {
    inner: Arc<SqlStore>,
    after: After,
}

impl SilentStore {
    fn told<T>(&self, what: After, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let value = result?;
        if what == self.after { Err(StoreError::Commit(sqlx::Error::WorkerCrashed)) } else { Ok(value) }
    }
}

#[async_trait]
impl OrderStore for SilentStore {
    async fn order_insert(
        &self,
        order: &StoredOrder,
        entry: &TimelineEntry,
        lease: &Lease,
        key: Option<&KeyRecord>,
    ) -> Result<Inserted, StoreError> {
        self.told(After::Insert, self.inner.order_insert(order, entry, lease, key).await)
    }

    async fn order(&self, id: OrderId) -> Result<Option<StoredOrder>, StoreError> {
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
        self.told(After::Transition, self.inner.transition(transition).await)
    }

    async fn lease_take(
        &self,
        id: OrderId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<StoredOrder>, StoreError> {
        self.inner.lease_take(id, lease, now).await
    }

    async fn orders_overdue(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        self.inner.orders_overdue(now, limit).await
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<TimelineEntry>, StoreError> {
        self.inner.timeline(id).await
    }

    async fn key(&self, key: &KeyRecord) -> Result<Option<KnownKey>, StoreError> {
        self.inner.key(key).await
    }

    async fn keys_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner.keys_prune(before, limit).await
    }
}

/// A process beside that of `shop`, whose database falls silent.
fn silent(shop: &Shop, after: After) -> Service {
    let store = Arc::new(SilentStore { inner: shop.store.clone(), after });
    Service::new(Saga { store, ..shop.saga.clone() }, RandomIds, TaskTracker::new())
}

/// "Try again" would have placed a second order, for recovery finishes the first.
#[tokio::test]
async fn an_order_that_may_be_stored_is_told_as_open_and_finished() {
    for after in [After::Insert, After::Transition] {
        let shop = Shop::open().await;
        let told = problem(silent(&shop, after).place(&keyed("k"), request()).await);
        assert_eq!(told.code, Code::OutcomeUnknown, "{after:?}: {told}");
        let order_id = pointed_at(&told);
        shop.recover().await;
        let order = shop.order(order_id).await;
        assert_eq!(order.step, "confirmed", "{after:?}");
        assert_eq!(shop.others.holdings(order_id), Holdings::CONFIRMED);
        assert_eq!(shop.place(&keyed("k")).await, Ok(order), "{after:?}: whoever comes back is told");
    }
}

#[tokio::test]
async fn a_cancellation_that_may_be_stored_is_told_as_open_and_finished() {
    let shop = Shop::open().await;
    let order_id = shop.confirmed().await.id;
    let told = problem(silent(&shop, After::Transition).cancel(&ctx(), CancelOrder { order_id }).await);
    assert_eq!((told.code, pointed_at(&told)), (Code::OutcomeUnknown, order_id));
    shop.recover().await;
    assert_eq!(shop.order(order_id).await.step, "refunded");
    assert!(shop.others.holdings(order_id).are_empty());
}
