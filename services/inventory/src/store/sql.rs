//! Accounts and claims in SQL, on SQLite and PostgreSQL.
//!
//! Locks are taken in one order everywhere: first the claim's row, then the accounts in the order of
//! their products. Stock moves by conditional updates, so that it is right even where no lock is held.

use async_trait::async_trait;
use chassis::store::{Dialect, Store, StoreError};
use contracts::inventory::{Reservation, ReservationStatus, ReserveStock, StockAccount, StockLevel};
use contracts::types::Line;
use contracts::{OrderId, Sku, Timestamp};
use serde::Serialize;
use sqlx::AnyConnection;

use super::rows::{self, AccountRow, ClaimRow, LevelRow};
use super::{InventoryStore, Settled};
use crate::domain::{self, Movement, Refusal, Shortage, Verdict};

/// The store that the service runs on.
#[derive(Debug, Clone)]
pub struct SqlStore {
    db: Store,
}

impl SqlStore {
    /// On a database whose tables are up to date: see [`crate::migrations`].
    pub fn new(db: Store) -> Self {
        Self { db }
    }

    /// Of a statement that each engine writes in its own way, the one for this engine.
    fn twin(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self.db.dialect() {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        }
    }

    /// An order's claim, locked until the transaction ends. On SQLite the transaction holds the only
    /// write lock already.
    async fn claim_lock_in_tx(
        &self,
        tx: &mut AnyConnection,
        order: OrderId,
    ) -> Result<Option<Reservation>, StoreError> {
        let statement = self.twin(
            "SELECT order_id, status, lines, expires_at FROM inventory_claims WHERE order_id = $1",
            "SELECT order_id, status, lines, expires_at FROM inventory_claims WHERE order_id = $1 FOR UPDATE",
        );
        let row: Option<ClaimRow> =
            sqlx::query_as(statement).bind(order.to_string()).fetch_optional(tx).await?;
        row.map(rows::claim).transpose()
    }

    /// How many of a product are available, locked until the transaction ends.
    async fn available_lock_in_tx(&self, tx: &mut AnyConnection, sku: &Sku) -> Result<Option<u32>, StoreError> {
        let statement = self.twin(
            "SELECT available FROM inventory_stock WHERE sku = $1",
            "SELECT available FROM inventory_stock WHERE sku = $1 FOR UPDATE",
        );
        let row: Option<(i64,)> = sqlx::query_as(statement).bind(&*sku.0).fetch_optional(tx).await?;
        row.map(|(available,)| rows::count("available", available)).transpose()
    }

    /// Reserves one line: the product's new level, or how many there are instead.
    async fn line_reserve_in_tx(
        &self,
        tx: &mut AnyConnection,
        line: &Line,
    ) -> Result<Result<StockLevel, Option<u32>>, StoreError> {
        if let Some(level) = line_move_in_tx(tx, Movement::Reserve, line).await? {
            return Ok(Ok(level));
        }
        // What the refusal names must be what decided it, so the account is locked before it is read.
        // Where others gave back enough in the meantime, the line is reserved after all.
        match self.available_lock_in_tx(tx, &line.sku).await? {
            Some(left) if left >= line.quantity => {
                let level = line_move_in_tx(tx, Movement::Reserve, line).await?;
                Ok(level.ok_or(Some(left)))
            }
            left => Ok(Err(left)),
        }
    }

    /// Lets `decide` judge the claim of an order, and does what it says; `None` where there is no claim.
    async fn claim_settle(
        &self,
        order: OrderId,
        decide: impl FnOnce(&Reservation) -> Verdict + Send,
    ) -> Result<Option<Settled>, StoreError> {
        let mut tx = self.db.begin().await?;
        let Some(claim) = self.claim_lock_in_tx(&mut tx, order).await? else {
            tx.rollback().await?;
            return Ok(None);
        };
        let verdict = decide(&claim);
        let settled = claim_apply_in_tx(&mut tx, claim, verdict).await?;
        tx.commit().await?;
        Ok(Some(settled))
    }
}

