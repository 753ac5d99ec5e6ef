//! Payments and ledger in SQLite or PostgreSQL.
//!
//! A step reads, decides and then writes with a compare-and-set on the row's version, so that neither
//! engine has to hold a lock while the domain decides, and a step that changes nothing writes nothing. Rows
//! are written in one order: the payment, its postings, the outbox.

use async_trait::async_trait;
use chassis::messaging::Mailbox;
use chassis::messaging::participant::books;
use chassis::store::{Store, StoreError, commit};
use contracts::messages::{Event, Origin, Outgoing};
use contracts::payments::Posting;
use contracts::{Money, OrderId, Timestamp};
use sqlx::AnyConnection;

use super::rows::{Columns, PaymentRow, PostingRow, Versioned, order_id};
use super::{IntentAge, Moment, PaymentStore, Stepped, Stored};
use crate::domain::{Input, Known, Refusal, Transfer, step};
use crate::facts;

/// The store on `chassis::store`.
#[derive(Debug, Clone)]
pub struct SqlStore {
    store: Store,
    mailbox: Mailbox,
}

impl SqlStore {
    /// A store whose tables are there. What becomes true is told through `mailbox`.
    pub fn new(store: Store, mailbox: Mailbox) -> Self {
        Self { store, mailbox }
    }

    async fn load(&self, order: OrderId) -> Result<Option<Versioned>, StoreError> {
        let row: Option<PaymentRow> = sqlx::query_as(
            "SELECT order_id, status, amount, currency, card, decline_code, hold_posted, version, updated_at, origin
             FROM payments_payments WHERE order_id = $1",
        )
        .bind(order.to_string())
        .fetch_optional(self.store.read())
        .await?;
        row.map(Versioned::try_from).transpose()
    }

    /// Writes a step unless somebody else has changed the row since it was read.
    async fn write(
        &self,
        before: Option<&Versioned>,
        after: &Stored,
        transfers: &[Transfer],
        moment: Moment,
        origin: Option<&Origin>,
    ) -> Result<bool, StoreError> {
        let columns = Columns::of(&after.known, moment);
        let mut tx = self.store.begin().await?;
        let written = match before {
            None => payment_insert_in_tx(&mut tx, after, columns, origin).await?,
            Some(before) => payment_update_in_tx(&mut tx, after, columns, before.version).await?,
        };
        if !written {
            tx.rollback().await?;
            return Ok(false);
        }
        if let Known::Charge(charge) = &after.known {
            for transfer in transfers {
                transfer_insert_in_tx(&mut tx, after.order_id, *transfer, charge.amount, moment.now).await?;
            }
        }
        let kept = before.and_then(|before| before.origin.as_ref());
        let fact = fact(after, books::origin_of_fact(kept, origin), moment);
        books::commit_with(tx, &self.mailbox, fact.as_slice()).await?;
        Ok(true)
    }
}

