//! [`NotificationsStore`] in SQL, the same statements on both engines.

use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::{Mailbox, Received};
use chassis::store::{Store, StoreError, commit};
use contracts::messages::MessageId;
use contracts::notifications::{Delivery, Notification};
use contracts::types::CustomerId;
use contracts::{OrderId, Timestamp};
use sqlx::{Any, Transaction};

use super::{Claimed, NotificationsStore, Settled, Taken, rows};
use crate::domain::{News, Next, Occasion, address, letter};

/// [`NotificationsStore`] on SQLite or PostgreSQL.
#[derive(Debug, Clone)]
pub struct SqlStore {
    store: Store,
    mailbox: Mailbox,
}

impl SqlStore {
    /// The notifications' tables in `store`, and the inbox that lies beside them.
    pub fn new(store: Store, mailbox: Mailbox) -> Self {
        Self { store, mailbox }
    }
}

#[async_trait]
impl NotificationsStore for SqlStore {
    async fn news_take(
        &self,
        queue: &str,
        news: &News,
        domain: &str,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let mut tx = self.store.begin().await?;
        if self.mailbox.receive_in_tx(&mut tx, queue, news.id).await? == Received::Again {
            return Ok(Taken::Before);
        }
        let Some(customer_id) = customer_in_tx(&mut tx, news).await? else {
            // the row of the inbox goes with the transaction: the event will come again
            return Ok(Taken::OrderUnknown);
        };
        let taken = match &news.occasion {
            None => Taken::Noted,
            // the inbox forgets after a while; mails are kept
            Some(_) if mail_exists_in_tx(&mut tx, news.id).await? => Taken::Before,
            Some(occasion) => {
                mail_insert_in_tx(&mut tx, news, occasion, &customer_id, domain, now).await?;
                Taken::Written(customer_id)
            }
        };
        commit(tx).await?;
        Ok(taken)
    }

    async fn notification(
        &self,
        customer_id: &CustomerId,
        id: MessageId,
    ) -> Result<Option<Notification>, StoreError> {
        let row = sqlx::query(ONE)
            .bind(&customer_id.0)
            .bind(id.to_string())
            .fetch_optional(self.store.read())
            .await?;
        row.as_ref().map(rows::notification).transpose()
    }

    async fn notifications_newest(
        &self,
        customer_id: &CustomerId,
        before: Option<MessageId>,
        most: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        self.of_customer(NEWEST, customer_id, before, most).await
    }

    async fn notifications_since(
        &self,
        customer_id: &CustomerId,
        after: Option<MessageId>,
        most: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        self.of_customer(SINCE, customer_id, after, most).await
    }

    async fn notifications_page(&self, after: &str, most: u32) -> Result<Vec<Notification>, StoreError> {
        let rows = sqlx::query(PAGE).bind(after).bind(i64::from(most)).fetch_all(self.store.read()).await?;
        rows.iter().map(rows::notification).collect()
    }

    async fn mails_claim(
        &self,
        now: Timestamp,
        lease: Duration,
        most: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        // read outside the transaction: mostly nothing is due, and the only writer of SQLite is left alone
        let due = sqlx::query(DUE).bind(now.0).bind(i64::from(most)).fetch_all(self.store.read()).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let mut due = due.iter().map(rows::claimed).collect::<Result<Vec<_>, _>>()?;
        // replicas take rows in the same order, so that none waits for another that waits for it
        due.sort_by_key(|claimed| claimed.mail.id);
        let mut claims = Vec::with_capacity(due.len());
        let mut tx = self.store.begin().await?;
        for claimed in due {
            let written = sqlx::query(CLAIM)
                .bind(i64::from(claimed.attempt))
                .bind(now.plus(lease).0)
                .bind(claimed.mail.id.to_string())
                .execute(&mut *tx)
                .await?;
            if written.rows_affected() == 1 {
                claims.push(claimed);
            }
        }
        commit(tx).await?;
        claims.sort_by_key(|claimed| (claimed.mail.written_at, claimed.mail.id));
        Ok(claims)
    }

    async fn mails_settle(&self, settled: &[Settled]) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        let mut settled: Vec<_> = settled.iter().collect();
        settled.sort_by_key(|settled| settled.id);
        let mut tx = self.store.begin().await?;
        for settled in settled {
            settle_in_tx(&mut tx, settled).await?;
        }
        commit(tx).await
    }
}

impl SqlStore {
    async fn of_customer(
        &self,
        statement: &'static str,
        customer_id: &CustomerId,
        beside: Option<MessageId>,
        most: u32,
    ) -> Result<Vec<Notification>, StoreError> {
        let rows = sqlx::query(statement)
            .bind(&customer_id.0)
            .bind(beside.map_or_else(String::new, |id| id.to_string()))
            .bind(i64::from(most))
            .fetch_all(self.store.read())
            .await?;
        rows.iter().map(rows::notification).collect()
    }
}

/// Whose order the news is about; notes it, where the news says so itself.
async fn customer_in_tx(
    tx: &mut Transaction<'static, Any>,
    news: &News,
) -> Result<Option<CustomerId>, StoreError> {
    let Some(customer_id) = &news.customer_id else { return owner_in_tx(tx, news.order_id).await };
    sqlx::query(ORDER).bind(news.order_id.to_string()).bind(&customer_id.0).execute(&mut **tx).await?;
    Ok(Some(customer_id.clone()))
}