#[async_trait]
impl InventoryStore for SqlStore {
    async fn stock_seed(&self, stock: &[Line]) -> Result<u64, StoreError> {
        let statement = self.twin(
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
        let statement = self.twin(
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
        let row: Option<ClaimRow> =
            sqlx::query_as("SELECT order_id, status, lines, expires_at FROM inventory_claims WHERE order_id = $1")
                .bind(order.to_string())
                .fetch_optional(self.db.read())
                .await?;
        row.map(rows::claim).transpose()
    }

    async fn claim_reserve(
        &self,
        request: &ReserveStock,
        expires_at: Timestamp,
    ) -> Result<Settled, StoreError> {
        let claim = Reservation {
            order_id: request.order_id,
            status: ReservationStatus::Reserved,
            lines: request.lines.clone(),
            expires_at,
        };
        let mut tx = self.db.begin().await?;
        if claim_insert_in_tx(&mut tx, &claim).await? == Inserted::WasThere {
            let seen = self.claim_lock_in_tx(&mut tx, claim.order_id).await?;
            tx.rollback().await?;
            let seen = seen.ok_or_else(|| vanished(claim.order_id))?;
            return Ok(Settled::unmoved(domain::repeat(&seen, &claim.lines).map(|()| seen)));
        }
        let (mut moved, mut shortages) = (Vec::new(), Vec::new());
        for line in domain::by_sku(&claim.lines) {
            match self.line_reserve_in_tx(&mut tx, line).await? {
                Ok(level) => moved.push(level),
                Err(left) => shortages.push(shortage(&claim.lines, line, left)),
            }
        }
        if let Some(refusal) = Refusal::of(shortages) {
            // takes the claim with it: a refusal is not remembered
            tx.rollback().await?;
            return Ok(Settled::unmoved(Err(refusal)));
        }
        tx.commit().await?;
        Ok(Settled { answer: Ok(claim), moved })
    }

    async fn claim_commit(&self, order: OrderId, now: Timestamp) -> Result<Settled, StoreError> {
        let settled = self.claim_settle(order, |claim| domain::commit(claim, now)).await?;
        Ok(settled.unwrap_or_else(|| Settled::unmoved(Err(Refusal::NoClaim))))
    }

    async fn claim_release(&self, order: OrderId, now: Timestamp) -> Result<Settled, StoreError> {
        let tombstone = Reservation {
            order_id: order,
            status: ReservationStatus::Released,
            lines: Vec::new(),
            expires_at: now,
        };
        let mut tx = self.db.begin().await?;
        // Insert first, look second: a reserve of this order that is under way holds the row, and the
        // insert waits until it is known whether there is a claim to release.
        let settled = match claim_insert_in_tx(&mut tx, &tombstone).await? {
            Inserted::New => Settled::unmoved(Ok(tombstone)),
            Inserted::WasThere => {
                let claim = self.claim_lock_in_tx(&mut tx, order).await?.ok_or_else(|| vanished(order))?;
                let verdict = domain::release(&claim);
                claim_apply_in_tx(&mut tx, claim, verdict).await?
            }
        };
        tx.commit().await?;
        Ok(settled)
    }

    async fn claim_expire(&self, order: OrderId, now: Timestamp) -> Result<Settled, StoreError> {
        let settled = self.claim_settle(order, |claim| domain::expire(claim, now)).await?;
        Ok(settled.unwrap_or_else(|| Settled::unmoved(Err(Refusal::NoClaim))))
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inserted {
    New,
    WasThere,
}

/// Whoever inserts first has the order; on PostgreSQL the second waits for the first to end.
async fn claim_insert_in_tx(tx: &mut AnyConnection, claim: &Reservation) -> Result<Inserted, StoreError> {
    let done = sqlx::query(
        "INSERT INTO inventory_claims (order_id, status, lines, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (order_id) DO NOTHING",
    )
    .bind(claim.order_id.to_string())
    .bind(rows::status_text(claim.status))
    .bind(json("lines", &claim.lines)?)
    .bind(claim.expires_at.0)
    .execute(tx)
    .await?;
    Ok(if done.rows_affected() == 1 { Inserted::New } else { Inserted::WasThere })
}

/// Writes what was decided about a locked claim.
async fn claim_apply_in_tx(
    tx: &mut AnyConnection,
    mut claim: Reservation,
    verdict: Verdict,
) -> Result<Settled, StoreError> {
    let mut moved = Vec::new();
    if let Some(change) = verdict.change {
        claim_pass_in_tx(tx, &claim, change.to).await?;
        if let Some(movement) = change.movement {
            for line in domain::by_sku(&claim.lines) {
                let level = line_move_in_tx(tx, movement, line).await?;
                moved.push(level.ok_or_else(|| {
                    let (order, sku) = (claim.order_id, &line.sku);
                    StoreError::Corrupt(format!("the account of {sku} holds less than the claim of {order}"))
                })?);
            }
        }
        claim.status = change.to;
    }
    Ok(Settled { answer: verdict.answer.map(|()| claim), moved })
}

/// Compare and set: right even if the lock that the claim was read under should ever be lost.
async fn claim_pass_in_tx(
    tx: &mut AnyConnection,
    claim: &Reservation,
    to: ReservationStatus,
) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE inventory_claims SET status = $2 WHERE order_id = $1 AND status = $3")
        .bind(claim.order_id.to_string())
        .bind(rows::status_text(to))
        .bind(rows::status_text(claim.status))
        .execute(tx)
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(vanished(claim.order_id)) }
}

/// Moves the goods of one line: the product's new level, or nothing where the account does not have them.
async fn line_move_in_tx(
    tx: &mut AnyConnection,
    movement: Movement,
    line: &Line,
) -> Result<Option<StockLevel>, StoreError> {
    let statement = match movement {
        Movement::Reserve => {
            "UPDATE inventory_stock \
             SET available = available - $2, reserved = reserved + $2, version = version + 1 \
             WHERE sku = $1 AND available >= $2 RETURNING sku, available, reserved, version"
        }
        Movement::Sell => {
            "UPDATE inventory_stock \
             SET reserved = reserved - $2, sold = sold + $2, version = version + 1 \
             WHERE sku = $1 AND reserved >= $2 RETURNING sku, available, reserved, version"
        }
        Movement::GiveBack => {
            "UPDATE inventory_stock \
             SET reserved = reserved - $2, available = available + $2, version = version + 1 \
             WHERE sku = $1 AND reserved >= $2 RETURNING sku, available, reserved, version"
        }
        Movement::Restock => {
            "UPDATE inventory_stock \
             SET sold = sold - $2, available = available + $2, version = version + 1 \
             WHERE sku = $1 AND sold >= $2 RETURNING sku, available, reserved, version"
        }
    };
    let row: Option<LevelRow> =
        sqlx::query_as(statement).bind(&*line.sku.0).bind(i64::from(line.quantity)).fetch_optional(tx).await?;
    row.map(rows::level).transpose()
}

fn shortage(lines: &[Line], short: &Line, left: Option<u32>) -> Shortage {
    let line = lines.iter().position(|line| line.sku == short.sku).unwrap_or_default();
    Shortage { line, sku: short.sku.clone(), wanted: short.quantity, left }
}

fn vanished(order: OrderId) -> StoreError {
    StoreError::Corrupt(format!("the claim of {order} changed although it was locked"))
}

fn json<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("{what} cannot be written: {error}")))
}
