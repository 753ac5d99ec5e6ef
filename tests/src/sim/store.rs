//! Orders' store in memory: every method is one atomic change, as in the database, with what is said and
//! what was heard; the process may die before and after each.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chassis::messaging::Received;
use chassis::store::StoreError;
use contracts::messages::Outgoing;
use contracts::orders::TimelineEntry;
use contracts::{CustomerId, OrderId, Timestamp};
use orders::domain::Driver;
use orders::store::{
    Change, Decide, Inserted, KeyRecord, KnownKey, Lease, OrderStore, Outcome, Receipt, StoredOrder,
    Transition,
};
use parking_lot::Mutex;

use super::Bug;
use super::messaging::Mailbox;
use super::world::Station;

/// What survives the process.
pub struct Disk {
    tables: Mutex<Tables>,
    /// What is said about orders, and what was heard.
    pub mailbox: Arc<Mailbox>,
}

impl Disk {
    /// An empty one.
    pub fn new(mailbox: Mailbox) -> Self {
        Self { tables: Mutex::default(), mailbox: Arc::new(mailbox) }
    }

    /// Every order, as it stands.
    pub fn orders(&self) -> Vec<StoredOrder> {
        self.tables.lock().orders.values().map(|(order, _)| order.clone()).collect()
    }
}

#[derive(Default)]
struct Tables {
    orders: BTreeMap<OrderId, (StoredOrder, Lease)>,
    timelines: BTreeMap<OrderId, Vec<TimelineEntry>>,
    keys: BTreeMap<(String, String, String), KnownKey>,
}

/// The disk as one life of the process sees it.
pub struct MemoryStore {
    /// Whose it is.
    pub station: Station,
    /// What survives.
    pub disk: Arc<Disk>,
}

impl MemoryStore {
    async fn atomically<T>(&self, name: &str, change: impl FnOnce(&mut Tables) -> T) -> T {
        self.station.point(name).await;
        let result = change(&mut self.disk.tables.lock());
        self.station.point(name).await;
        result
    }

    /// The same for a change with which something is said: what, `outgoing` finds in its result.
    async fn saying<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Tables) -> T,
        outgoing: impl Fn(&T) -> Vec<Outgoing>,
    ) -> T {
        let late = self.has(Bug::OutboxOutsideTransaction);
        let post = |result: &T| self.disk.mailbox.post(outgoing(result));
        let result = self
            .atomically(name, |tables| {
                let result = change(tables);
                if !late {
                    post(&result);
                }
                result
            })
            .await;
        if late {
            post(&result);
        }
        result
    }

    fn has(&self, bug: Bug) -> bool {
        self.station.world.has(bug)
    }

    fn note(&self, transition: &Transition) {
        let id = transition.order.id;
        for entry in &transition.entries {
            self.station.world.note(|| format!("order {id} is {} after {}", entry.to, entry.cause));
        }
    }
}

fn key_of(record: &KeyRecord) -> (String, String, String) {
    (record.customer_id.0.clone(), record.operation.clone(), record.key.clone())
}

impl Tables {
    /// Writes what `transition` makes of its order.
    fn apply(&mut self, transition: &Transition) {
        let Transition { order, entries, lease, answer, .. } = transition;
        self.orders.insert(order.id, (order.clone(), lease.clone()));
        self.timelines.entry(order.id).or_default().extend(entries.iter().cloned());
        if answer.is_some() {
            let mine = self.keys.values_mut().filter(|known| known.order_id == order.id);
            mine.filter(|known| known.answer.is_none()).for_each(|known| known.answer.clone_from(answer));
        }
    }
}

#[async_trait]
impl OrderStore for MemoryStore {
    fn posts(&self) -> bool {
        true
    }