async fn owner_in_tx(
    tx: &mut Transaction<'static, Any>,
    order_id: OrderId,
) -> Result<Option<CustomerId>, StoreError> {
    let owner: Option<String> =
        sqlx::query_scalar(OWNER).bind(order_id.to_string()).fetch_optional(&mut **tx).await?;
    Ok(owner.map(CustomerId))
}

async fn mail_exists_in_tx(tx: &mut Transaction<'static, Any>, id: MessageId) -> Result<bool, StoreError> {
    let found: Option<i64> =
        sqlx::query_scalar(WRITTEN).bind(id.to_string()).fetch_optional(&mut **tx).await?;
    Ok(found.is_some())
}

async fn mail_insert_in_tx(
    tx: &mut Transaction<'static, Any>,
    news: &News,
    occasion: &Occasion,
    customer_id: &CustomerId,
    domain: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sequence: i64 = sqlx::query_scalar(COUNT).bind(&customer_id.0).fetch_one(&mut **tx).await?;
    let letter = letter::compose(occasion, customer_id);
    sqlx::query(MAIL)
        .bind(news.id.to_string())
        .bind(news.event)
        .bind(news.order_id.to_string())
        .bind(&customer_id.0)
        .bind(sequence)
        .bind(address::of(customer_id, domain))
        .bind(letter.subject)
        .bind(letter.body)
        .bind(now.0)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn settle_in_tx(tx: &mut Transaction<'static, Any>, settled: &Settled) -> Result<(), StoreError> {
    let id = settled.id.to_string();
    let attempt = i64::from(settled.attempt);
    let statement = match &settled.next {
        Next::Sent => sqlx::query(SENT).bind(rows::delivery_text(Delivery::Sent)).bind(id),
        Next::Refused { cause } => sqlx::query(REFUSED)
            .bind(rows::delivery_text(Delivery::Refused))
            .bind(cause.as_str())
            .bind(id)
            .bind(attempt),
        Next::Again { at, cause } => {
            sqlx::query(AGAIN).bind(at.0).bind(cause.as_str()).bind(id).bind(attempt)
        }
    };
    statement.execute(&mut **tx).await?;
    Ok(())
}

const ORDER: &str = "
    INSERT INTO notifications_orders (order_id, customer_id)
    VALUES ($1, $2)
    ON CONFLICT (order_id) DO NOTHING";

const OWNER: &str = "
    SELECT customer_id
    FROM notifications_orders
    WHERE order_id = $1";

const WRITTEN: &str = "
    SELECT sequence
    FROM notifications_mails
    WHERE id = $1";

const COUNT: &str = "
    INSERT INTO notifications_customers (customer_id, mails)
    VALUES ($1, 1)
    ON CONFLICT (customer_id) DO UPDATE SET mails = notifications_customers.mails + 1
    RETURNING mails";

const MAIL: &str = "
    INSERT INTO notifications_mails (id, event, order_id, customer_id, sequence, address, subject, body,
                                     written_at, delivery, attempts, due_at, trouble)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', 0, $9, '')";

const ONE: &str = "
    SELECT id, event, order_id, customer_id, address, subject, body, written_at, delivery
    FROM notifications_mails
    WHERE customer_id = $1 AND id = $2";

const NEWEST: &str = "
    SELECT id, event, order_id, customer_id, address, subject, body, written_at, delivery
    FROM notifications_mails
    WHERE customer_id = $1
      AND sequence < COALESCE(
          (SELECT sequence FROM notifications_mails WHERE customer_id = $1 AND id = $2), 9223372036854775807)
    ORDER BY sequence DESC
    LIMIT $3";

const SINCE: &str = "
    SELECT id, event, order_id, customer_id, address, subject, body, written_at, delivery
    FROM notifications_mails
    WHERE customer_id = $1
      AND sequence > COALESCE(
          (SELECT sequence FROM notifications_mails WHERE customer_id = $1 AND id = $2), 0)
    ORDER BY sequence
    LIMIT $3";

const PAGE: &str = "
    SELECT id, event, order_id, customer_id, address, subject, body, written_at, delivery
    FROM notifications_mails
    WHERE id > $1
    ORDER BY id
    LIMIT $2";

const DUE: &str = "
    SELECT id, event, order_id, customer_id, address, subject, body, written_at, delivery, attempts
    FROM notifications_mails
    WHERE delivery = 'pending' AND due_at <= $1
    ORDER BY due_at, id
    LIMIT $2";

const CLAIM: &str = "
    UPDATE notifications_mails
    SET attempts = $1, due_at = $2
    WHERE id = $3 AND delivery = 'pending' AND attempts = $1 - 1";

const SENT: &str = "
    UPDATE notifications_mails
    SET delivery = $1, trouble = ''
    WHERE id = $2";

const REFUSED: &str = "
    UPDATE notifications_mails
    SET delivery = $1, trouble = $2
    WHERE id = $3 AND delivery = 'pending' AND attempts = $4";

const AGAIN: &str = "
    UPDATE notifications_mails
    SET due_at = $1, trouble = $2
    WHERE id = $3 AND delivery = 'pending' AND attempts = $4";
