//! The log of all events in a database: what the stream is at a broker. It is never deleted from.
//!
//! Each entry has its offset in a column: 0, 1, 2 and so on for what is appended here, and what it was in the
//! stream for what came from there, so that readers go on where they were on either side.

mod statements;

use contracts::messages::Outgoing;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use self::statements::Statements;
use super::content::Content;
use crate::messaging::sql::json;
use crate::messaging::stored::Columns;
use crate::messaging::tables::EVENT_LOG;
use crate::store::{Store, StoreError, commit};

/// The log, in the database of the module that reads it.
pub(in crate::messaging) struct EventLog {
    store: Store,
    statements: Statements,
}

/// An entry.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::messaging) struct Entry {
    pub offset: u64,
    pub content: Content,
}

impl EventLog {
    /// The one that `module` keeps, whose tables it brings up to date.
    pub(in crate::messaging) async fn open(store: &Store, module: &str) -> Result<Self, StoreError> {
        EVENT_LOG.bring_up_to_date(store, module).await?;
        Ok(Self { store: store.clone(), statements: Statements::new(store.dialect(), module) })
    }

    /// Appends events in their order, all or none. Those that stand here stay where they are: a relay that tries
    /// again says what it said before.
    pub(in crate::messaging) async fn append(&self, events: &[&Outgoing]) -> Result<(), StoreError> {
        let columns = events.iter().map(|event| Columns::of(event)).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.begin().await?;
        sqlx::query(self.statements.append.clone()).bind(json(&columns)?).execute(&mut *tx).await?;
        commit(tx).await
    }

    /// Takes over entries with the offsets that they have.
    pub(in crate::messaging) async fn adopt(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let objects = entries.iter().map(object).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.begin().await?;
        sqlx::query(self.statements.adopt.clone()).bind(json(&objects)?).execute(&mut *tx).await?;
        commit(tx).await
    }

    /// Up to `limit` entries, in their order, from the first at `from` or after it.
    pub(in crate::messaging) async fn read(&self, from: u64, limit: u16) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query(self.statements.read.clone())
            .bind(i64::try_from(from).unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(self.store.read())
            .await?;
        rows.iter().map(entry).collect()
    }

    /// The offset of the last entry; nothing while there is none.
    pub(in crate::messaging) async fn last(&self) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query(self.statements.last.clone()).fetch_one(self.store.read()).await?;
        let last: Option<i64> = row.try_get("last")?;
        last.map(offset).transpose()
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let mut tx = self.store.begin().await?;
        if let Some(lock) = &self.statements.lock {
            sqlx::query(lock.clone()).execute(&mut *tx).await?;
        }
        Ok(tx)
    }
}

/// An entry with its offset, as the statement that writes it takes it.
#[derive(Serialize)]
struct Object {
    log_offset: u64,
    #[serde(flatten)]
    columns: Columns,
}

fn object(entry: &Entry) -> Result<Object, StoreError> {
    Ok(Object { log_offset: entry.offset, columns: entry.content.columns()? })
}

fn entry(row: &AnyRow) -> Result<Entry, StoreError> {
    Ok(Entry { offset: offset(row.try_get("log_offset")?)?, content: Content::of_row(row)? })
}

fn offset(column: i64) -> Result<u64, StoreError> {
    u64::try_from(column).map_err(|_| StoreError::corrupt("log_offset", column))
}
