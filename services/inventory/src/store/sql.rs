//! Accounts and claims in SQL, on SQLite and PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::Mailbox;
use chassis::store::{Store, StoreError};
use contracts::inventory::{Reservation, ReservationStatus, ReserveStock, StockAccount, StockLevel};
use contracts::messages::Origin;
use contracts::types::Line;
use contracts::{OrderId, Sku, Timestamp};

use super::rows::{self, AccountRow, ClaimRow, LevelRow};
use super::tx::{Inserted, Occasion, Tx, json, twin};
use super::{InventoryStore, Settled};
use crate::domain::{self, Refusal, Shortage, Verdict};

/// The store that the service runs on.
#[derive(Debug, Clone)]
pub struct SqlStore {
    db: Store,
    mailbox: Mailbox,
}

impl SqlStore {
    /// On a database whose tables are up to date: see [`crate::migrations`]. What becomes true is told
    /// through `mailbox`.
    pub fn new(db: Store, mailbox: Mailbox) -> Self {
        Self { db, mailbox }
    }

    /// Lets `decide` judge the claim of an order, and does what it says.
    async fn claim_settle(
        &self,
        order: OrderId,
        occasion: Occasion<'_>,
        decide: impl FnOnce(&Reservation) -> Verdict + Send,
    ) -> Result<Settled, StoreError> {
        let mut tx = Tx::begin(&self.db, &self.mailbox).await?;
        let settled = match tx.claim_lock(order).await? {
            Some(kept) => {
                let verdict = decide(&kept.claim);
                tx.claim_apply(kept, verdict, occasion).await?
            }
            None => Settled::unmoved(Err(Refusal::NoClaim)),
        };
        tx.commit().await?;
        Ok(settled)
    }

