//! The orders' tables, on SQLite and PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::{Mailbox, Received};
use chassis::store::{Dialect, Store, StoreError, commit};
use contracts::error::chain;
use contracts::messages::Outgoing;
use contracts::orders::TimelineEntry;
use contracts::{CustomerId, OrderId, Timestamp};
use sqlx::{Any, Transaction as Tx};

use super::rows::{id, known_key, lease, order, timeline_entry};
use super::tx::{entry_insert_in_tx, key_insert_in_tx, log_in_tx, order_insert_in_tx, order_update_in_tx};
use super::{
    Change, Decide, Inserted, KeyRecord, KnownKey, Lease, OrderStore, Outcome, Receipt, StoredOrder,
    Transition,
};
use crate::domain::Driver;

/// A statement that reads orders.
macro_rules! select_orders {
    ($which:literal) => {
        concat!(
            "SELECT id, customer_id, state, early, coordination, lines, card, address, currency, shipping, total, \
             reason, placed_at, updated_at, version, lease_owner, lease_until FROM orders_orders ",
            $which
        )
    };
}

/// How long an order is left out of the line of the overdue where even its id cannot be read.
const NAMELESS: Duration = Duration::from_secs(60);

/// Orders in a database, with the messages about them.
#[derive(Debug, Clone)]
pub struct SqlStore {
    store: Store,
    mailbox: Mailbox,
}

impl SqlStore {
    /// Orders in `store`, which has this crate's migrations, with an outbox and inbox in the same database.
    pub fn new(store: Store, mailbox: Mailbox) -> Self {
        Self { store, mailbox }
    }

    /// Ends a transaction that posted `outgoing`.
    async fn commit(&self, tx: Tx<'static, Any>, outgoing: &[Outgoing]) -> Result<(), StoreError> {
        commit(tx).await?;
        if !outgoing.is_empty() {
            self.mailbox.posted();
        }
        Ok(())
    }

    /// By the id as it is written, which may be none.
    async fn lease_postpone_of(
        &self,
        id: String,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let mut tx = self.store.begin().await?;
        let postponed = sqlx::query(
            "UPDATE orders_orders SET lease_until = $1 WHERE id = $2 AND resting = 0 AND lease_until <= $3",
        )
        .bind(until.0)
        .bind(id)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        commit(tx).await?;
        Ok(if postponed.rows_affected() == 0 { Outcome::Lost } else { Outcome::Done })
    }

    /// The id of an overdue order; nothing where it is none, and then it is out of the line for a while.
    async fn overdue(&self, text: String, now: Timestamp) -> Result<Option<OrderId>, StoreError> {
        let cause = match id(text.clone()) {
            Ok(id) => return Ok(Some(id)),
            Err(error) => chain(&error),
        };
        if self.lease_postpone_of(text.clone(), now.plus(NAMELESS), now).await? == Outcome::Done {
            tracing::error!(id = text, error = cause, "an order under way has the id {text:?}: {cause}");
        }
        Ok(None)
    }
}

#[async_trait]
impl OrderStore for SqlStore {
    fn posts(&self) -> bool {
        self.mailbox.is_open()
    }

    async fn order_insert(
        &self,
        order: &StoredOrder,
        entry: &TimelineEntry,
        lease: &Lease,
        key: Option<&KeyRecord>,
        outgoing: &[Outgoing],
    ) -> Result<Inserted, StoreError> {
        let mut tx = self.store.begin().await?;
        // the key first: where it is known nothing else may be written, and on PostgreSQL a twin that
        // is writing the same key right now is waited for here
        if let Some(record) = key
            && !key_insert_in_tx(&mut tx, record, order).await?
        {
            drop(tx);
            return match self.key(record).await? {
                Some(known) => Ok(Inserted::KeyKnown(known)),
                None => Err(StoreError::Corrupt("a key was known and is no more".into())),
            };
        }
        order_insert_in_tx(&mut tx, order, lease).await?;
        entry_insert_in_tx(&mut tx, order.id, entry).await?;
        self.mailbox.post_in_tx(&mut tx, outgoing).await?;
        self.commit(tx, outgoing).await?;
        Ok(Inserted::New)
    }

