//! The steps that a change is made of, within one transaction.
//!
//! Locks are taken in one order everywhere: first the claim's row, then the accounts in the order of
//! their products, at last the outbox. Stock moves by conditional updates, so that it is right even where
//! no lock is held.

use chassis::messaging::Mailbox;
use chassis::messaging::participant::books;
use chassis::store::{Dialect, Store, StoreError};
use contracts::inventory::{Reservation, ReservationStatus, StockLevel};
use contracts::messages::{Event, Origin, Outgoing};
use contracts::types::Line;
use contracts::{OrderId, Sku, Timestamp};
use serde::Serialize;
use sqlx::{Any, Transaction};

use super::Settled;
use super::rows::{self, KeptClaim, KeptClaimRow, LevelRow};
use crate::domain::{self, Movement, Refusal, Verdict};
use crate::facts;

/// A transaction that changes claims and accounts. Dropped without `commit`, it is rolled back.
pub(super) struct Tx {
    inner: Transaction<'static, Any>,
    dialect: Dialect,
    mailbox: Mailbox,
    /// What becomes true with the commit.
    facts: Vec<Outgoing>,
}

/// Who asks for a change, and when.
#[derive(Clone, Copy)]
pub(super) struct Occasion<'a> {
    pub now: Timestamp,
    /// Of the call that asks; nothing for the sweep.
    pub call: Option<&'a Origin>,
}

/// Whether an order's claim is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inserted {
    /// This one is the order's claim now.
    New,
    /// The order has one already.
    WasThere,
}

impl Tx {
    pub async fn begin(db: &Store, mailbox: &Mailbox) -> Result<Self, StoreError> {
        Ok(Self {
            inner: db.begin().await?,
            dialect: db.dialect(),
            mailbox: mailbox.clone(),
            facts: Vec::new(),
        })
    }

