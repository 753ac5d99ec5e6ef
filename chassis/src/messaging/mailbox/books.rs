//! The outbox and the inbox, read and written.

use std::sync::Arc;
use std::time::Duration;

use contracts::Timestamp;
use contracts::messages::{MessageId, Outgoing};
use futures::TryStreamExt;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, Transaction};

use super::rows::{self, Waiting};
use super::statements::{POSTED_AT_ONCE, Statements};
use super::status::Lag;
use super::{Batch, InboxEntry, OutboxEntry, Received};
use crate::clock::Clock;
use crate::messaging::sql::json;
use crate::messaging::stored::sequence;
use crate::store::{Store, StoreError, commit};

/// The books of a module.
pub(super) struct Books {
    store: Store,
    module: &'static str,
    statements: Statements,
    clock: Arc<dyn Clock>,
}

impl Books {
    pub fn new(store: Store, module: &'static str, clock: Arc<dyn Clock>) -> Self {
        let statements = Statements::new(store.dialect(), module);
        Self { store, module, statements, clock }
    }

    pub fn module(&self) -> &'static str {
        self.module
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn statements(&self) -> &Statements {
        &self.statements
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn post_in_tx(
        &self,
        tx: &mut Transaction<'_, Any>,
        messages: &[Outgoing],
    ) -> Result<(), StoreError> {
        let now = self.now();
        for some in messages.chunks(POSTED_AT_ONCE) {
            let mut query = sqlx::query(self.statements.post[some.len() - 1].clone());
            for outgoing in some {
                query = bind(query, outgoing, now)?;
            }
            query.execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// The next rows to publish, in order, without those about `left_out`.
    ///
    /// On PostgreSQL a transaction that began to post earlier may commit later, so that a lower position
    /// can appear after a higher one was published. Rows are therefore chosen by what they say
    /// (`published_at IS NULL`) and never by a position that was reached: none is skipped. The order of
    /// rows about one thing holds all the same, since transactions that write about one thing wait for each
    /// other at its row (see `Mailbox::post_in_tx`).
    pub async fn waiting(&self, limit: Batch, left_out: &[&str]) -> Result<Vec<Waiting>, StoreError> {
        let mut rows = sqlx::query(self.statements.waiting.clone())
            .bind(json(left_out)?)
            .bind(i64::from(limit.rows))
            .fetch(self.store.read());
        let (mut batch, mut bytes) = (Vec::new(), 0);
        // row by row, so that no more than a batch is ever in memory
        while let Some(row) = rows.try_next().await? {
            let row = rows::waiting(&row)?;
            bytes += row.bytes;
            batch.push(row);
            if bytes >= limit.bytes {
                break;
            }
        }
        Ok(batch)
    }

    /// The next row to publish about `subject`.
    pub async fn first_waiting(&self, subject: &str) -> Result<Option<Waiting>, StoreError> {
        let row = sqlx::query(self.statements.first_waiting.clone())
            .bind(subject.to_owned())
            .fetch_optional(self.store.read())
            .await?;
        row.as_ref().map(rows::waiting).transpose()
    }

    /// Marks rows as published, in one transaction; returns how many were not yet.
    pub async fn mark(&self, positions: &[i64]) -> Result<u64, StoreError> {
        if positions.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store.begin().await?;
        let marked = sqlx::query(self.statements.mark.clone())
            .bind(self.now().0)
            .bind(json(positions)?)
            .execute(&mut *tx)
            .await?;
        commit(tx).await?;
        Ok(marked.rows_affected())
    }

    pub async fn lag(&self) -> Result<Lag, StoreError> {
        let row = sqlx::query(self.statements.lag.clone()).fetch_one(self.store.read()).await?;
        rows::lag(&row)
    }

    pub async fn outbox_page(&self, after: i64, limit: u32) -> Result<Vec<OutboxEntry>, StoreError> {
        let rows = sqlx::query(self.statements.outbox_page.clone())
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.store.read())
            .await?;
        rows.iter().map(rows::outbox_entry).collect()
    }

    pub async fn receive_in_tx(
        &self,
        tx: &mut Transaction<'_, Any>,
        queue: &str,
        id: MessageId,
    ) -> Result<Received, StoreError> {
        let noted = sqlx::query(self.statements.receive.clone())
            .bind(queue.to_owned())
            .bind(id.to_string())
            .bind(self.now().0)
            .execute(&mut **tx)
            .await?;
        Ok(if noted.rows_affected() == 0 { Received::Again } else { Received::First })
    }

    pub async fn has_received(&self, queue: &str, id: MessageId) -> Result<bool, StoreError> {
        let row = sqlx::query(self.statements.has_received.clone())
            .bind(queue.to_owned())
            .bind(id.to_string())
            .fetch_optional(self.store.read())
            .await?;
        Ok(row.is_some())
    }

    pub async fn settle(
        &self,
        queue: &str,
        id: MessageId,
        answers: &[Outgoing],
    ) -> Result<Received, StoreError> {
        let mut tx = self.store.begin().await?;
        let received = self.receive_in_tx(&mut tx, queue, id).await?;
        if received == Received::First {
            self.post_in_tx(&mut tx, answers).await?;
            commit(tx).await?;
        }
        Ok(received)
    }

    pub async fn inbox_page(&self, after: i64, limit: u32) -> Result<Vec<InboxEntry>, StoreError> {
        let rows = sqlx::query(self.statements.inbox_page.clone())
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.store.read())
            .await?;
        rows.iter().map(rows::inbox_entry).collect()
    }

    /// Deletes up to `limit` outbox rows that were published longer than `age` ago; returns how many.
    pub async fn outbox_prune(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.prune(&self.statements.outbox_prune, age, limit).await
    }

    /// Deletes up to `limit` inbox rows that are older than `age`; returns how many.
    pub async fn inbox_prune(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.prune(&self.statements.inbox_prune, age, limit).await
    }

    async fn prune(&self, statement: &sqlx::SqlStr, age: Duration, limit: u32) -> Result<u64, StoreError> {
        let mut tx = self.store.begin().await?;
        let deleted = sqlx::query(statement.clone())
            .bind(i64::from(limit))
            .bind(self.now().minus(age).0)
            .execute(&mut *tx)
            .await?;
        commit(tx).await?;
        Ok(deleted.rows_affected())
    }
}

type Statement<'q> = Query<'q, Any, AnyArguments>;

fn bind<'q>(query: Statement<'q>, outgoing: &Outgoing, now: Timestamp) -> Result<Statement<'q>, StoreError> {
    let Outgoing { to, message } = outgoing;
    let sequence = sequence(message)?;
    Ok(query
        .bind(message.id.to_string())
        .bind(to.exchange.clone())
        .bind(to.key.clone())
        .bind(message.kind.clone())
        .bind(message.source.clone())
        .bind(message.subject.to_string())
        .bind(sequence)
        .bind(message.coordination.as_str())
        .bind(message.at.0)
        .bind(message.trace.traceparent())
        .bind(message.trace.state.clone())
        .bind(message.data.to_string())
        .bind(now.0))
}
