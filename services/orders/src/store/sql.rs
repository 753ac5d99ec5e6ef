//! The orders' tables, on SQLite and PostgreSQL.

use async_trait::async_trait;
use chassis::store::{Store, StoreError, commit};
use contracts::orders::TimelineEntry;
use contracts::{CustomerId, OrderId, Timestamp};
use sqlx::{Any, Transaction as Tx};

use super::rows::{id, known_key, order, timeline_entry, to_json, to_word};
use super::{Inserted, KeyRecord, KnownKey, Lease, OrderStore, Outcome, StoredOrder, Transition};

/// Orders in a database.
#[derive(Debug, Clone)]
pub struct SqlStore {
    store: Store,
}

impl SqlStore {
    /// Orders in `store`, which has this crate's migrations.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl OrderStore for SqlStore {
    async fn order_insert(
        &self,
        order: &StoredOrder,
        entry: &TimelineEntry,
        lease: &Lease,
        key: Option<&KeyRecord>,
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
        commit(tx).await?;
        Ok(Inserted::New)
    }

    async fn order(&self, id: OrderId) -> Result<Option<StoredOrder>, StoreError> {
        let row = sqlx::query("SELECT * FROM orders_orders WHERE id = $1")
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
        let rows = sqlx::query(
            "SELECT * FROM orders_orders WHERE customer_id = $1 AND ($2 = '' OR id < $3) ORDER BY id DESC LIMIT $4",
        )
        .bind(customer.0.clone())
        .bind(before.to_owned())
        .bind(before.to_owned())
        .bind(i64::from(limit))
        .fetch_all(self.store.read())
        .await?;
        rows.iter().map(order).collect()
    }

    async fn orders_after(&self, after: &str, limit: u32) -> Result<Vec<StoredOrder>, StoreError> {
        let rows = sqlx::query("SELECT * FROM orders_orders WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after.to_owned())
            .bind(i64::from(limit))
            .fetch_all(self.store.read())
            .await?;
        rows.iter().map(order).collect()
    }

    async fn transition(&self, transition: &Transition) -> Result<Outcome, StoreError> {
        let Transition { order, entry, lease, answer } = transition;
        let mut tx = self.store.begin().await?;
        // the lease fences the step: a driver who was so slow that another took the order over knows
        // too little to decide anything, though the version may still be the one it began with
        let changed = sqlx::query(
            "UPDATE orders_orders
             SET state = $1, status = $2, resting = $3, reason = $4, updated_at = $5, version = $6,
                 lease_owner = $7, lease_until = $8
             WHERE id = $9 AND version = $10 AND (resting = 1 OR lease_owner = $11)",
        )
        .bind(to_json(&order.state)?)
        .bind(to_word(&order.state.status())?)
        .bind(i32::from(order.state.rests()))
        .bind(order.reason.as_ref().map(to_json).transpose()?)
        .bind(order.updated_at.0)
        .bind(order.version as i64)
        .bind(lease.owner.clone())
        .bind(lease.until.0)
        .bind(order.id.to_string())
        .bind(order.version as i64 - 1)
        .bind(lease.owner.clone())
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(Outcome::Lost);
        }
        entry_insert_in_tx(&mut tx, order.id, entry).await?;
        if let Some(answer) = answer {
            // the first answer stands, whatever becomes of the order later
            sqlx::query("UPDATE orders_keys SET answer = $1 WHERE order_id = $2 AND answer IS NULL")
                .bind(answer.clone())
                .bind(order.id.to_string())
                .execute(&mut *tx)
                .await?;
        }
        commit(tx).await?;
        Ok(Outcome::Done)
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
             WHERE id = $3 AND resting = 0 AND (lease_until <= $4 OR lease_owner = $5)",
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
        let row = sqlx::query("SELECT * FROM orders_orders WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut *tx)
            .await?;
        commit(tx).await?;
        row.as_ref().map(order).transpose()
    }

    async fn orders_overdue(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM orders_orders WHERE resting = 0 AND lease_until <= $1 ORDER BY lease_until LIMIT $2",
        )
        .bind(now.0)
        .bind(i64::from(limit))
        .fetch_all(self.store.read())
        .await?;
        ids.into_iter().map(id).collect()
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<TimelineEntry>, StoreError> {
        let rows = sqlx::query("SELECT * FROM orders_timeline WHERE order_id = $1 ORDER BY version")
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

/// Whether the key was new.
async fn key_insert_in_tx(
    tx: &mut Tx<'_, Any>,
    record: &KeyRecord,
    order: &StoredOrder,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO orders_keys (customer_id, operation, key, fingerprint, order_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(record.customer_id.0.clone())
    .bind(record.operation.clone())
    .bind(record.key.clone())
    .bind(record.fingerprint.clone())
    .bind(order.id.to_string())
    .bind(order.placed_at.0)
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn order_insert_in_tx(
    tx: &mut Tx<'_, Any>,
    order: &StoredOrder,
    lease: &Lease,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO orders_orders (id, customer_id, state, status, resting, coordination, lines, card, address,
             currency, shipping, total, reason, placed_at, updated_at, version, lease_owner, lease_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $13, $14, $15, $16, $17)",
    )
    .bind(order.id.to_string())
    .bind(order.customer_id.0.clone())
    .bind(to_json(&order.state)?)
    .bind(to_word(&order.state.status())?)
    .bind(i32::from(order.state.rests()))
    .bind(to_word(&order.coordination)?)
    .bind(to_json(&order.lines)?)
    .bind(order.card.0.clone())
    .bind(to_json(&order.address)?)
    .bind(order.total.currency.as_str())
    .bind(order.shipping.amount)
    .bind(order.total.amount)
    .bind(order.placed_at.0)
    .bind(order.updated_at.0)
    .bind(order.version as i64)
    .bind(lease.owner.clone())
    .bind(lease.until.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn entry_insert_in_tx(
    tx: &mut Tx<'_, Any>,
    order_id: OrderId,
    entry: &TimelineEntry,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO orders_timeline (order_id, version, at, from_state, to_state, cause, detail, direction, trace_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(order_id.to_string())
    .bind(entry.version as i64)
    .bind(entry.at.0)
    .bind(entry.from.clone())
    .bind(entry.to.clone())
    .bind(entry.cause.clone())
    .bind(entry.detail.clone())
    .bind(to_word(&entry.direction)?)
    .bind(entry.trace_id.clone())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
