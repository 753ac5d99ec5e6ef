//! Orders' store in memory: every method is one atomic change, as in the database, and the process may
//! die before and after each.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::orders::TimelineEntry;
use contracts::{CustomerId, OrderId, Timestamp};
use orders::store::{Inserted, KeyRecord, KnownKey, Lease, OrderStore, Outcome, StoredOrder, Transition};
use parking_lot::Mutex;

use super::Bug;
use super::world::{Life, World};

/// What survives the process.
#[derive(Default)]
pub struct Disk(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    orders: BTreeMap<OrderId, (StoredOrder, Lease)>,
    timelines: BTreeMap<OrderId, Vec<TimelineEntry>>,
    keys: BTreeMap<(String, String, String), KnownKey>,
}

/// The disk as one life of the process sees it.
pub struct MemoryStore {
    /// The world it is in.
    pub world: Arc<World>,
    /// Whose it is.
    pub life: Life,
    /// What survives.
    pub disk: Arc<Disk>,
    /// The mistake that is planted.
    pub bug: Option<Bug>,
}

impl MemoryStore {
    async fn atomically<T>(&self, name: &str, change: impl FnOnce(&mut Tables) -> T) -> T {
        self.world.point(self.life, name).await;
        let result = change(&mut self.disk.0.lock());
        self.world.point(self.life, name).await;
        result
    }
}

fn key_of(record: &KeyRecord) -> (String, String, String) {
    (record.customer_id.0.clone(), record.operation.clone(), record.key.clone())
}

#[async_trait]
impl OrderStore for MemoryStore {
    async fn order_insert(
        &self,
        order: &StoredOrder,
        entry: &TimelineEntry,
        lease: &Lease,
        key: Option<&KeyRecord>,
    ) -> Result<Inserted, StoreError> {
        let key = key.filter(|_| self.bug != Some(Bug::ForgottenKey));
        Ok(self
            .atomically("order_insert", |tables| {
                if let Some(record) = key {
                    if let Some(known) = tables.keys.get(&key_of(record)) {
                        return Inserted::KeyKnown(known.clone());
                    }
                    let known = KnownKey {
                        fingerprint: record.fingerprint.clone(),
                        order_id: order.id,
                        answer: None,
                    };
                    tables.keys.insert(key_of(record), known);
                }
                tables.orders.insert(order.id, (order.clone(), lease.clone()));
                tables.timelines.insert(order.id, vec![entry.clone()]);
                Inserted::New
            })
            .await)
    }

    async fn order(&self, id: OrderId) -> Result<Option<StoredOrder>, StoreError> {
        Ok(self.atomically("order", |tables| tables.orders.get(&id).map(|(order, _)| order.clone())).await)
    }

    async fn orders_of(
        &self,
        customer: &CustomerId,
        before: &str,
        limit: u32,
    ) -> Result<Vec<StoredOrder>, StoreError> {
        let disk = self.disk.0.lock();
        let orders = disk.orders.values().rev().map(|(order, _)| order);
        let theirs = orders.filter(|order| order.customer_id == *customer);
        let earlier = theirs.filter(|order| before.is_empty() || order.id.to_string().as_str() < before);
        Ok(earlier.take(limit as usize).cloned().collect())
    }

    async fn orders_after(&self, after: &str, limit: u32) -> Result<Vec<StoredOrder>, StoreError> {
        let disk = self.disk.0.lock();
        let orders = disk.orders.values().map(|(order, _)| order);
        let later = orders.filter(|order| order.id.to_string().as_str() > after);
        Ok(later.take(limit as usize).cloned().collect())
    }

    async fn transition(&self, transition: &Transition) -> Result<Outcome, StoreError> {
        let careless = self.bug == Some(Bug::NoCompareAndSet);
        let Transition { order, entry, lease, answer } = transition;
        let outcome = self
            .atomically("transition", |tables| {
                let Some((stands, held)) = tables.orders.get(&order.id) else { return Outcome::Lost };
                let fenced = !stands.state.rests() && held.owner != lease.owner;
                if !careless && (fenced || stands.version + 1 != order.version) {
                    return Outcome::Lost;
                }
                tables.orders.insert(order.id, (order.clone(), lease.clone()));
                tables.timelines.entry(order.id).or_default().push(entry.clone());
                if answer.is_some() {
                    let mine = tables.keys.values_mut().filter(|known| known.order_id == order.id);
                    mine.filter(|known| known.answer.is_none())
                        .for_each(|known| known.answer.clone_from(answer));
                }
                Outcome::Done
            })
            .await;
        if outcome == Outcome::Done {
            self.world.note(|| format!("order {} is {} after {}", order.id, order.state.name(), entry.cause));
        }
        Ok(outcome)
    }

    async fn lease_take(
        &self,
        id: OrderId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<StoredOrder>, StoreError> {
        Ok(self
            .atomically("lease_take", |tables| {
                let (order, held) = tables.orders.get_mut(&id)?;
                if order.state.rests() || (held.until > now && held.owner != lease.owner) {
                    return None;
                }
                *held = lease.clone();
                Some(order.clone())
            })
            .await)
    }

    async fn orders_overdue(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        Ok(self
            .atomically("orders_overdue", |tables| {
                let overdue = tables
                    .orders
                    .values()
                    .filter(|(order, lease)| !order.state.rests() && lease.until <= now);
                overdue.take(limit as usize).map(|(order, _)| order.id).collect()
            })
            .await)
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<TimelineEntry>, StoreError> {
        Ok(self.atomically("timeline", |tables| tables.timelines.get(&id).cloned().unwrap_or_default()).await)
    }

    async fn key(&self, key: &KeyRecord) -> Result<Option<KnownKey>, StoreError> {
        Ok(self.atomically("key", |tables| tables.keys.get(&key_of(key)).cloned()).await)
    }

    async fn keys_prune(&self, _: Timestamp, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}