    pub async fn commit(self) -> Result<(), StoreError> {
        books::commit_with(self.inner, &self.mailbox, &self.facts).await
    }

    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.inner.rollback().await?)
    }

    /// Tells the world, with the commit, what a claim has become.
    pub fn tell(&mut self, claim: &Reservation, kept: Option<&Origin>, occasion: Occasion<'_>) {
        let origin = books::origin_of_fact(kept, occasion.call);
        let fact = facts::of(claim.clone(), origin.passed.clone());
        self.facts.push(fact.fact(&origin, occasion.now));
    }

    /// Tells the world, with the commit, that an order's goods could not be set aside.
    pub fn tell_refused(&mut self, order: OrderId, refusal: &Refusal, origin: &Origin, now: Timestamp) {
        self.facts.push(facts::refused(order, refusal).fact(origin, now));
    }

    /// Whoever inserts first has the order; on PostgreSQL the second waits for the first to end.
    pub async fn claim_insert(
        &mut self,
        claim: &Reservation,
        origin: &Origin,
    ) -> Result<Inserted, StoreError> {
        let done = sqlx::query(
            "INSERT INTO inventory_claims (order_id, status, lines, expires_at, origin) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (order_id) DO NOTHING",
        )
        .bind(claim.order_id.to_string())
        .bind(rows::status_text(claim.status))
        .bind(json("lines", &claim.lines)?)
        .bind(claim.expires_at.0)
        .bind(books::origin_column(origin)?)
        .execute(&mut *self.inner)
        .await?;
        Ok(if done.rows_affected() == 1 { Inserted::New } else { Inserted::WasThere })
    }

    /// An order's claim, locked until the transaction ends. On SQLite the transaction holds the only
    /// write lock already.
    pub async fn claim_lock(&mut self, order: OrderId) -> Result<Option<KeptClaim>, StoreError> {
        let statement = twin(
            self.dialect,
            "SELECT order_id, status, lines, expires_at, origin FROM inventory_claims WHERE order_id = $1",
            "SELECT order_id, status, lines, expires_at, origin FROM inventory_claims WHERE order_id = $1 \
             FOR UPDATE",
        );
        let row: Option<KeptClaimRow> =
            sqlx::query_as(statement).bind(order.to_string()).fetch_optional(&mut *self.inner).await?;
        row.map(rows::kept_claim).transpose()
    }

    /// The claim that an insert found there.
    pub async fn claim_lock_present(&mut self, order: OrderId) -> Result<KeptClaim, StoreError> {
        self.claim_lock(order).await?.ok_or_else(|| vanished(order))
    }

    /// Writes what was decided about a locked claim.
    pub async fn claim_apply(
        &mut self,
        kept: KeptClaim,
        verdict: Verdict,
        occasion: Occasion<'_>,
    ) -> Result<Settled, StoreError> {
        let KeptClaim { mut claim, origin } = kept;
        let mut moved = Vec::new();
        if let Some(change) = verdict.change {
            self.claim_pass(&claim, change.to).await?;
            if let Some(movement) = change.movement {
                for line in domain::by_sku(&claim.lines) {
                    let level = self.line_move(movement, line).await?;
                    moved.push(level.ok_or_else(|| {
                        let (order, sku) = (claim.order_id, &line.sku);
                        StoreError::Corrupt(format!(
                            "the account of {sku} holds less than the claim of {order}"
                        ))
                    })?);
                }
            }
            claim.status = change.to;
            self.tell(&claim, origin.as_ref(), occasion);
        }
        Ok(Settled { answer: verdict.answer.map(|()| claim), moved })
    }

    /// Compare and set: right even if the lock that the claim was read under should ever be lost.
    async fn claim_pass(&mut self, claim: &Reservation, to: ReservationStatus) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE inventory_claims SET status = $2 WHERE order_id = $1 AND status = $3")
            .bind(claim.order_id.to_string())
            .bind(rows::status_text(to))
            .bind(rows::status_text(claim.status))
            .execute(&mut *self.inner)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(vanished(claim.order_id)) }
    }

    /// Reserves one line: the product's new level, or how many there are instead (nothing where the
    /// product is not stocked).
    pub async fn line_reserve(&mut self, line: &Line) -> Result<Result<StockLevel, Option<u32>>, StoreError> {
        if let Some(level) = self.line_move(Movement::Reserve, line).await? {
            return Ok(Ok(level));
        }
        // What the refusal names must be what decided it, so the account is locked before it is read.
        // Where others gave back enough in the meantime, the line is reserved after all.
        let left = self.available_lock(&line.sku).await?;
        if left.is_some_and(|left| left >= line.quantity) {
            return Ok(self.line_move(Movement::Reserve, line).await?.ok_or(left));
        }
        Ok(Err(left))
    }

    /// How many of a product are available, locked until the transaction ends.
    async fn available_lock(&mut self, sku: &Sku) -> Result<Option<u32>, StoreError> {
        let statement = twin(
            self.dialect,
            "SELECT available FROM inventory_stock WHERE sku = $1",
            "SELECT available FROM inventory_stock WHERE sku = $1 FOR UPDATE",
        );
        let row: Option<(i64,)> =
            sqlx::query_as(statement).bind(&*sku.0).fetch_optional(&mut *self.inner).await?;
        row.map(|(available,)| rows::count("available", available)).transpose()
    }

    /// Moves the goods of one line: the product's new level, or nothing where the account does not have
    /// them.
    async fn line_move(&mut self, movement: Movement, line: &Line) -> Result<Option<StockLevel>, StoreError> {
        let row: Option<LevelRow> = sqlx::query_as(move_statement(movement))
            .bind(&*line.sku.0)
            .bind(i64::from(line.quantity))
            .fetch_optional(&mut *self.inner)
            .await?;
        row.map(rows::level).transpose()
    }
}

fn move_statement(movement: Movement) -> &'static str {
    match movement {
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
    }
}

/// Of a statement that each engine writes in its own way, the one for `dialect`.
pub(super) fn twin(dialect: Dialect, sqlite: &'static str, postgres: &'static str) -> &'static str {
    match dialect {
        Dialect::Sqlite => sqlite,
        Dialect::Postgres => postgres,
    }
}

pub(super) fn json<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Corrupt(format!("{what} cannot be written: {error}")))
}

fn vanished(order: OrderId) -> StoreError {
    StoreError::Corrupt(format!("the claim of {order} changed although it was locked"))
}