#[async_trait]
impl PaymentStore for SqlStore {
    async fn payment_step(
        &self,
        order: OrderId,
        input: &Input,
        moment: Moment,
        origin: Option<&Origin>,
    ) -> Result<Result<Stepped, Refusal>, StoreError> {
        // each round that finds its row changed was lost to another step that won, so this ends
        loop {
            let before = self.load(order).await?;
            let step = match step(before.as_ref().map(|row| &row.stored.known), input) {
                Ok(step) => step,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Some(Versioned { stored, .. }) = &before
                && stored.known == step.known
            {
                let stored = stored.clone();
                return Ok(Ok(Stepped { stored, intent: step.intent, age: IntentAge::Standing }));
            }
            let after = Stored { order_id: order, known: step.known, updated_at: moment.now };
            if self.write(before.as_ref(), &after, &step.transfers, moment, origin).await? {
                return Ok(Ok(Stepped { stored: after, intent: step.intent, age: IntentAge::New }));
            }
        }
    }

    async fn payment(&self, order: OrderId) -> Result<Option<Stored>, StoreError> {
        Ok(self.load(order).await?.map(|row| row.stored))
    }

    async fn payment_page(&self, after: &str, limit: u32) -> Result<Vec<Stored>, StoreError> {
        let rows: Vec<PaymentRow> = sqlx::query_as(
            "SELECT order_id, status, amount, currency, card, decline_code, hold_posted, version, updated_at, origin
             FROM payments_payments WHERE order_id > $1 ORDER BY order_id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.store.read())
        .await?;
        rows.into_iter().map(|row| Ok(Versioned::try_from(row)?.stored)).collect()
    }

    async fn posting_page(&self, after: &str, limit: u32) -> Result<Vec<Posting>, StoreError> {
        let rows: Vec<PostingRow> = sqlx::query_as(
            "SELECT id, transfer, order_id, account, amount, currency, posted_at
             FROM payments_postings WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.store.read())
        .await?;
        rows.into_iter().map(Posting::try_from).collect()
    }

    async fn intents_claim(&self, moment: Moment, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        let mut due: Vec<(String, i64)> = sqlx::query_as(
            "SELECT order_id, version FROM payments_payments
             WHERE settle_at IS NOT NULL AND settle_at <= $1 ORDER BY settle_at LIMIT $2",
        )
        .bind(moment.now.0)
        .bind(i64::from(limit))
        .fetch_all(self.store.read())
        .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        // two replicas that lock the same rows must lock them in the same order
        due.sort_unstable();
        let mut claimed = Vec::with_capacity(due.len());
        let mut tx = self.store.begin().await?;
        for (order, version) in due {
            let updated = sqlx::query(
                "UPDATE payments_payments SET settle_at = $1, version = version + 1
                 WHERE order_id = $2 AND version = $3",
            )
            .bind(moment.settle_at.0)
            .bind(&order)
            .bind(version)
            .execute(&mut *tx)
            .await?;
            if updated.rows_affected() == 1 {
                claimed.push(order_id(&order)?);
            }
        }
        commit(tx).await?;
        Ok(claimed)
    }
}

/// What the change to `after` tells the world.
fn fact(after: &Stored, origin: Origin, moment: Moment) -> Option<Outgoing> {
    Some(facts::of(after, origin.passed.clone())?.fact(&origin, moment.now))
}

async fn payment_insert_in_tx(
    tx: &mut AnyConnection,
    after: &Stored,
    columns: Columns,
    origin: Option<&Origin>,
) -> Result<bool, StoreError> {
    let charge = match &after.known {
        Known::Tombstone => None,
        Known::Charge(charge) => Some(charge),
    };
    let inserted = sqlx::query(
        "INSERT INTO payments_payments
             (order_id, status, amount, currency, card, decline_code, hold_posted, settle_at, version, created_at, updated_at,
              origin)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9, $10)
         ON CONFLICT (order_id) DO NOTHING",
    )
    .bind(after.order_id.to_string())
    .bind(columns.status)
    .bind(charge.map(|charge| charge.amount.amount))
    .bind(charge.map(|charge| charge.amount.currency.as_str()))
    .bind(charge.map(|charge| charge.card.0.clone()))
    .bind(columns.decline_code)
    .bind(columns.hold_posted)
    .bind(columns.settle_at)
    .bind(after.updated_at.0)
    .bind(origin.map(books::origin_column).transpose()?)
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Amount and card of an order never change; how it stands does.
async fn payment_update_in_tx(
    tx: &mut AnyConnection,
    after: &Stored,
    columns: Columns,
    version: i64,
) -> Result<bool, StoreError> {
    let updated = sqlx::query(
        "UPDATE payments_payments
         SET status = $1, decline_code = $2, hold_posted = $3, settle_at = $4, updated_at = $5, version = version + 1
         WHERE order_id = $6 AND version = $7",
    )
    .bind(columns.status)
    .bind(columns.decline_code)
    .bind(columns.hold_posted)
    .bind(columns.settle_at)
    .bind(after.updated_at.0)
    .bind(after.order_id.to_string())
    .bind(version)
    .execute(tx)
    .await?;
    Ok(updated.rows_affected() == 1)
}

async fn transfer_insert_in_tx(
    tx: &mut AnyConnection,
    order: OrderId,
    transfer: Transfer,
    amount: Money,
    posted_at: Timestamp,
) -> Result<(), StoreError> {
    let name = transfer.id(order);
    for (line, number) in transfer.lines(amount).into_iter().zip(1i64..) {
        sqlx::query(
            "INSERT INTO payments_postings (id, transfer, line, order_id, account, amount, currency, posted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        // the time first and of one width, so that ids sort by time
        .bind(format!("{:016x}-{name}-{number}", posted_at.0.max(0)))
        .bind(name.clone())
        .bind(number)
        .bind(order.to_string())
        .bind(line.account.as_str())
        .bind(line.amount.amount)
        .bind(line.amount.currency.as_str())
        .bind(posted_at.0)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