    /// Writes down that the goods of an order could not be set aside, and says so: see
    /// [`domain::is_remembered`].
    ///
    /// What was set aside before the shortage showed has been rolled back, and the claim with it, so this is
    /// a transaction of its own, and in between somebody who works on the same message may have been luckier.
    /// Whoever wrote first is right, and the other one says the same.
    async fn claim_refuse(
        &self,
        request: &ReserveStock,
        refusal: Refusal,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Settled, StoreError> {
        let order = request.order_id;
        let mut tx = Tx::begin(&self.db, &self.mailbox).await?;
        if tx.claim_insert(&domain::tombstone(order, now), origin).await? == Inserted::WasThere {
            return reserve_again(tx, request, origin).await;
        }
        tx.tell_refused(order, &refusal, origin, now);
        tx.commit().await?;
        Ok(Settled::unmoved(Err(refusal)))
    }
}

/// What is answered to a `reserve` whose order has a claim; ends the transaction that found it.
async fn reserve_again(mut tx: Tx, request: &ReserveStock, origin: &Origin) -> Result<Settled, StoreError> {
    let seen = tx.claim_lock_present(request.order_id).await?.claim;
    tx.rollback().await?;
    Ok(Settled::unmoved(domain::repeat(&seen, &request.lines, origin.coordination).map(|()| seen)))
}

#[async_trait]
impl InventoryStore for SqlStore {
    async fn stock_seed(&self, stock: &[Line]) -> Result<u64, StoreError> {
        let statement = twin(
            self.db.dialect(),
            // without the WHERE SQLite would read ON CONFLICT as part of a join
            "INSERT INTO inventory_stock (sku, initial, available, reserved, sold, version) \
             SELECT json_extract(value, '$.sku'), json_extract(value, '$.quantity'), \
             json_extract(value, '$.quantity'), 0, 0, 1 \
             FROM json_each($1) WHERE true ON CONFLICT (sku) DO NOTHING",
            "INSERT INTO inventory_stock (sku, initial, available, reserved, sold, version) \
             SELECT sku, quantity, quantity, 0, 0, 1 \
             FROM json_to_recordset($1::json) AS line (sku TEXT, quantity BIGINT) \
             ON CONFLICT (sku) DO NOTHING",
        );
        let mut tx = self.db.begin().await?;
        let done = sqlx::query(statement).bind(json("stock", stock)?).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    async fn level_get(&self, sku: &Sku) -> Result<Option<StockLevel>, StoreError> {
        let row: Option<LevelRow> =
            sqlx::query_as("SELECT sku, available, reserved, version FROM inventory_stock WHERE sku = $1")
                .bind(&*sku.0)
                .fetch_optional(self.db.read())
                .await?;
        row.map(rows::level).transpose()
    }

    async fn level_list(&self, skus: &[Sku]) -> Result<Vec<StockLevel>, StoreError> {
        let statement = twin(
            self.db.dialect(),
            "SELECT sku, available, reserved, version FROM inventory_stock \
             WHERE sku IN (SELECT value FROM json_each($1))",
            "SELECT sku, available, reserved, version FROM inventory_stock \
             WHERE sku IN (SELECT json_array_elements_text($1::json))",
        );
        let found: Vec<LevelRow> =
            sqlx::query_as(statement).bind(json("skus", skus)?).fetch_all(self.db.read()).await?;
        found.into_iter().map(rows::level).collect()
    }

    async fn claim_get(&self, order: OrderId) -> Result<Option<Reservation>, StoreError> {
        let row: Option<ClaimRow> = sqlx::query_as(
            "SELECT order_id, status, lines, expires_at FROM inventory_claims WHERE order_id = $1",
        )
        .bind(order.to_string())
        .fetch_optional(self.db.read())
        .await?;
        row.map(rows::claim).transpose()
    }

    async fn claim_reserve(
        &self,
        request: &ReserveStock,
        now: Timestamp,
        ttl: Duration,
        origin: &Origin,
    ) -> Result<Settled, StoreError> {
        let claim = Reservation {
            order_id: request.order_id,
            status: ReservationStatus::Reserved,
            lines: request.lines.clone(),
            expires_at: now.plus(ttl),
        };
        let mut tx = Tx::begin(&self.db, &self.mailbox).await?;
        if tx.claim_insert(&claim, origin).await? == Inserted::WasThere {
            return reserve_again(tx, request, origin).await;
        }
        let (mut moved, mut shortages) = (Vec::new(), Vec::new());
        for line in domain::by_sku(&claim.lines) {
            match tx.line_reserve(line).await? {
                Ok(level) => moved.push(level),
                Err(left) => shortages.push(shortage(&claim.lines, line, left)),
            }
        }
        if let Some(refusal) = Refusal::of(shortages) {
            // takes the claim with it, and whatever was set aside
            tx.rollback().await?;
            return if domain::is_remembered(origin.coordination) {
                self.claim_refuse(request, refusal, now, origin).await
            } else {
                Ok(Settled::unmoved(Err(refusal)))
            };
        }
        tx.tell(&claim, None, Occasion { now, call: Some(origin) });
        tx.commit().await?;
        Ok(Settled { answer: Ok(claim), moved })
    }

    async fn claim_commit(
        &self,
        order: OrderId,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Settled, StoreError> {
        let occasion = Occasion { now, call: Some(origin) };
        self.claim_settle(order, occasion, |claim| domain::commit(claim, now)).await
    }

    async fn claim_release(
        &self,
        order: OrderId,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Settled, StoreError> {
        let occasion = Occasion { now, call: Some(origin) };
        let tombstone = domain::tombstone(order, now);
        let mut tx = Tx::begin(&self.db, &self.mailbox).await?;
        // Insert first, look second: a reserve of this order that is under way holds the row, and the
        // insert waits until it is known whether there is a claim to release.
        let settled = match tx.claim_insert(&tombstone, origin).await? {
            Inserted::New => {
                tx.tell(&tombstone, None, occasion);
                Settled::unmoved(Ok(tombstone))
            }
            Inserted::WasThere => {
                let kept = tx.claim_lock_present(order).await?;
                let verdict = domain::release(&kept.claim);
                tx.claim_apply(kept, verdict, occasion).await?
            }
        };
        tx.commit().await?;
        Ok(settled)
    }

    async fn claim_expire(&self, order: OrderId, now: Timestamp) -> Result<Settled, StoreError> {
        self.claim_settle(order, Occasion { now, call: None }, |claim| domain::expire(claim, now)).await
    }

    async fn claim_list_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        let found: Vec<(String,)> = sqlx::query_as(
            "SELECT order_id FROM inventory_claims WHERE status = 'reserved' AND expires_at <= $1 \
             ORDER BY expires_at, order_id LIMIT $2",
        )
        .bind(now.0)
        .bind(i64::from(limit))
        .fetch_all(self.db.read())
        .await?;
        found.iter().map(|(order,)| rows::order_id(order)).collect()
    }

    async fn account_page(&self, after: &str, limit: u32) -> Result<Vec<StockAccount>, StoreError> {
        let found: Vec<AccountRow> = sqlx::query_as(
            "SELECT sku, initial, available, reserved, sold FROM inventory_stock WHERE sku > $1 \
             ORDER BY sku LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.db.read())
        .await?;
        Ok(found.into_iter().map(rows::account).collect())
    }

    async fn claim_page(&self, after: &str, limit: u32) -> Result<Vec<Reservation>, StoreError> {
        let found: Vec<ClaimRow> = sqlx::query_as(
            "SELECT order_id, status, lines, expires_at FROM inventory_claims WHERE order_id > $1 \
             ORDER BY order_id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.db.read())
        .await?;
        found.into_iter().map(rows::claim).collect()
    }
}

fn shortage(lines: &[Line], short: &Line, left: Option<u32>) -> Shortage {
    let line = lines.iter().position(|line| line.sku == short.sku).unwrap_or_default();
    Shortage { line, sku: short.sku.clone(), wanted: short.quantity, left }
}