    async fn order_insert(
        &self,
        order: &StoredOrder,
        entry: &TimelineEntry,
        lease: &Lease,
        key: Option<&KeyRecord>,
        outgoing: &[Outgoing],
    ) -> Result<Inserted, StoreError> {
        let key = key.filter(|_| !self.has(Bug::ForgottenKey));
        let insert = |tables: &mut Tables| {
            if let Some(record) = key {
                if let Some(known) = tables.keys.get(&key_of(record)) {
                    return Inserted::KeyKnown(known.clone());
                }
                let known =
                    KnownKey { fingerprint: record.fingerprint.clone(), order_id: order.id, answer: None };
                tables.keys.insert(key_of(record), known);
            }
            tables.orders.insert(order.id, (order.clone(), lease.clone()));
            tables.timelines.insert(order.id, vec![entry.clone()]);
            Inserted::New
        };
        let said = |inserted: &Inserted| match inserted {
            Inserted::New => outgoing.to_vec(),
            Inserted::KeyKnown(_) => Vec::new(),
        };
        Ok(self.saying("order_insert", insert, said).await)
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
        let disk = self.disk.tables.lock();
        let orders = disk.orders.values().rev().map(|(order, _)| order);
        let theirs = orders.filter(|order| order.customer_id == *customer);
        let earlier = theirs.filter(|order| before.is_empty() || order.id.to_string().as_str() < before);
        Ok(earlier.take(limit as usize).cloned().collect())
    }

    async fn orders_after(&self, after: &str, limit: u32) -> Result<Vec<StoredOrder>, StoreError> {
        let disk = self.disk.tables.lock();
        let orders = disk.orders.values().map(|(order, _)| order);
        let later = orders.filter(|order| order.id.to_string().as_str() > after);
        Ok(later.take(limit as usize).cloned().collect())
    }

    async fn transition(&self, transition: &Transition) -> Result<Outcome, StoreError> {
        let careless = self.has(Bug::NoCompareAndSet);
        let write = |tables: &mut Tables| {
            let order = &transition.order;
            let Some((stands, held)) = tables.orders.get(&order.id) else { return Outcome::Lost };
            let fenced = !stands.state.rests() && held.owner != transition.lease.owner;
            if !careless && (fenced || stands.version != transition.version_before()) {
                return Outcome::Lost;
            }
            tables.apply(transition);
            self.note(transition);
            Outcome::Done
        };
        let said = |outcome: &Outcome| match outcome {
            Outcome::Done => transition.outgoing.clone(),
            Outcome::Lost => Vec::new(),
        };
        Ok(self.saying("transition", write, said).await)
    }

    async fn order_change(
        &self,
        id: OrderId,
        receipt: Option<&Receipt>,
        decide: &Decide<'_>,
    ) -> Result<Change, StoreError> {
        let write = |tables: &mut Tables| {
            let Some((stands, held)) = tables.orders.get(&id) else { return Change::NoOrder };
            let received = receipt.map(|receipt| self.disk.mailbox.receive(receipt.queue, receipt.message));
            if received == Some(Received::Again) {
                return Change::ReceivedBefore;
            }
            let Some(mut transition) = decide(stands, held) else { return Change::None };
            if self.has(Bug::EarlyForgotten) {
                transition.order.early.clear();
            }
            tables.apply(&transition);
            self.note(&transition);
            Change::Made(Box::new(transition))
        };
        let said = |change: &Change| match change {
            Change::Made(transition) => transition.outgoing.clone(),
            _ => Vec::new(),
        };
        Ok(self.saying("order_change", write, said).await)
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
                let free = held.until <= now || held.owner == lease.owner;
                if order.driver() != Driver::Calls || order.state.rests() || !free {
                    return None;
                }
                *held = lease.clone();
                Some(order.clone())
            })
            .await)
    }

    async fn lease_postpone(
        &self,
        id: OrderId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        Ok(self
            .atomically("lease_postpone", |tables| match tables.orders.get_mut(&id) {
                Some((order, held)) if !order.state.rests() && held.until <= now => {
                    held.until = until;
                    Outcome::Done
                }
                _ => Outcome::Lost,
            })
            .await)
    }

    async fn orders_overdue(
        &self,
        driver: Driver,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OrderId>, StoreError> {
        Ok(self
            .atomically("orders_overdue", |tables| {
                let under_way = tables.orders.values().filter(|(order, _)| !order.state.rests());
                let driven = under_way.filter(|(order, _)| order.driver() == driver);
                let overdue = driven.filter(|(_, lease)| lease.until <= now);
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