    async fn order(&self, id: OrderId) -> Result<Option<StoredOrder>, StoreError> {
        let row = sqlx::query(select_orders!("WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(self.store.read())
            .await?;
        row.as_ref().map(order).transpose()
    }

    async fn orders_of(
        &self,
        customer: &CustomerId,
        before: &str,
        limit: u32,
    ) -> Result<Vec<StoredOrder>, StoreError> {
        let rows = sqlx::query(select_orders!(
            "WHERE customer_id = $1 AND ($2 = '' OR id < $3) ORDER BY id DESC LIMIT $4"
        ))
        .bind(customer.0.clone())
        .bind(before.to_owned())
        .bind(before.to_owned())
        .bind(i64::from(limit))
        .fetch_all(self.store.read())
        .await?;
        rows.iter().map(order).collect()
    }

    async fn orders_after(&self, after: &str, limit: u32) -> Result<Vec<StoredOrder>, StoreError> {
        let rows = sqlx::query(select_orders!("WHERE id > $1 ORDER BY id LIMIT $2"))
            .bind(after.to_owned())
            .bind(i64::from(limit))
            .fetch_all(self.store.read())
            .await?;
        rows.iter().map(order).collect()
    }

    async fn transition(&self, transition: &Transition) -> Result<Outcome, StoreError> {
        let mut tx = self.store.begin().await?;
        if order_update_in_tx(&mut tx, transition, &transition.lease.owner).await? == Outcome::Lost {
            return Ok(Outcome::Lost);
        }
        log_in_tx(&mut tx, transition).await?;
        self.mailbox.post_in_tx(&mut tx, &transition.outgoing).await?;
        self.commit(tx, &transition.outgoing).await?;
        Ok(Outcome::Done)
    }

    async fn order_change(
        &self,
        id: OrderId,
        receipt: Option<&Receipt>,
        decide: &Decide<'_>,
    ) -> Result<Change, StoreError> {
        let mut tx = self.store.begin().await?;
        // on SQLite this transaction is the only one that writes
        let row = sqlx::query(match self.store.dialect() {
            Dialect::Sqlite => select_orders!("WHERE id = $1"),
            Dialect::Postgres => select_orders!("WHERE id = $1 FOR UPDATE"),
        })
        .bind(id.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(Change::NoOrder) };
        if let Some(receipt) = receipt
            && self.mailbox.receive_in_tx(&mut tx, receipt.queue, receipt.message).await? == Received::Again
        {
            return Ok(Change::ReceivedBefore);
        }
        let (stands, held) = (order(&row)?, lease(&row)?);
        let Some(transition) = decide(&stands, &held) else {
            // that the message was dealt with is worth noting all the same
            commit(tx).await?;
            return Ok(Change::None);
        };
        if order_update_in_tx(&mut tx, &transition, &held.owner).await? == Outcome::Lost {
            return Err(StoreError::Corrupt(format!("order {id} was to skip or repeat a version")));
        }
        log_in_tx(&mut tx, &transition).await?;
        self.mailbox.post_in_tx(&mut tx, &transition.outgoing).await?;
        self.commit(tx, &transition.outgoing).await?;
        Ok(Change::Made(Box::new(transition)))
    }

    async fn lease_take(
        &self,
        id: OrderId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Option<StoredOrder>, StoreError> {
        let mut tx = self.store.begin().await?;
        let taken = sqlx::query(
            "UPDATE orders_orders SET lease_owner = $1, lease_until = $2
             WHERE id = $3 AND resting = 0 AND coordination = 'sync' AND (lease_until <= $4 OR lease_owner = $5)",
        )
        .bind(lease.owner.clone())
        .bind(lease.until.0)
        .bind(id.to_string())
        .bind(now.0)
        .bind(lease.owner.clone())
        .execute(&mut *tx)
        .await?;
        if taken.rows_affected() == 0 {
            return Ok(None);
        }
        let row = sqlx::query(select_orders!("WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(&mut *tx)
            .await?;
        commit(tx).await?;
        row.as_ref().map(order).transpose()
    }

    async fn lease_postpone(
        &self,
        id: OrderId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        self.lease_postpone_of(id.to_string(), until, now).await
    }

    async fn orders_overdue(
        &self,
        driver: Driver,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OrderId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(match driver {
            Driver::Calls => {
                "SELECT id FROM orders_orders
                 WHERE resting = 0 AND lease_until <= $1 AND coordination = 'sync' ORDER BY lease_until LIMIT $2"
            }
            Driver::Messages => {
                "SELECT id FROM orders_orders
                 WHERE resting = 0 AND lease_until <= $1 AND coordination <> 'sync' ORDER BY lease_until LIMIT $2"
            }
        })
        .bind(now.0)
        .bind(i64::from(limit))
        .fetch_all(self.store.read())
        .await?;
        let mut overdue = Vec::with_capacity(ids.len());
        for text in ids {
            overdue.extend(self.overdue(text, now).await?);
        }
        Ok(overdue)
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<TimelineEntry>, StoreError> {
        let rows = sqlx::query(
            "SELECT version, at, from_state, to_state, cause, detail, direction, trace_id
             FROM orders_timeline WHERE order_id = $1 ORDER BY version",
        )
        .bind(id.to_string())
        .fetch_all(self.store.read())
        .await?;
        rows.iter().map(timeline_entry).collect()
    }

    async fn key(&self, key: &KeyRecord) -> Result<Option<KnownKey>, StoreError> {
        let row = sqlx::query(
            "SELECT fingerprint, order_id, answer FROM orders_keys
             WHERE customer_id = $1 AND operation = $2 AND key = $3",
        )
        .bind(key.customer_id.0.clone())
        .bind(key.operation.clone())
        .bind(key.key.clone())
        .fetch_optional(self.store.read())
        .await?;
        row.as_ref().map(known_key).transpose()
    }

    async fn keys_prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut tx = self.store.begin().await?;
        // a key without an answer belongs to an order under way, and is kept
        let pruned = sqlx::query(
            "DELETE FROM orders_keys WHERE (customer_id, operation, key) IN (
                 SELECT customer_id, operation, key FROM orders_keys
                 WHERE created_at < $1 AND answer IS NOT NULL ORDER BY created_at LIMIT $2)",
        )
        .bind(before.0)
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?;
        commit(tx).await?;
        Ok(pruned.rows_affected())
    }
}
